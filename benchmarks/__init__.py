"""Benchmarks with a baseline in the same run; ``python -m benchmarks --help`` lists them."""
