"""Smaller and faster forms of a model, and what they cost."""
