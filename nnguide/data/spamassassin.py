"""SpamAssassin public mail corpus: 6,047 raw mails, 1,897 of them spam.

It is release 20030228, five archives that are read as streams: nothing is unpacked to disk. The
publisher gives no checksum of the archives, and they exist in several packings of the same mails.
So each is verified by the SHA-256 of what is in it, names and contents, whatever packing it comes
in. The name of a mail ends in its MD5, which helps to find a damaged one.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from nnguide.data import builders
from nnguide.data.download import Download
from nnguide.data.mail.message import read_mail
from nnguide.errors import DataError

URL = "https://spamassassin.apache.org/old/publiccorpus/"
RELEASE = "20030228_"
LABELS = ("ham", "spam")

# Folder, its number of mails, their label, the SHA-256 of names and contents.
_FOLDERS = (
    ("easy_ham", 2_500, "ham", "3c675e4e215f313cc6587ddfdf758d47c13907c54a36d836570263d0f4eb6603"),
    (
        "easy_ham_2",
        1_400,
        "ham",
        "a72644e0d0948c53835e622c6f3a8ac17e797fff6becaed6b3aadebe54f3b150",
    ),
    ("hard_ham", 250, "ham", "782c784d0dcd0a02bdca7e37bb4f151f5cf361bfd2595ca4f572676db07edf8a"),
    ("spam", 500, "spam", "d5f916758b40760152d1e64b0e0c521c199f8a384e69f2b0e0e99b736f652865"),
    ("spam_2", 1_397, "spam", "77ac72ec60f6cddf13824dc9cac1491f35ca57724b8d59396531f40ce242dedd"),
)
# The publisher edited host names in the header of this one in December 2004 and kept its name.
_EDITED = {"244a63cd74c81123ef26129453e32c95": "30e1fcfccb8a25b8550c292233698b67"}
# A ham among the spam, which the publisher removed in March 2005.
_REMOVED = "0c8a07bb7b14576063ba0c1c4079e209"

BY_FOLDER = {
    folder: Download(
        f"{URL}{RELEASE}{folder}.tar.bz2", f"{RELEASE}{folder}.tar.bz2", None, 8 * 2**20
    )
    for folder, *_ in _FOLDERS
}
DOWNLOADS = tuple(BY_FOLDER.values())
FILES = tuple(file.name for file in DOWNLOADS)

VERSION = "3.0.0"  # of the builder's form of the data
NEEDED = "its five .tar.bz2 archives"

_MAIL = re.compile(r"\d+\.([0-9a-f]{32})")
_LONGEST_MAIL = 2**20  # bytes; the longest of the corpus has 315,016
_LONGEST_ARCHIVE = 64 * 2**20  # bytes of mail in one archive


def holds(folder: Path) -> bool:
    """Return whether `folder` holds any of the archives.

    They may have either name.
    """
    return any(_archive(folder, name) for name, *_ in _FOLDERS)


def is_made(variant: str) -> bool:
    """Return whether TensorFlow Datasets has prepared its own form.

    Then no file is needed.
    """
    return (builders.folder() / "spamassassin" / VERSION).is_dir()


def check(folder: Path) -> None:
    """Check that `folder` holds the five archives with all mails.

    Raises:
        DataError: an archive or a mail is missing or damaged.
    """
    for _ in mails(archives(folder)):
        pass


def archives(folder: Path) -> dict[str, Path]:
    """Return the five archives in `folder`, under either name."""
    paths = {name: _archive(folder, name) for name in BY_FOLDER}
    missing = [BY_FOLDER[name].name for name, path in paths.items() if path is None]
    if missing:
        raise DataError(
            f"missing in {folder}: {', '.join(missing)}. The corpus is these five files, "
            f"with or without {RELEASE} in front: {', '.join(FILES)}"
        )
    return {name: path for name, path in paths.items() if path}


def rows(paths: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Yield label and text of each mail.

    They are in the order of the archives and of the names in them. The one ham among the spam is
    left out.
    """
    for name, label, raw in mails(paths):
        if not name.endswith(_REMOVED):
            yield label, read_mail(raw).text


def mails(paths: Mapping[str, Path]) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, label and verified bytes of the 6,047 mails."""
    for folder, count, label, digest in _FOLDERS:
        contents = _read(paths[folder])
        if len(contents) != count:
            raise DataError(
                f"{paths[folder]} holds {len(contents):,} mails; expected {count:,}. "
                f"Download it again from {URL}"
            )
        if content_sha256(contents) != digest:
            raise DataError(
                f"{paths[folder]} is not the official archive: names and contents of its mails "
                f"have the SHA-256 {content_sha256(contents)}, not {digest}. "
                f"Download it again from {URL}"
            )
        for name in sorted(contents):
            yield name, label, contents[name]


def content_sha256(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of names and contents.

    They are in the order of the names, so no packing changes it.
    """
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def _archive(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{prefix}{name}.tar.bz2" for prefix in (RELEASE, ""))
    return next((path for path in paths if path.is_file()), None)


def _read(archive: Path) -> dict[str, bytes]:
    """Return verified contents of an archive's mails, by file name.

    Other members are not mails.
    """
    contents: dict[str, bytes] = {}
    total = 0
    try:
        with tarfile.open(archive, "r|bz2") as stream:
            for member in stream:
                name = member.name.rsplit("/", 1)[-1]
                total += member.size
                if total > _LONGEST_ARCHIVE:
                    raise DataError(
                        f"{archive} is not an archive of the corpus: it is far too large"
                    )
                if not member.isfile() or not _MAIL.fullmatch(name):
                    continue
                file = stream.extractfile(member)
                if member.size > _LONGEST_MAIL or file is None:
                    raise DataError(
                        f"{archive} is not an archive of the corpus: {name} is too large"
                    )
                contents[name] = _verified(archive, name, file.read())
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DataError(
            f"{archive} is damaged or cannot be read ({error}). Download it again from {URL}"
        ) from error
    return contents


def _verified(archive: Path, name: str, content: bytes) -> bytes:
    named = name.rpartition(".")[2]
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if digest != _EDITED.get(named, named):
        raise DataError(
            f"{archive} is damaged: the MD5 of {name} is {digest}. Download it again from {URL}"
        )
    return content
