"""How good a model is: average precision of boxes, IoU of masks, calibration, against labels."""
