"""Classes from a few pictures, without training."""
