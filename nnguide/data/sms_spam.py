"""SMS Spam Collection v.1: 5,574 text messages, 747 of them spam.

It is number 228 of UCI. `sms_spam` has each distinct text once, divided 80/20 by the split seed.
`sms_spam/paper` is the split of the paper: the first 1,674 rows train, the other 3,900 test,
duplicates kept, so 206 of its test messages stand verbatim in the training set.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from nnguide.data import builders
from nnguide.data.download import Download
from nnguide.errors import DataError

URL = "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip"
ZIP_SHA256 = "1587ea43e58e82b14ff1f5425c88e17f8496bfcdb67a583dbff9eefaf9963ce3"
TABLE = "SMSSpamCollection"
TABLE_SHA256 = "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d"
PAPER_TRAIN = 1_674
LABELS = ("ham", "spam")

VERSION = "1.0.0"  # of the builder's form of the data
NEEDED = "sms+spam+collection.zip or SMSSpamCollection"
FILES = ("sms+spam+collection.zip", "smsspamcollection.zip", TABLE)  # any one of them
DOWNLOADS = (Download(URL, FILES[0], ZIP_SHA256, 2**20),)
_LONGEST = 2**20  # bytes of the table


def holds(folder: Path) -> bool:
    """Return whether `folder` holds the zip or the table.

    The zip may have either name.
    """
    return any((folder / name).is_file() for name in FILES)


def is_made(variant: str) -> bool:
    """Return whether TensorFlow Datasets has prepared its own form.

    Then no file is needed.
    """
    return (builders.folder() / "sms_spam" / (variant or "default") / VERSION).is_dir()


def check(folder: Path) -> None:
    """Check that `folder` holds the official table.

    Raises:
        DataError: it is missing, damaged or another file.
    """
    rows(folder)


def rows(folder: Path) -> list[tuple[str, str]]:
    """Return label and text of the 5,574 rows, in order.

    They are read from the files in `folder`.
    """
    for name in FILES:
        path = folder / name
        if path.is_file():
            return parse(table(path))
    raise DataError(f"no official file in {folder}: expected one of {', '.join(FILES)}")


def table(path: Path) -> bytes:
    """Return the verified table, from itself or its zip.

    Raises:
        DataError: it is not the official one.
    """
    try:
        content = path.read_bytes()
        # By content: a file that TensorFlow Datasets downloaded has another name.
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(TABLE) as file:
                content = file.read(_LONGEST)
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged or cannot be read ({error}). {_again()}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != TABLE_SHA256:
        raise DataError(
            f"{path} is damaged or not the official file: the SHA-256 of its {TABLE} "
            f"is {digest}, not {TABLE_SHA256}. {_again()}"
        )
    return content


def _again() -> str:
    return f"Download it again from {URL}"


def parse(content: bytes) -> list[tuple[str, str]]:
    """Return label and text of each row.

    Quotes are plain characters; lines end in LF only.
    """
    lines = content.decode("utf-8").removesuffix("\n").split("\n")
    return [(label, text) for label, _, text in (line.partition("\t") for line in lines)]
