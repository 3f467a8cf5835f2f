"""How good a model is: COCO average precision, precision and recall against labels."""
