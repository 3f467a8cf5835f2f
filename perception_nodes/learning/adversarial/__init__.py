"""Pictures changed so that a segmenter errs, and training that withstands them."""
