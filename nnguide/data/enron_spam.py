"""Enron-Spam in its preprocessed form, six folders of mail.

Each is one person's ham with somebody's spam. A mail is a line `Subject: ...` and its body in lower
case, tokens apart; no other header. Whichever of the archives enron1.tar.gz to enron6.tar.gz are
there are read as streams. The publisher gives no checksum of them, and they exist in several
packings: each is verified by its counts, and folders 2, 4, 5 and 6 by the SHA-256 of names and
contents.

Source: Metsis, Androutsopoulos, Paliouras, Spam Filtering with Naive Bayes - Which Naive Bayes?
CEAS 2006.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from nnguide.data import builders
from nnguide.data.dataset_info import ENRON_FOLDERS
from nnguide.data.download import Download
from nnguide.data.mail.message import read_mail
from nnguide.data.spamassassin import content_sha256
from nnguide.errors import DataError

URL = "http://www.aueb.gr/users/ion/data/enron-spam/preprocessed/"
LABELS = ("ham", "spam")
VERSION = "1.0.0"  # of the builder's form of the data
NEEDED = "any of its archives enron1.tar.gz to enron6.tar.gz"

_SHA256 = {
    2: "89bcf50e6f88a3f6f3985da996247e7d2bd775b532f9c4fc00b951a981c2d361",
    4: "b2c81a085c0d1f09dcf86b6f4156aae30d682db391e76665e5ff4e7a5200dfa3",
    5: "b01af2243a95cb615349905c13eeb72afac9f0d45f0574ecb899545a73ae20cf",
    6: "eaa7a1fc38adce95b459a3e265e7d5bade59fb70a3a4dac92d5670f7f8137e93",
}
BY_NUMBER = {
    number: Download(
        f"{URL}enron{number}.tar.gz", f"enron{number}.tar.gz", _SHA256.get(number), 8 * 2**20
    )
    for number, *_ in ENRON_FOLDERS
}
DOWNLOADS = tuple(BY_NUMBER.values())
FILES = tuple(file.name for file in DOWNLOADS)

_MEMBER = re.compile(r"(?:\./)?enron[1-6]/((ham|spam)/[^/]+\.txt)")
_LONGEST_MAIL = 2**20  # bytes; the longest of the folders here has 43,816
_LONGEST_ARCHIVE = 64 * 2**20  # bytes of mail in one archive


def numbers(variant: str) -> tuple[int, ...]:
    """Return the numbers of a variant's folders.

    They are all for "", else the one of that number.
    """
    return (int(variant),) if variant else tuple(BY_NUMBER)


def archives(folder: Path, variant: str = "") -> dict[int, Path]:
    """Return the archives of a variant in `folder`, by number."""
    paths = {number: folder / BY_NUMBER[number].name for number in numbers(variant)}
    return {number: path for number, path in paths.items() if path.is_file()}


def holds(folder: Path) -> bool:
    """Return whether `folder` holds any of the archives."""
    return bool(archives(folder))


def is_made(variant: str) -> bool:
    """Return whether TensorFlow Datasets has prepared its own form.

    Then no file is needed.
    """
    return (builders.folder() / "enron_spam" / config(variant) / VERSION).is_dir()


def check(folder: Path) -> None:
    """Check that `folder` holds an archive, and only whole ones.

    Raises:
        DataError: none is there, or one is damaged.
    """
    paths = archives(folder)
    if not paths:
        raise DataError(f"no archive in {folder}: expected one or more of {', '.join(FILES)}")
    for number, path in paths.items():
        mails(number, path)


def config(variant: str) -> str:
    """Return the builder's configuration for a variant."""
    return f"enron{variant}" if variant else "default"


def rows(folder: Path, variant: str) -> Iterator[tuple[str, str]]:
    """Yield the label and text of each mail of a variant.

    They are in the order of the archives and of names.

    Raises:
        DataError: none of its archives is in `folder`, or one is damaged.
    """
    paths = archives(folder, variant)
    if not paths:
        wanted = [BY_NUMBER[number].name for number in numbers(variant)]
        raise DataError(f"no archive in {folder}: expected {' or '.join(wanted)}")
    for number, path in paths.items():
        for name, raw in sorted(mails(number, path).items()):
            yield name.partition("/")[0], read_mail(raw).text


def mails(number: int, archive: Path) -> dict[str, bytes]:
    """Return the verified mails of an archive, by label/name.

    Line ends are LF.
    """
    contents: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(archive, "r|gz") as stream:
            for member in stream:
                named = _MEMBER.fullmatch(member.name)
                total += member.size
                if total > _LONGEST_ARCHIVE or member.size > _LONGEST_MAIL:
                    raise DataError(
                        f"{archive} is not an archive of Enron-Spam: it is far too large"
                    )
                file = stream.extractfile(member) if named and member.isfile() else None
                if named and file is not None:
                    contents[named[1]] = file.read().replace(b"\r", b"")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DataError(f"{archive} is damaged or cannot be read ({error}). {_again()}") from error
    counts = tuple(sum(name.startswith(f"{label}/") for name in contents) for label in LABELS)
    wanted = next((ham, spam) for folder, ham, spam in ENRON_FOLDERS if folder == number)
    if counts != wanted:
        raise DataError(
            f"{archive} holds {counts[0]:,} ham and {counts[1]:,} spam; expected {wanted[0]:,} and "
            f"{wanted[1]:,}. {_again()}"
        )
    if number in _SHA256 and content_sha256(contents) != _SHA256[number]:
        raise DataError(
            f"{archive} is not the official archive: the names and contents of its mails have the "
            f"SHA-256 {content_sha256(contents)}, not {_SHA256[number]}. {_again()}"
        )
    return contents


def _again() -> str:
    return f"Download it again from {URL}"
