"""Journal of a run's corrections, a file in the data folder.

The data folder is the user's.

    line 1      schema, the network's SHA-256, the run's folder
    each line   a correction: hashes of a text, its label, what the network said
    last line   the SHA-256 of all before it

It is named by the network that it corrects: a copy of the run and one with another threshold have
the same corrections, and a run that was trained again begins without any. It is written whole and
atomically, by one process at a time; a reader sees the old one or the new one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import hashlib
import json
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.errors import ConfigError, RunError
from nnguide.feedback import VARIABLE, folder
from nnguide.feedback.learner import Features
from nnguide.files import atomic, parse_json, workspace, writing_to
from nnguide.preprocessing.characters import table_sha256

SCHEMA = 1
MOST = 5_000  # corrections of a journal
MOST_BYTES = 2**26
PATIENCE = 30.0  # seconds that one process waits for another to write
LABELS = ("ham", "spam")
_IDENTIFIER = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, eq=False)
class Correction:
    """A text that its owner gave a label.

    Attributes:
        features: of the text, hashed.
        is_spam: the label that it was given.
        probability: P(spam) as the network alone said; None where another network was corrected.
        made: when, as ISO 8601 has it.
    """

    features: Features
    is_spam: bool
    probability: float | None
    made: str

    @property
    def identifier(self) -> str:
        """Identifier of the text, and of its one correction."""
        return self.features.identifier

    @property
    def label(self) -> str:
        """Label that was given: ham or spam."""
        return LABELS[self.is_spam]

    @functools.cached_property
    def line(self) -> bytes:
        """Line of the journal, without its end."""
        return json.dumps(_fields(self), allow_nan=False).encode("ascii")


Corrections = tuple[Correction, ...]


@dataclass(eq=False)
class Journal:
    """File of the corrections of a network.

    It is read again only when it changed.

    Attributes:
        network: the SHA-256 of what the network answers by.
        run: the run's folder, for the reader of a list; None where they were taken over.
    """

    network: str
    run: Path | None
    _kept: tuple[tuple[int, ...], Corrections] = field(default=((), ()), init=False, repr=False)

    @property
    def path(self) -> Path:
        """Path of the file; it need not exist."""
        return folder() / f"{self.network[:32]}.jsonl"

    @property
    def state(self) -> tuple[int, ...]:
        """State that changes whenever the file does.

        () where there is no file.
        """
        try:
            status = self.path.stat()
        except OSError:
            return ()
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    def read(self) -> Corrections:
        """Return the corrections, the first one first.

        There are none where there is no journal.

        Raises:
            RunError: it is damaged, of another network or another version.
        """
        state, known = self.state, self._kept
        if state and state == known[0]:
            return known[1]
        corrections = self._read_anew()
        self._kept = (state, corrections)
        return corrections

    def _read_anew(self) -> Corrections:
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise ValueError("it is not a regular file")
            if self.path.stat().st_size > MOST_BYTES:
                raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
            content = self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):  # of a user whose home is /dev/null, too
            return ()
        except OSError as error:
            raise RunError(
                f"the feedback {self.path} cannot be read: {error.strerror}. Make it readable, or "
                f"set {VARIABLE} to another folder."
            ) from error
        except ValueError as error:
            raise self._damaged(error) from error
        try:
            return self._parsed(content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> RunError:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        return RunError(
            f"the feedback {self.path} is damaged: {reason}. Restore the file, or remove it to "
            "begin without corrections."
        )

    def _parsed(self, content: bytes) -> Corrections:
        body = content[: content.rfind(b"\n", 0, -1) + 1]
        if content != body + _end_of(body):
            raise ValueError("its hash is not that of its content")
        first, *lines = body.splitlines()
        head = parse_json(first.decode("utf-8"))
        if head["schema"] != SCHEMA or head["characters"] != table_sha256():
            raise RunError(
                f"the feedback {self.path} was written by another version of nnguide. Use that "
                "one, or remove the file to begin without corrections."
            )
        if head["network"] != self.network:
            raise ValueError("it is of another network")
        known = {correction.line: correction for correction in self._kept[1]}
        corrections = tuple(known.get(line) or _correction(line) for line in lines)
        if (
            len({correction.identifier for correction in corrections}) < len(corrections)
            or len(corrections) > MOST
        ):
            raise ValueError("a text stands in it twice, or too many do")
        return corrections

    def change(self, edit: Callable[[Corrections], Corrections]) -> Corrections:
        """Replace the corrections by what `edit` returns.

        No other process changes them meanwhile.

        Returns:
            What the journal then holds.
        Raises:
            ConfigError: there are too many, or another process does not end.
            RunError: the journal is damaged.
            WriteError: it cannot be written.
        """
        with self._locked():
            before = self.read()
            after = edit(before)
            if len(after) > MOST:
                raise ConfigError(
                    f"expected at most {MOST:,} corrections of a run; got {len(after):,}. Take "
                    "some back with --forget, or train on such mail: nnguide train spam "
                    "--preset mail"
                )
            if not after:
                with writing_to(self.path):
                    self.path.unlink(missing_ok=True)
            elif after != before:
                self._write(after)
        return after

    def release(self) -> None:
        """Separate the journal from its folder.

        Its corrections were taken over by another network.

        Raises:
            As `change`.
        """
        with self._locked():
            corrections, self.run = self.read(), None
            self._write(corrections)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with contextlib.ExitStack() as held:
            with writing_to(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                held.enter_context(workspace.locked(self.path, PATIENCE))
                for left in self.path.parent.glob(f".{self.path.stem}-*"):
                    left.unlink(missing_ok=True)  # by a process that was killed as it wrote
            yield

    def _write(self, corrections: Corrections) -> None:
        head = {
            "schema": SCHEMA,
            "network": self.network,
            "run": "" if self.run is None else as_json(self.run),
            "characters": table_sha256(),
        }
        first = json.dumps(head, allow_nan=False).encode("ascii")
        body = b"\n".join([first, *(correction.line for correction in corrections), b""])
        with atomic(self.path, 0o600) as beside:  # words can be tried against hashes
            beside.write_bytes(body + _end_of(body))
        self._kept = (self.state, corrections)


def as_json(run: Path) -> str:
    """Return a run's folder as JSON can hold it.

    Its name may have bytes that are not UTF-8.
    """
    return str(run.absolute()).encode("utf-8", "backslashreplace").decode("utf-8")


def heads() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each journal and its first line.

    Those without a readable one are left out.
    """
    for path in sorted(folder().glob("[!.]*.jsonl")):  # hidden ones are being written
        with contextlib.suppress(OSError, ValueError):
            with path.open("rb") as file:
                head = parse_json(file.readline(2**16).decode("utf-8"))
            if isinstance(head, dict):
                yield path, head


