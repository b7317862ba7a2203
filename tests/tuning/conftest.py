"""The command line's fixtures serve here too."""

from cli.conftest import alone, nnguide

__all__ = ["alone", "nnguide"]
