"""Tables of texts: CSV, TSV, JSON lines, SMS Spam Collection.

Every form gives rows of (line, label, text); labels are numbered in label
order: 0 for ham and 1 for spam.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnguide.data import json_lines, table_files, user_data
from nnguide.data.examples import LeftOut
from nnguide.data.table_files import DELIMITERS, MAX_TEXT, SUFFIXES
from nnguide.errors import ConfigError, InputError

SPAM = ("ham", "spam")
FORMS_OF_LABEL = ({"ham", "spam"}, {"0", "1"}, {"false", "true"})
WORDS_OF_SPAM = {"ham": 0, "0": 0, "false": 0, "spam": 1, "1": 1, "true": 1}
SAMPLED = 200  # rows by which columns of other names are told
COLUMNS_HELP = "Name the columns with --label-column and --text-column."
log = logging.getLogger(__name__)

Row = tuple[int, str, str]  # line (from 1), label, text
Rows = Iterator[Row | tuple[int, InputError]]


@dataclass(frozen=True)
class Columns:
    """A user's names of the columns and the file's encoding.

    None is the usual one. `labels` are those that the column of labels may hold, in label order.
    """

    label: str | None = None
    text: str | None = None
    encoding: str | None = None
    labels: tuple[str, ...] = SPAM

    @property
    def numbers(self) -> dict[str, int]:
        """Number of each label, by what stands for it in lower case."""
        if self.labels == SPAM:
            return WORDS_OF_SPAM
        return {label.lower(): number for number, label in enumerate(self.labels)}

    @property
    def expected(self) -> str:
        """Words that stand for the labels, for messages."""
        if self.labels == SPAM:
            return "spam or ham, 1 or 0, true or false"
        return " or ".join(self.labels)

    def holds_label(self, value: str) -> bool:
        """Return whether a field holds one of the labels."""
        return value.strip().lower() in self.numbers

    def lack_header(self, first: Sequence[str], sample: Sequence[Sequence[str]]) -> bool:
        """Return whether the first row is an example, as `sample` is."""
        if len(first) != 2 or not self.holds_label(first[0]):
            return False
        label, others = first[0].strip().lower(), {row[0].strip().lower() for row in sample}
        forms = FORMS_OF_LABEL if self.labels == SPAM else [set(self.numbers)]
        [form] = [form for form in forms if label in form]
        return bool(form & others) or not any(map(self.holds_label, others))

    @property
    def named(self) -> list[str]:
        return [name for name in (self.label, self.text) if name]

    def find(self, path: Path, names: Sequence[str]) -> tuple[int, int] | None:
        """Return the places of label and text among `names`.

        None if they are not there.

        Raises:
            ConfigError: a column that the user named is not there, or both are the same.
            InputError: a name occurs twice.
        """
        label = position(path, names, self.label or "label", self.label)
        text = position(path, names, self.text or "text", self.text)
        if label is None or text is None:
            return None
        if label == text:
            raise ConfigError(
                f"label and text are two columns of {path}; both are named {names[label]!r}."
            )
        return label, text


def position(path: Path | str, names: Sequence[str], wanted: str, column: str | None) -> int | None:
    """Return the place of the column `wanted`, or None.

    It has the same name, else the same but for case and white space.
    """
    matches = [i for i, name in enumerate(names) if name == wanted] or [
        i for i, name in enumerate(names) if name.strip().casefold() == wanted.strip().casefold()
    ]
    if len(matches) > 1:
        raise InputError(f"{path}: expected one column named {wanted!r}; got {len(matches)}.")
    if not matches and column:
        raise ConfigError(
            f"{path} has no column {wanted!r}; it has {quoted(names)}. {COLUMNS_HELP}"
        )
    return matches[0] if matches else None


def read(path: Path, columns: Columns) -> tuple[list[int], list[str], tuple[LeftOut, ...]]:
    """Return labels and texts of a table, and rows left out.

    Labels are given by their place, in the order of the table. `.csv` and `.tsv` are read with
    their quotes, `.jsonl` as one object a line, any other file in the form of the SMS Spam
    Collection: a label, a tab, the text to the line's end, quotes being plain characters. A `.tsv`
    whose every line begins with ham or spam and a tab is in that form too. Blank lines are skipped.

    Raises:
        ConfigError: a column that the user named is not there.
        InputError: anything else that is wrong with the file, or every row of it.
    """
    labels: list[int] = []
    texts: list[str] = []
    bad: list[LeftOut] = []
    for line, row in _labelled(_rows(path, columns), columns):
        if isinstance(row, InputError):
            bad.append(LeftOut(f"line {line}", str(row)))
        else:
            labels.append(row[0])
            texts.append(row[1])
        if len(texts) > user_data.MAX_EXAMPLES:
            raise InputError(
                f"{path}: expected at most {user_data.MAX_EXAMPLES:,} texts; got more."
            )
    if not texts and not bad:
        raise InputError(f"{path}: expected labelled texts; the file has none.")
    return labels, texts, user_data.leave_out(path, "rows", bad, len(texts) + len(bad))


def each(path: Path, columns: Columns) -> Iterator[tuple[int, tuple[int, str] | InputError]]:
    """Yield rows as `read`, from a table of any size.

    A bad row does not stop the others from being read. Each comes with its line, and the place of
    the label with the text, or why there are none.
    """
    for line, row in _labelled(_rows(path, columns, lenient=True), columns):
        yield (
            line,
            InputError(without_place(path, line, row)) if isinstance(row, InputError) else row,
        )


def _labelled(rows: Rows, columns: Columns) -> Iterator[tuple[int, tuple[int, str] | InputError]]:
    for line, *row in rows:
        try:
            if isinstance(row[0], InputError):
                raise row[0]
            label, text = row
            yield line, (label_number(label, columns), checked(str(text)))
        except InputError as error:
            yield line, error


def without_place(path: Path, line: int, error: InputError) -> str:
    """Return an error's message without its file and line."""
    return str(error).removeprefix(f"{path}, line {line}: ").removeprefix(f"{path}: ")


