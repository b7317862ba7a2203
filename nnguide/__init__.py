"""nnguide: a guide to neural networks that runs."""

__version__ = "0.1.0"
