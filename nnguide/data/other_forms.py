"""Forms of files that are not text, and advice.

They are recognized by their first bytes.
"""

from __future__ import annotations

UNPACK = "Unpack it first"
OFFICE = "Save it as CSV in UTF-8 first"
OTHER_FORMS = {  # how a file begins: what it is, and what to do
    b"\x89PNG": ("a picture", "Give a text file"),
    b"\xff\xd8\xff": ("a picture", "Give a text file"),
    b"GIF8": ("a picture", "Give a text file"),
    b"RIFF": ("a picture or a sound", "Give a text file"),
    b"%PDF": ("a PDF document", "Give a text file"),
    b"PK\x03\x04": ("a ZIP archive or an office document", f"{UNPACK}, or save it as CSV"),
    b"PK\x05\x06": ("an empty ZIP archive", "Give a text file"),
    b"\x1f\x8b": ("a gzip file", UNPACK),
    b"BZh": ("a bzip2 file", UNPACK),
    b"\xfd7zXZ": ("an xz file", UNPACK),
    b"\x28\xb5\x2f\xfd": ("a Zstandard file", UNPACK),
    b"\xd0\xcf\x11\xe0": ("an office document", OFFICE),
    b"PAR1": ("a Parquet file", OFFICE),
    b"ARROW1": ("an Arrow file", OFFICE),
    b"SQLite format 3": ("a database of SQLite", OFFICE),
    b"\x89HDF": ("an HDF5 file", OFFICE),
    b"\x93NUMPY": ("a NumPy array", OFFICE),
}


def named(beginning: bytes) -> tuple[str, str] | None:
    """Return the name of a file's form, and advice.

    None where the file may be text.
    """
    for start, known in OTHER_FORMS.items():
        if beginning.startswith(start):
            return known
    return None