def checked(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise InputError(
            f"expected a text of at most {MAX_TEXT:,} characters; got {len(text):,}. "
            "Shorten or remove it."
        )
    return text


def label_number(value: str, columns: Columns) -> int:
    """Return the number of the label that `value` stands for.

    An InputError is raised if it stands for none.
    """
    try:
        return columns.numbers[value.strip().lower()]
    except KeyError:
        raise InputError(f"expected the label {columns.expected}; got " + quoted([value])) from None


def quoted(values: Sequence[object]) -> str:
    """Return `values` for a message: escaped, none of them long."""
    return user_data.listed([ascii(str(value)[:40])[:60] for value in values])


# The forms


def _rows(path: Path, columns: Columns, lenient: bool = False) -> Rows:
    """Yield the rows of a table.

    With `lenient` a row that cannot be read is an error in its place.
    """
    kind = table_files.form(path)
    if kind == "jsonl":
        return _json_rows(path, columns, lenient)
    is_collection = begins_as_collection if lenient else _is_collection
    if kind == "csv" or (kind == "tsv" and (columns.named or not is_collection(path, columns))):
        return _separated_rows(path, columns, lenient)
    return _collection_rows(path, columns, lenient)


def begins_as_collection(path: Path, columns: Columns) -> bool:
    """Return whether a file looks like the SMS Spam Collection.

    Only its first lines are read.
    """
    if columns.named or table_files.form(path) not in ("", "tsv"):
        return False
    filled = (line for line, _ in table_files.each_line(path, columns.encoding) if line.strip())
    ahead = list(itertools.islice(filled, SAMPLED))
    return bool(ahead) and all(
        tab and columns.holds_label(label) for label, tab, _ in (x.partition("\t") for x in ahead)
    )


def _is_collection(path: Path, columns: Columns) -> bool:
    """Return whether every line is ham or spam and a text.

    There is a tab between them, as in the SMS Spam Collection.
    """
    lines = table_files.lines(path, columns.encoding)
    return all(line.startswith(("ham\t", "spam\t")) for line in lines if line.strip())


def _collection_rows(path: Path, columns: Columns, lenient: bool) -> Rows:
    if columns.named:
        raise ConfigError(
            f"{path} has no named columns: each line is a label, a tab and a text. Leave out "
            f"--label-column and --text-column, or give a {', '.join(SUFFIXES)} file."
        )
    for number, (line, error) in enumerate(table_files.each_line(path, columns.encoding), 1):
        if error is not None:
            if not lenient:
                raise error
            yield number, error
            continue
        if not line.strip():
            continue
        label, tab, text = line.removesuffix("\n").removesuffix("\r").partition("\t")
        if tab:
            yield number, label, text
        else:
            yield (
                number,
                InputError(
                    "expected a label, a tab and a text; got no tab. "
                    f"Tables of other formats are recognized by their names: {', '.join(SUFFIXES)}"
                ),
            )


def layout(path: Path, columns: Columns) -> tuple[str, list[list[str]]]:
    """Return the delimiter of a table, and its first two rows.

    It is the usual one unless another gives the columns that are looked for, or more of them.
    """
    usual = "\t" if table_files.form(path) == "tsv" else ","
    places = {}
    for delimiter in (usual, *(other for other in DELIMITERS if other != usual)):
        rows = table_files.first_rows(path, columns.encoding, delimiter)
        places[delimiter] = rows
        if rows and _fits(rows[0], columns):
            return delimiter, rows
    best = max(places, key=lambda delimiter: len(places[delimiter][0]) if places[delimiter] else 0)
    return best, places[best]


def _fits(names: list[str], columns: Columns) -> bool:
    plain = {name.strip().casefold() for name in names}
    wanted = {
        name.strip().casefold() for name in (columns.label or "label", columns.text or "text")
    }
    return wanted <= plain or (len(names) == 2 and columns.holds_label(names[0]))


def _separated_rows(path: Path, columns: Columns, lenient: bool) -> Rows:
    delimiter, _ = layout(path, columns)
    read = table_files.each_record if lenient else table_files.records
    records = read(path, columns.encoding, delimiter)
    first = next(records, None)
    if first is None:
        return
    line, names = first
    if isinstance(names, InputError):
        raise InputError(f"{path}, line {line}: {without_place(path, line, names)}")
    ahead: list[table_files.Record] = []
    where = columns.find(path, names)
    if where is None:
        ahead = list(itertools.islice(records, SAMPLED))
        sample = [row for _, row in ahead if isinstance(row, list)]
        if columns.lack_header(names, sample):
            ahead, where = [first, *ahead], (0, 1)
        else:
            where = _guessed(path, columns, names, sample)
        if where is None:
            raise InputError(
                f"{path}, line {line}: expected a header with the columns label and text, or two "
                f"columns without a header, label ({columns.expected}) and text; "
                f"got {quoted(names)}. {COLUMNS_HELP}"
            )
    label, text = where
    more = [] if any(map(str.strip, names[text + 1 :])) else range(text + 1, len(names))
    for line, fields in itertools.chain(ahead, records):
        if isinstance(fields, InputError):
            yield line, fields
        else:  # what stands in columns without a name was cut off the text by its commas
            rest = [fields[i] for i in more if fields[i].strip()]
            yield line, fields[label], delimiter.join([fields[text], *rest])


def _guessed(
    path: Path, columns: Columns, names: list[str], sample: list[list[str]]
) -> tuple[int, int] | None:
    """Return the only columns that can be label and text.

    A `sample` of rows decides; None where there is no such pair, or several.
    """
    label = position(path, names, columns.label or "label", columns.label)
    text = position(path, names, columns.text or "text", columns.text)
    if not sample:
        return None
    places = range(len(names))
    labels = [
        i for i in places if all(columns.holds_label(row[i]) for row in sample)
    ] if label is None else [label]  # fmt: skip
    texts = text_columns(sample, [i for i in places if i not in labels])
    texts = texts if text is None else [text]
    if len(labels) != 1 or len(texts) != 1 or labels == texts:
        return None
    log.warning(
        "%s: reading the column %s as label and %s as text",
        *(path, quoted([names[labels[0]]]), quoted([names[texts[0]]])),
    )
    return labels[0], texts[0]


def text_columns(sample: list[list[str]], places: Sequence[int]) -> list[int]:
    """Return the columns that hold texts.

    They are mostly filled, and with words.
    """

    def is_text(place: int) -> bool:
        filled = [row[place] for row in sample if row[place].strip()]
        words = [field for field in filled if len(field.split()) > 1 and not field.isnumeric()]
        return len(filled) >= 0.8 * len(sample) and len(words) >= 0.5 * len(sample) > 0

    return [place for place in places if is_text(place)]


def _json_rows(path: Path, columns: Columns, lenient: bool) -> Rows:
    keys: tuple[str, str] | None = None
    read = json_lines.each_json_record if lenient else json_lines.json_records
    for number, record in read(path, columns.encoding):
        if isinstance(record, InputError):
            yield number, record
            continue
        if keys is None:
            names = list(record)
            where = columns.find(path, names)
            if where is None:
                raise InputError(
                    f"{path}, line {number}: expected the keys label and text; got "
                    f"{quoted(names)}. {COLUMNS_HELP}"
                )
            keys = names[where[0]], names[where[1]]
        yield number, *_of_object(record, keys)


def _of_object(
    record: dict[str, Any], keys: tuple[str, str]
) -> tuple[str, str] | tuple[InputError]:
    if missing := [key for key in keys if key not in record]:
        return (
            InputError(
                f"expected the keys {quoted(keys)} as in the first object; "
                f"{quoted(missing)} is missing"
            ),
        )
    label, text = record[keys[0]], record[keys[1]]
    if not isinstance(text, str) or any("\ud800" <= c <= "\udfff" for c in text):
        got = "half of a surrogate pair" if isinstance(text, str) else type(text).__name__
        return (InputError(f"expected a text in {keys[1]!a}; got {got}"),)
    if not isinstance(label, str | bool | int):
        label = json.dumps(label)
    return str(label), text
