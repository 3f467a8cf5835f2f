"""Networks: trunks, pyramids and heads, free to be combined."""