def _end_of(body: bytes) -> bytes:
    """Return the last line of a journal."""
    return json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode("ascii") + b"\n"


def _fields(correction: Correction) -> dict[str, Any]:
    return {
        "text": correction.identifier,
        "label": correction.label,
        "probability": correction.probability,
        "made": correction.made,
        "words": _packed(correction.features.whole),
        "beginning": _packed(correction.features.beginning),
    }


def _correction(line: bytes) -> Correction:
    """Return the correction in a line.

    Raises:
        ValueError, KeyError, TypeError: the line has no correction.
    """
    fields = parse_json(line.decode("utf-8"))
    probability = fields["probability"]
    if probability is not None and not (isinstance(probability, float) and 0 <= probability <= 1):
        raise ValueError("a probability is not in [0, 1]")
    if not _IDENTIFIER.fullmatch(fields["text"]) or not isinstance(fields["made"], str):
        raise ValueError("a line is no correction")
    correction = Correction(
        Features(fields["text"], _unpacked(fields["words"]), _unpacked(fields["beginning"])),
        LABELS.index(fields["label"]) == 1,
        probability,
        fields["made"],
    )
    vars(correction)["line"] = line  # as it stands there
    return correction


def _packed(hashes: np.ndarray) -> str:
    return base64.b64encode(hashes.astype("<u4").tobytes()).decode("ascii")


def _unpacked(text: str) -> np.ndarray:
    try:
        hashes = np.frombuffer(base64.b64decode(text, validate=True), "<u4").astype(np.uint32)
    except binascii.Error as error:
        raise ValueError("hashes are cut") from error
    if (np.diff(hashes.astype(np.int64)) <= 0).any():
        raise ValueError("hashes are not in order")
    return hashes
