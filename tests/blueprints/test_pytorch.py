"""PyTorch and TensorFlow in one process, whichever comes first and whatever PyTorch brings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

TRITON = """
import os, sys
if "tensorflow" in sys.modules:  # as Triton 3.7.1 does, by a segmentation fault
    os._exit(139)
"""
ORDERS = {
    "tensorflow first": """
import tensorflow, nnguide.blueprints.torch_net as net
net.torch.optim.SGD([net.torch.zeros(1, requires_grad=True)], 0.1)
""",
    "pytorch first": """
import nnguide.blueprints.torch_net
assert "triton" in sys.modules
""",
}


@pytest.mark.parametrize("order", ORDERS)
def test_triton_never_comes_after_tensorflow(order: str, tmp_path: Path) -> None:
    (tmp_path / "triton.py").write_text(TRITON)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{ORDERS[order]}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
