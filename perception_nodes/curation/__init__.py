"""What is wrong in labelled sets, and frames of recordings that are worth labelling."""
