"""Training with the rounding of the int8 file in the forward pass."""
