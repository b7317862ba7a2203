"""Writing and reading of TFRecord files without TensorFlow.

Any record is read alone. Before it stand its length (8 bytes) and that length's checksum (4),
behind it its own (4), all little-endian. A checksum is the CRC-32C of the bytes, masked.
Source: https://www.tensorflow.org/tutorials/load_data/tfrecord, RFC 3720 (appendix B.4).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from nnguide.errors import DataError

BEFORE, BEHIND = 12, 4  # bytes around a record
WRITTEN = 1 << 20  # bytes that are written together
NEAR = 4096  # bytes between two records that are read together: a page
POLYNOMIAL = 0x82F63B78  # of CRC-32C, its bits reversed
START = bytes.fromhex("54641f64")  # the CRC of these bytes, begun with 0, is all ones
WIDTH = 64  # bytes of a record that are added to its CRC before the next ones

Span = tuple[int, int]  # where a record begins and ends


class Writer:
    """Records written to a file one after another."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, record: bytes) -> None:
        """Write a record, at once or with the next ones."""
        self._waiting.append(record)
        self._size += len(record)
        if self._size >= WRITTEN:
            self.flush()

    def flush(self) -> None:
        """Write the records that are still waiting."""
        if not self._waiting:
            return
        lengths = np.array([len(record) for record in self._waiting], "<u8").tobytes()
        before = [lengths[at : at + 8] for at in range(0, len(lengths), 8)]
        sums, behind = checksums(before).tobytes(), checksums(self._waiting).tobytes()
        for number, record in enumerate(self._waiting):
            own = slice(4 * number, 4 * number + 4)
            self._file.write(before[number] + sums[own] + record + behind[own])
        self._waiting, self._size = [], 0


def fetch(file: BinaryIO, spans: Sequence[Span]) -> None:
    """Let the system read records from the disk in advance."""
    if hasattr(os, "posix_fadvise"):
        for _, (begin, end) in _together(spans):
            os.posix_fadvise(file.fileno(), begin, end - begin, os.POSIX_FADV_WILLNEED)


def read(file: BinaryIO, spans: Sequence[Span]) -> list[bytes]:
    """Return records, read together where they are near each other.

    Args:
        file: opened without a buffer.
        spans: where the records begin and end, in the order of the file.
    Raises:
        DataError: the file ends before one does.
    """
    records = []
    for group, (first, last) in _together(spans):
        file.seek(first)
        held = file.read(last - first)
        if len(held) < last - first:
            raise DataError(f"{file.name} ends at byte {first + len(held)} of {last}")
        records += [held[begin - first : end - first] for begin, end in group]
    return records


def _together(spans: Sequence[Span]) -> Iterator[tuple[list[Span], Span]]:
    """Yield the records of each read, and the bytes that it takes."""
    group: list[Span] = []
    for span in spans:
        if group and span[0] - group[-1][1] > NEAR:
            yield group, (group[0][0], group[-1][1])
            group = []
        group.append(span)
    if group:
        yield group, (group[0][0], group[-1][1])


def checksums(records: Sequence[bytes]) -> np.ndarray:
    """Return the masked CRC-32C of each record, (n,) uint32.

    The CRC of START and a record, begun with 0, is that of the record, begun with all ones; zeros
    in front change nothing. So all records are cut into rows of WIDTH bytes, whose CRCs are
    computed together and joined after.
    """
    after_byte, after_row = _tables()
    rows = np.array([-(-(len(START) + len(record)) // WIDTH) for record in records])
    filled = b"".join(
        (START + record).rjust(count * WIDTH, b"\0")
        for record, count in zip(records, rows.tolist(), strict=True)
    )
    own = np.zeros(rows.sum(), np.uint32)
    for column in np.frombuffer(filled, np.uint8).reshape(-1, WIDTH).T:
        own = after_byte[(own ^ column) & 255] ^ (own >> 8)
    first = np.cumsum(rows) - rows
    crc = own[first]
    for row in range(1, int(rows.max())):
        longer = np.flatnonzero(rows > row)
        so_far = crc[longer]
        moved = np.bitwise_xor.reduce(
            [after_row[byte][so_far >> (8 * byte) & 255] for byte in range(4)]
        )
        crc[longer] = moved ^ own[first[longer] + row]
    crc = ~crc
    return ((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)


@functools.cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Return what a CRC becomes after a byte and after a row of zeros.

    They are (256,) and (4, 256) uint32; the second has a table for each byte of the CRC.
    """
    table: np.ndarray = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> 1) ^ np.where(table & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    moved: np.ndarray = np.arange(256, dtype=np.uint32) << (
        8 * np.arange(4, dtype=np.uint32)[:, None]
    )
    for _ in range(WIDTH):
        moved = table[moved & 255] ^ (moved >> 8)
    return table, moved
