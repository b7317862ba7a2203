"""Files of answers: CSV, JSON lines or Parquet.

They are made of parts that are each written whole.

A column means the same in each form:

    row            the input's place in its data set, from 1
    input          where it stands: a path, `FILE, line 7` of a table, `FILE#7` of a mailbox
    label          the answer; empty where the input failed
    probability    of the label; for spam P(spam)
    P(...)         the probability of each label; in JSON lines the object `probabilities`
    message_id     of a mail that has one                               } for texts
    guess          true for a mail without subject and text             }
    label_without_feedback, probability_without_feedback
                   what the network alone answered, where corrections changed it; there where
                   corrections are used. In JSON lines the object `without_feedback`
    error          why the input failed; else empty
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide.errors import ConfigError, ExtraError, InputError
from nnguide.files import as_utf8, atomic, csv_rows
from nnguide.inference.decision import Answer

if TYPE_CHECKING:
    from nnguide.runs import Run

FORMS = (".csv", ".jsonl", ".parquet")
GROUP = 100_000  # rows of a Parquet file that stand together
_ALONE = "probability_without_feedback"

Row = tuple[int, str, Answer | InputError]


@dataclass(frozen=True)
class Form:
    """Form in which answers are written.

    Attributes:
        suffix: of the file, one of FORMS.
        labels: of the run, where each has a probability of its own; else ().
        has_mail: whether inputs may be mails.
        is_corrected: whether an owner's corrections are used.
    """

    suffix: str
    labels: tuple[str, ...]
    has_mail: bool
    is_corrected: bool = False

    @classmethod
    def of(cls, run: Run, out: Path, is_corrected: bool = False) -> Form:
        """Return the form that the name of `out` asks for.

        Raises:
            ConfigError: another suffix.
            ExtraError: Parquet, and pyarrow is not installed.
        """
        suffix = out.suffix.lower()
        if suffix not in FORMS:
            raise ConfigError(f"--out takes a file that ends in {', '.join(FORMS)}; got {out}")
        if suffix == ".parquet":
            _pyarrow()
        labels = () if run.decision.threshold is not None else run.labels
        return cls(suffix, labels, run.task.kind.takes_mail, is_corrected)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        each = [f"P({label})" for label in self.labels]
        mail = ["message_id", "guess"] if self.has_mail else []
        alone = ["label_without_feedback", _ALONE] if self.is_corrected else []
        return ["row", "input", "label", "probability", *each, *mail, *alone, "error"]

    def write_part(self, rows: Sequence[Row], target: Path) -> None:
        """Write some answers to a part that `join` reads."""
        if self.suffix == ".parquet":
            import pyarrow.parquet

            with atomic(target) as beside:
                pyarrow.parquet.write_table(self._table(rows), beside)
            return
        text = self._json(rows) if self.suffix == ".jsonl" else self._csv(map(self._values, rows))
        with atomic(target) as beside:
            beside.write_bytes(text.encode("utf-8", "backslashreplace"))

    def join(self, files: Sequence[Path], out: Path) -> None:
        """Write the file of all answers.

        It is the same however the answers were divided into parts.
        """
        with atomic(out) as beside:
            if self.suffix == ".parquet":
                self._join_tables(files, beside)
                return
            with beside.open("wb") as whole:
                if self.suffix == ".csv":
                    whole.write(self._csv([self.columns]).encode("utf-8"))
                for file in files:
                    with file.open("rb") as piece:
                        shutil.copyfileobj(piece, whole, 2**20)

    def _values(self, row: Row) -> list[Any]:
        """Return the cells of a row; None where there is nothing."""
        number, name, answer = row
        if isinstance(answer, InputError):
            return [number, name, *[None] * (len(self.columns) - 3), str(answer)]
        each = [(answer.probabilities or {})[label] for label in self.labels]
        mail = [answer.message_id or None, answer.guess] if self.has_mail else []
        alone: list[Any] = []
        if self.is_corrected:
            changed = answer.without_feedback
            alone = [changed.label, changed.probability] if changed else [None, None]
        return [number, name, answer.label, answer.probability, *each, *mail, *alone, None]

    def _csv(self, rows: Any) -> str:
        return csv_rows.text(
            [str(cell).lower() if isinstance(cell, bool) else cell for cell in row] for row in rows
        )

    def _json(self, rows: Sequence[Row]) -> str:
        return "".join(
            json.dumps({"row": row[0], "input": row[1], **fields(row[2])}) + "\n" for row in rows
        )

    def _table(self, rows: Sequence[Row]) -> Any:
        cells = [self._values(row) for row in rows]
        columns = [[_cell(row[at]) for row in cells] for at in range(len(self.columns))]
        return _pyarrow().table(columns, schema=self._schema())

    def _schema(self) -> Any:
        arrow = _pyarrow()
        types = {"row": arrow.int64(), "probability": arrow.float32(), "guess": arrow.bool_()}
        types[_ALONE] = arrow.float32()
        types |= {f"P({label})": arrow.float32() for label in self.labels}
        return arrow.schema([(name, types.get(name, arrow.string())) for name in self.columns])

    def _join_tables(self, files: Sequence[Path], target: Path) -> None:
        import pyarrow.parquet

        with pyarrow.parquet.ParquetWriter(target, self._schema()) as whole:
            for table in _groups(map(pyarrow.parquet.read_table, files)):
                whole.write_table(table)


def fields(answer: Answer | InputError) -> dict[str, Any]:
    """Return an answer as JSON has it, or its error."""
    if isinstance(answer, InputError):
        return {"error": str(answer)}
    answered: dict[str, Any] = {"label": answer.label, "probability": answer.probability}
    if answer.probabilities is not None:
        answered["probabilities"] = answer.probabilities
    if answer.box is not None:
        answered |= {"box": list(answer.box), "line": answer.line}
    if answer.message_id:
        answered["message_id"] = answer.message_id
    if answer.guess:
        answered["guess"] = True
    if (alone := answer.without_feedback) is not None:
        answered["without_feedback"] = {"label": alone.label, "probability": alone.probability}
    return answered


def _groups(tables: Iterator[Any]) -> Iterator[Any]:
    """Yield the rows of tables in tables of GROUP rows.

    Each is in one piece; the last may be shorter.
    """
    held: list[Any] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= GROUP:
            joined = _pyarrow().concat_tables(held)
            while len(joined) >= GROUP:
                yield joined.slice(0, GROUP).combine_chunks()
                joined = joined.slice(GROUP)
            held = [joined]
    if sum(map(len, held)):
        yield _pyarrow().concat_tables(held).combine_chunks()


def _cell(value: Any) -> Any:
    return as_utf8(value) if isinstance(value, str) else value


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ExtraError.missing("pyarrow", "parquet") from error
    return pyarrow
