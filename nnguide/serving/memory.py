"""The memory of a server, kept level."""

from __future__ import annotations

import contextlib
import ctypes

# Of glibc's mallopt(3), with the values that its malloc.h gives them.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
LARGE = 4 * 2**20  # bytes; the arrays of a full batch are smaller, and quick to take again
FREE = 2 * LARGE


def keep_level() -> None:
    """Have the C library share and return what requests leave free.

    By default each thread takes memory from a pool of its own, that grows with the largest body it
    has seen; the pools fill up with holes, and a server grows by a tenth in an hour. With one pool,
    from which large blocks are kept apart, it stays level (docs/serving.md) and answers as fast.
    To be called before the models are loaded: a thread keeps the pool that it has. Only glibc has
    these settings; elsewhere nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, LARGE)
        mallopt(_TRIM_THRESHOLD, FREE)
