"""Record files of texts or pictures, read by index.

Such data sets may be larger than memory. `nnguide data prepare PATH --records` writes such a
folder:

    records.json            what it was made from, counts, SHA-256 of every file
    00000.tfrecord          inputs, each a record: see `record_store`
    lengths.npy             (n,) uint32, bytes of each record
    labels.npy              (n,) uint8, the place of each label
    keys.npy                (n,) uint64, a hash of each input: see `key`
    sets.npy                (n,) uint8, 0 for training and 1 for the test; where the data is divided

Labels, hashes and places in the files are held in memory, 17 bytes an input; an input is read when
it is looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nnguide.data import user_data
from nnguide.data.dataset_info import TRAIN_AND_TEST
from nnguide.data.distinct import distinct_key
from nnguide.data.examples import Examples, LeftOut
from nnguide.data.record_store import SIDE, Store
from nnguide.errors import DataError, InputError
from nnguide.files import read_json

FILE = "records.json"
FORMAT = 2
AT_ONCE = 4096  # inputs that are in memory together where all are read
TEXTS, PICTURES = "texts", "pictures"


def kinds_of(texts: int, mails: int, subjects: int) -> tuple[str, ...]:
    """Return the kinds of texts, by counts of mails and subjects.

    `subjects` texts begin with Subject: as mails do.
    """
    by_kind = {"messages": mails < texts, "mail": mails > 0 or 2 * subjects >= texts}
    return tuple(kind for kind, is_there in by_kind.items() if is_there)


def has_subject(text: str) -> bool:
    """Return whether a text begins as a mail does."""
    return text[:8].lower() == "subject:"


def key(value: Any) -> int:
    """Return a hash of 64 bits of an input.

    It is equal for texts that count as the same, and for equal pictures.
    """
    if isinstance(value, str):
        word = distinct_key(value).encode("utf-8", "surrogatepass")
    else:
        word = np.ascontiguousarray(value, np.uint8).tobytes()
    return int.from_bytes(hashlib.blake2b(word, digest_size=8).digest(), "little")


def is_records(path: Path) -> bool:
    """Return whether a folder holds record files."""
    return (path / FILE).is_file()


def kinds(path: Path) -> list[str]:
    """Return the kinds of text in a folder of records.

    The list is empty for pictures.
    """
    return list(_meta(path)["kinds"])


def _meta(path: Path) -> dict[str, Any]:
    """Return the content of records.json.

    Raises:
        DataError: it is damaged, or of another format.
    """
    try:
        meta = read_json(path / FILE)
        if meta["format"] == FORMAT and {"labels", "kinds", "left_out", "sha256"} <= set(meta):
            return meta
        reason = "another format"
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error)
    raise DataError(
        f"{path / FILE} is damaged ({reason}). Prepare it again: nnguide data prepare PATH "
        "--records --force"
    )


class Records:
    """Inputs that are read from records when they are used.

    To most code they are an array of texts, (n,). A number gives an input; a slice or an array of
    places gives other Records, and none is read.
    """

    dtype = np.dtype(object)
    ndim = 1
    kept_together = True  # equal inputs stand on one side of every split

    def __init__(self, store: Store, places: np.ndarray, keys: np.ndarray) -> None:
        """Keep the places of inputs in a store, (n,) int64.

        `keys` are those of all inputs of the store.
        """
        self.store, self.places, self._keys = store, places, keys

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.places),)

    @property
    def keys(self) -> np.ndarray:
        """Keys (n,) uint64, equal for inputs that count as the same."""
        return self._keys[self.places]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of text among those of the folder: messages, mail."""
        return tuple(self.store.meta["kinds"])

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, (int, np.integer)):
            return self.read(self.places[at : at + 1 or None])[0]
        return self._at(self.places[at])

    def _at(self, places: np.ndarray) -> Records:
        return Records(self.store, places, self._keys)

    def read(self, places: np.ndarray) -> Any:
        """Return the inputs at places of the store."""
        return self.store.texts(places)

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), AT_ONCE):
            yield from self.read(self.places[start : start + AT_ONCE])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all inputs as an array in memory."""
        held = np.empty(len(self), object)
        held[:] = self.store.texts(self.places)
        return held

    def chunks(self, size: int) -> Iterator[np.ndarray]:
        """Yield arrays of `size` inputs; the last may be shorter."""
        for start in range(0, len(self), size):
            yield np.asarray(self[start : start + size])

    def followed_by(self, other: Any) -> Any:
        """Return these inputs followed by others.

        If those are of another folder, or in memory, all are read into memory.
        """
        if not isinstance(other, Records) or other.store is not self.store:
            return np.concatenate([np.asarray(self), np.asarray(other)])
        return self._at(np.concatenate([self.places, other.places]))

    def identity(self) -> bytes:
        """Return a hash that depends on the texts and their order."""
        files = repr(sorted(self.store.meta["sha256"].items())).encode()
        return hashlib.sha256(files + self.places.tobytes()).digest()


class PictureRecords(Records):
    """Pictures that are read from records when they are used.

    To most code they are an array (n, 28, 28) uint8. Behind those of the store there may be more
    that are held in memory, such as drawings.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3
    kept_together = False  # as in memory, where only the test set is kept apart from its copies

    def __init__(
        self, store: Store, places: np.ndarray, keys: np.ndarray, more: np.ndarray | None = None
    ) -> None:
        """Keep places of pictures, as Records does.

        Places from len(keys) on are those of `more`, (k, 28, 28) uint8.
        """
        super().__init__(store, places, keys)
        self._more = np.zeros((0, SIDE, SIDE), np.uint8) if more is None else more

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.places), SIDE, SIDE)

    def _at(self, places: np.ndarray) -> PictureRecords:
        return PictureRecords(self.store, places, self._keys, self._more)

    def read(self, places: np.ndarray) -> np.ndarray:
        behind = places >= len(self._keys)
        if not behind.any():
            return self.store.pictures(places)
        pictures = np.empty((len(places), SIDE, SIDE), np.uint8)
        pictures[behind] = self._more[places[behind] - len(self._keys)]
        pictures[~behind] = self.store.pictures(places[~behind])
        return pictures

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.read(self.places)

    def followed_by(self, other: Any) -> Any:
        """Return these pictures followed by others.

        Those in memory stay there, and these are not read.
        """
        if isinstance(other, Records) or len(self._more):
            return super().followed_by(other)
        behind = len(self._keys) + np.arange(len(other))
        places = np.concatenate([self.places, behind])
        return PictureRecords(self.store, places, self._keys, np.asarray(other))


