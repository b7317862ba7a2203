"""Read HEIF pictures, as iPhones take them, in a process apart.

    python -P -m nnguide.preprocessing.heif

That process reads a picture file from stdin and writes what is seen on it. Their decoder cannot be
interrupted, and a small file may ask it to decode the same part a thousand times, so its
processor time and memory are limited from outside. It comes with the extra `heic`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import ExtraError, InputError, MissingReaderError
from . import grey_levels, picture_limits

BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
SECONDS = 4  # of processor time that the process may take, its start included
MEMORY = 1 << 30  # bytes that it may take beyond its start
ROOT = Path(__file__).parents[__name__.count(".")]  # where this package is imported from
CHILD = ["-m", __name__]


class Seen(NamedTuple):
    """A picture as a person sees it.

    Attributes:
        grey: (h, w) float32 in [0, 1], as `grey_levels.to_grey` has it.
        size: width and height of the whole picture.
        colour: whether it is seen to be in colour.
    """

    grey: np.ndarray
    size: tuple[int, int]
    colour: bool


def is_heif(data: bytes) -> bool:
    """Return whether a file that begins with `data` is a HEIF picture."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def is_there() -> bool:
    """Return whether the extra is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def decoded(data: bytes) -> Seen:
    """Decode the picture in the file `data`.

    Raises:
        MissingReaderError: the extra is not installed.
        InputError: it is damaged, or beyond the limits.
    """
    import subprocess

    if not is_there():
        raise MissingReaderError(str(ExtraError.missing("pillow-heif", "heic")))
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    ended = subprocess.run(
        [sys.executable, "-P", *CHILD],
        env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        input=data,
        capture_output=True,
        check=False,
    )
    if ended.returncode == -signal.SIGXCPU:
        raise InputError(f"it takes more than {SECONDS} s to decode. Give a smaller copy.")
    head, _, rest = ended.stdout.partition(b"\n")
    if ended.returncode:
        raise InputError(_damaged("it ends its decoder"))
    answer = json.loads(head)
    if "error" in answer:
        raise InputError(answer["error"])
    grey = np.frombuffer(rest, np.float32).reshape(answer["shape"])
    return Seen(grey, tuple(answer["size"]), answer["colour"])


def _damaged(why: object) -> str:
    return f"expected a whole HEIF picture; its content is damaged or cut short ({why})"


def main() -> None:
    """Read a file from stdin, write JSON and levels to stdout."""
    data = sys.stdin.buffer.read()
    _limit()
    answer: dict[str, object]
    levels = b""
    try:
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1
        file = pillow_heif.open_heif(io.BytesIO(data))
        picture_limits.check_size(file.size)
        picture = file.to_pillow()
        picture.info.clear()  # it lies upright already, whatever its EXIF says
        size, colour = picture.size, grey_levels.is_coloured(picture)
        grey = np.ascontiguousarray(grey_levels.to_grey(picture), np.float32)
    except InputError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": "it takes more memory than it may. Give a smaller copy."}
    except Exception as error:  # damaged bytes end in several exceptions
        answer = {"error": _damaged(error)}
    else:
        answer = {"shape": grey.shape, "size": size, "colour": colour}
        levels = grey.tobytes()
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + levels)


def _limit() -> None:
    """Bound what this process may take from here on."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(ValueError):  # it has less already
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
