"""A LiteRT network as a function of NumPy arrays."""

from __future__ import annotations

import threading
import zlib
from pathlib import Path

import numpy as np

from nnguide import logs
from nnguide.errors import ExtraError, RunError

GZIP = b"\x1f\x8b"
GZIP_FORMAT = zlib.MAX_WBITS | 16  # with its header and checksum
MOST_BYTES = 1 << 29  # of a network, unpacked


def available() -> bool:
    """Return whether LiteRT's runtime is installed.

    It is not made for every platform.
    """
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError:
        return False
    return True


def packed(network: bytes) -> bytes:
    """Return the bytes of a file for `network`.

    They are gzip's where that halves them.
    """
    packing = zlib.compressobj(wbits=GZIP_FORMAT)  # without the time, as gzip would have it
    smaller = packing.compress(network) + packing.flush()
    return smaller if 2 * len(smaller) <= len(network) else network


def content(path: Path) -> bytes:
    """Return the network in a file, unpacked where it is `packed`.

    Raises:
        OSError: the file cannot be read.
        RunError: it is cut short, damaged or too large.
    """
    read = path.read_bytes()
    if not read.startswith(GZIP):
        return read
    unpacking = zlib.decompressobj(wbits=GZIP_FORMAT)
    try:
        network = unpacking.decompress(read, MOST_BYTES)
    except zlib.error as error:
        raise RunError(f"{path} cannot be unpacked: {error}") from error
    if not unpacking.eof:
        raise RunError(f"{path} cannot be unpacked: it is cut short, or above {MOST_BYTES:,} bytes")
    return network


class Network:
    """LiteRT network with one input and one output.

    Sizes that the file leaves open follow each batch. Threads may share it: they take turns.
    """

    def __init__(self, path: Path) -> None:
        """Load the network in a .tflite file.

        Raises:
            ExtraError: LiteRT's runtime is not installed.
            RunError: the file is no such network.
        """
        if not available():
            raise ExtraError(
                "the light form needs ai-edge-litert, which is not installed. Install it with: "
                "pip install ai-edge-litert; or answer through Keras with --engine keras"
            )
        from ai_edge_litert.interpreter import Interpreter

        self.path = path
        self._turn = threading.Lock()
        try:
            with logs.stderr_diverted():  # XNNPACK introduces itself there
                # by its content: a path need not be UTF-8
                self._interpreter = Interpreter(model_content=content(path), num_threads=1)
                self._interpreter.allocate_tensors()
            (details,) = self._interpreter.get_input_details()
            (answer,) = self._interpreter.get_output_details()
        except (OSError, ValueError, RuntimeError) as error:
            raise RunError(f"{path} cannot be loaded as a LiteRT network: {error}") from error
        self._input, self._output = details["index"], answer["index"]
        self._shape: tuple[int, ...] = tuple(details["shape"])
        self.nodes = int(answer["shape_signature"][-1])

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Return the network's answer to `batch`, (n, …): (n, nodes) float32.

        Raises:
            RunError: `batch` is not what this network was made for.
        """
        with self._turn:
            try:
                if batch.shape != self._shape:
                    self._interpreter.resize_tensor_input(self._input, batch.shape)
                    self._interpreter.allocate_tensors()
                    self._shape = batch.shape
                self._interpreter.set_tensor(self._input, batch)
                self._interpreter.invoke()
            except (ValueError, RuntimeError) as error:
                raise RunError(f"{self.path} does not fit its preprocessing: {error}") from error
            return self._interpreter.get_tensor(self._output)
