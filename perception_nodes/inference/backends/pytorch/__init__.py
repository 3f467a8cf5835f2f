"""Architectures of torchvision and segmentation-models-pytorch on torch."""
