"""Torchvision architectures on torch."""
