"""Segmenters made fit for a place without labels of it: statistics of norms, then entropy."""
