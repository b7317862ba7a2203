"""PyTorch, imported in a way that works together with TensorFlow."""

from __future__ import annotations

import contextlib
import sys

from nnguide.errors import ExtraError

# Triton, which comes with PyTorch's CUDA builds and serves torch.compile, ends the process with a
# segmentation fault when it is loaded after TensorFlow (3.7.1 beside 2.21), and the first optimizer
# loads it. It goes first, or not at all: PyTorch then does without.
if "tensorflow" in sys.modules:
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
else:
    with contextlib.suppress(ImportError):
        import triton  # noqa: F401

try:
    import torch
    from torch import nn
    from torch.utils import data
except ImportError as error:
    raise ExtraError.missing("PyTorch", "torch") from error

__all__ = ["data", "nn", "torch"]