def keys_of(inputs: Any) -> np.ndarray:
    """Return the key of each input, (n,) uint64.

    The inputs are records or an array.
    """
    if isinstance(inputs, Records):
        return inputs.keys
    return np.fromiter(map(key, inputs), np.uint64, len(inputs))


def take_in(digest: Any, inputs: Any) -> None:
    """Update a hash with inputs of any kind."""
    if isinstance(inputs, Records):
        digest.update(inputs.identity())
    elif inputs.dtype == object:
        for text in inputs:
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    else:
        digest.update(np.ascontiguousarray(inputs).data)


def read(
    path: Path, split: str, labels: Sequence[str], split_seed: int, of: str = TEXTS
) -> Examples:
    """Return the examples of a folder of records.

    They are its "train" or "test" set, or "all".

    Args:
        labels: those that it must have; () for any.
        of: texts or pictures.
    Raises:
        DataError: it is damaged, or of another format.
        InputError: other inputs or labels than asked for, or a split that it has not.
    """
    meta = _meta(path)
    if (inputs := meta.get("inputs", TEXTS)) != of:
        raise InputError(f"{path}: expected records of {of}; these are records of {inputs}.")
    if labels and meta["labels"] != [*labels]:
        raise InputError(
            f"{path}: expected the labels {', '.join(labels)}; its records have "
            f"{', '.join(meta['labels'])}."
        )
    store = Store(path, meta)
    numbers = store.array("labels.npy").astype(np.int64)
    kind = PictureRecords if of == PICTURES else Records
    whole = kind(store, np.arange(len(numbers)), store.array("keys.npy"))
    left_out = tuple(LeftOut(*entry) for entry in meta["left_out"])
    notes = {split_name: tuple(lost) for split_name, lost in meta.get("notes", {}).items()}
    examples = Examples(
        whole,  # type: ignore[arg-type]
        numbers,
        tuple(meta["labels"]),
        left_out,
        notes=notes.get("all", ()),
    )
    if "sets.npy" not in meta["sha256"]:
        return user_data.divided(path, examples, split, split_seed, whole.keys)
    sets = store.array("sets.npy")
    present = [name for at, name in enumerate(TRAIN_AND_TEST) if (sets == at).any()]
    return user_data.official(
        path,
        split,
        present,
        lambda split_name: replace(
            examples.take(np.flatnonzero(sets == TRAIN_AND_TEST.index(split_name))),
            notes=notes.get(split_name, ()),
        ),
    )
