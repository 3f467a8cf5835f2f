"""Labelled pictures: reading, cutting, varying, stacking into batches."""
