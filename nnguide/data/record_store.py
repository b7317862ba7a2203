"""Record files of a folder, read by place.

See `records`.
"""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nnguide.data import tfrecord
from nnguide.data.mail import MailText
from nnguide.errors import DataError
from nnguide.files import sha256

SHARD = 100_000  # inputs in a file
OPEN = 256  # files that are open together: a process may often have 1,024
JSON = b"\0"  # begins a record that is not plain text
SIDE = 28  # pixels


def to_record(text: Any) -> bytes:
    """Return a text or picture as the bytes of a record.

    A text is UTF-8; a mail is JSON with its alternatives and its Message-ID; a picture is its grey
    levels.
    """
    if isinstance(text, np.ndarray):
        return text.tobytes()
    if isinstance(text, MailText):
        return JSON + json.dumps([text, text.alternatives, text.message_id]).encode()
    raw = text.encode("utf-8", "replace")
    return JSON + json.dumps([text]).encode() if raw.startswith(JSON) else raw


def to_text(record: bytes) -> str:
    """Return the text or MailText of a record."""
    if not record.startswith(JSON):
        return record.decode("utf-8")
    text, *of_mail = json.loads(record.removeprefix(JSON))
    return MailText.of(text, tuple(of_mail[0]), of_mail[1]) if of_mail else text


@dataclass(eq=False)
class Store:
    """Record files of a folder, each checked when first opened.

    Attributes:
        meta: what records.json says.
    """

    folder: Path
    meta: dict[str, Any]
    _files: dict[int, BinaryIO] = field(default_factory=dict)
    _checked: set[str] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def array(self, name: str) -> np.ndarray:
        """Return one of the arrays beside the texts, checked."""
        self._check(name)
        return np.load(self.folder / name, allow_pickle=False)

    def texts(self, places: np.ndarray) -> list[str]:
        """Return the texts at `places` (k,) int64, in that order."""
        return list(map(to_text, self._records(places)))

    def pictures(self, places: np.ndarray) -> np.ndarray:
        """Return the pictures at `places` (k,) int64, in that order.

        They are (k, 28, 28) uint8.
        """
        levels = np.frombuffer(b"".join(self._records(places)), np.uint8)
        return levels.reshape(len(places), SIDE, SIDE)

    @cached_property
    def _begins(self) -> np.ndarray:
        """Bytes of records before each, (n + 1,) int64, as if all were in one file."""
        lengths = self.array("lengths.npy")
        begins = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths + np.int64(tfrecord.BEFORE + tfrecord.BEHIND), out=begins[1:])
        return begins

    def _records(self, places: np.ndarray) -> list[bytes]:
        """Return records, read in the order of the files."""
        order = np.argsort(places, kind="stable")
        shards = places[order] // SHARD
        of_file = self._begins[shards * SHARD]
        begins = self._begins[places[order]] - of_file + tfrecord.BEFORE
        ends = self._begins[places[order] + 1] - of_file - tfrecord.BEHIND
        spans = list(zip(begins.tolist(), ends.tolist(), strict=True))
        cuts = [0, *(np.flatnonzero(np.diff(shards)) + 1).tolist(), len(spans)]
        groups = [
            (int(shards[at]), spans[at:end]) for at, end in itertools.pairwise(cuts) if at < end
        ]
        with self._turn:
            for shard, group in groups:
                tfrecord.fetch(self._file(shard), group)
            read = [tfrecord.read(self._file(shard), group) for shard, group in groups]
        contents = [b""] * len(places)
        for at, record in zip(order.tolist(), itertools.chain.from_iterable(read), strict=True):
            contents[at] = record
        return contents

    def _file(self, shard: int) -> BinaryIO:
        if shard not in self._files:
            name = f"{shard:05d}.tfrecord"
            if name not in self._checked:
                self._check(name)
                self._checked.add(name)
            if len(self._files) >= OPEN:
                self._files.pop(next(iter(self._files))).close()
            self._files[shard] = (self.folder / name).open("rb", buffering=0)
        return self._files[shard]

    def _check(self, name: str) -> None:
        try:
            is_whole = sha256(self.folder / name) == self.meta["sha256"][name]
        except (OSError, KeyError):
            is_whole = False
        if not is_whole:
            raise DataError(
                f"{self.folder / name} is missing or damaged: its SHA-256 is wrong. Prepare it "
                f"again: nnguide data prepare {self.meta.get('source')} --records --force"
            )
