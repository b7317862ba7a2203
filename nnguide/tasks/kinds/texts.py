"""Texts: messages of any length, and mails.

Mails are texts with a name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide.errors import ConfigError, InputError
from nnguide.tasks.kinds import Asked, Kind

if TYPE_CHECKING:
    import keras
    import numpy as np

    from nnguide.data import containers
    from nnguide.data.examples import Examples
    from nnguide.data.tables import Columns
    from nnguide.evaluation.changes import Change
    from nnguide.explain.explanation import Explanation
    from nnguide.explain.subjects import Subject
    from nnguide.export import Format
    from nnguide.inference.bulk_inputs import Unread
    from nnguide.inference.sources import Named
    from nnguide.runs import Run
    from nnguide.serving.signatures import Tensor


log = logging.getLogger(__name__)


class Texts(Kind):
    """Texts.

    The task decides how many labels they have and whether there is a threshold.
    """

    name = "texts"
    tensor = "text"
    thing, part = "message", "word"
    weights = "words"
    baseline = "no words"
    is_its_own_name = True
    is_array = False
    takes_mail = True
    any_labels = False
    may_lose = 0.10
    hub_task = "text-classification"
    intended = (
        "Naming the label of a text, out of the labels above.",
        "Learning, teaching and comparing networks.",
    )
    limits = (
        "It always answers with one of its labels, also for a text of another language or subject.",
        "Only the beginning of a long text is read.",
        "Not for judging people by what they write.",
    )

    def read(
        self,
        path: Path,
        split: str,
        labels: tuple[str, ...],
        *,
        split_seed: int,
        label_column: str | None,
        text_column: str | None,
        encoding: str | None,
    ) -> Examples:
        from nnguide.data import text_files

        return text_files.read(
            path,
            split,
            labels,
            split_seed=split_seed,
            label_column=label_column,
            text_column=text_column,
            encoding=encoding,
        )

    def learned_from(self, examples: Examples) -> tuple[str, ...]:
        """Return the kinds of text: messages, mail or both.

        Texts read from mail are mail. Texts that begin with Subject: are too, where half do.
        """
        from nnguide.data import records
        from nnguide.data.mail import MailText

        if isinstance(examples.inputs, records.Records):
            return examples.inputs.kinds
        mails = sum(isinstance(text, MailText) for text in examples.inputs)
        subjects = sum(map(records.has_subject, examples.inputs))
        return records.kinds_of(len(examples), mails, subjects)

    def preview(self, raw: Any) -> Any:
        return raw

    def sources(self, run: Run, asked: Asked) -> Named:
        from nnguide.inference.sources import is_path, texts

        _check_threshold(run, asked.threshold)
        messages = asked.files or not asked.mails or not all(map(is_path, asked.inputs))
        for kind, is_there in (("mail", asked.mails), ("messages", messages)):
            if is_there and not asked.anyway:
                run.check_learned(kind)
        columns = _columns(run, asked) if asked.files or asked.encoding else None
        return texts(asked.inputs, asked.files, asked.mails, asked.stdin, columns)

    def unread(self, run: Run, path: Path, asked: Asked) -> Unread:
        from nnguide.data.dataset_info import KINDS
        from nnguide.inference import bulk_inputs

        _check_threshold(run, asked.threshold)
        kinds = bulk_inputs.kinds_of_text(path)
        if not asked.anyway:
            for kind in kinds:
                run.check_learned(kind)
        known = [kind for kind in KINDS if asked.anyway or run.has_learned(kind)]
        is_mail_alone = kinds == ["mail"]
        return bulk_inputs.texts(path, _columns(run, asked), kinds if is_mail_alone else known)

    def check(self, raw: Any, features: tuple[str, ...] = ()) -> np.ndarray:
        from nnguide.inference import validation

        return validation.texts(_lines(raw) if hasattr(raw, "read") else raw)

    def each(self, raw: Any, features: tuple[str, ...] = ()) -> list[Any]:
        from nnguide.inference import validation

        return _lines(raw) if hasattr(raw, "read") else validation.each_text(raw)

    def label_column(self, table: containers.Table, labels: tuple[str, ...]) -> str:
        from nnguide.data import containers
        from nnguide.data.tables import Columns

        if (usual := containers.label_column(table)) is not None:
            return usual
        known = Columns(labels=labels)
        columns = [
            name
            for name, column in table.items()
            if all(known.holds_label(str(v)) for v in column if not containers.is_missing(v))
        ]
        if len(columns) != 1:
            raise InputError(
                f"expected a table with a column label; got {', '.join(table)}. "
                "Name it: label_column"
            )
        log.warning("reading the column %s as label", columns[0])
        return columns[0]

    def numbered(
        self, values: Sequence[Any], labels: tuple[str, ...]
    ) -> tuple[list[int | InputError], tuple[str, ...]]:
        from nnguide.data import memory
        from nnguide.data.tables import Columns, label_number

        known = Columns(labels=labels)
        numbers: list[int | InputError] = []
        for value in values:
            if (wrong := memory.not_one_label(value)) is not None:
                numbers.append(wrong)
                continue
            try:
                numbers.append(label_number(str(value), known))
            except InputError as error:
                numbers.append(error)
        return numbers, labels

    def stacked(self, checked: Sequence[Any] | np.ndarray) -> np.ndarray:
        return self.check(list(checked))

    def outputs(
        self, network: Callable[[np.ndarray], np.ndarray], checked: np.ndarray
    ) -> np.ndarray:
        from nnguide.data import mail

        return mail.outputs(network, checked)

    def keras_input(self, layer: Any) -> keras.KerasTensor:
        import keras

        return keras.Input((), dtype="string", name=self.tensor)

    def samples(self, run: Run, count: int) -> np.ndarray:
        import numpy as np

        from nnguide.export import samples

        return np.array(samples.texts(count), object)

    def changes(self) -> tuple[Change, ...]:
        from nnguide.evaluation import changes

        return changes.OF_TEXTS

    def slices(self, examples: Examples) -> Iterator[tuple[str, str, np.ndarray]]:
        from nnguide.audit import slices

        return slices.of_texts(examples)

    def alike(self, training: np.ndarray, inputs: np.ndarray) -> int | None:
        from nnguide.audit import overlap

        return overlap.alike(training, inputs)

    def driving(self, run: Run, examples: Examples, seed: int) -> dict[str, Any] | None:
        from nnguide.audit.words import words

        if run.threshold is None:
            return None
        log.info("words")
        return words(run, examples, seed)

    def quoted(self, inputs: Iterable[Any]) -> list[str]:
        return [str(text) for text in inputs]

    def subject(self, run: Run) -> Subject:
        from nnguide.explain import subjects

        return subjects.TextSubject(run)

    def mistake(self, raw: Any, why: Explanation) -> dict[str, Any]:
        from nnguide.audit import mistakes

        return mistakes.of_text(raw, why)

    def saved_model(self) -> type[Any]:
        from nnguide.export import saved_model

        return saved_model.Texts

    def warm_up(self, task: str, features: int) -> list[Any]:
        from nnguide.export import warm_up

        return warm_up.of_texts(task)

    def verify(self, run: Run, form: Format, folder: Path, count: int) -> dict[str, Any]:
        from nnguide.export import samples, verify

        return verify.of_texts(run, form, folder, samples.texts(count))

    def packed(self, inputs: np.ndarray) -> Any:
        return [text.encode() for text in inputs]

    def served(self, features: int) -> dict[str, tuple[str, Tensor]]:
        from nnguide.serving.signatures import DEFAULT, STRING, Tensor

        return {DEFAULT: (self.tensor, Tensor(STRING, (None,), "serving_default_text:0"))}

    def example(self, features: int) -> tuple[str, tuple[int, ...]]:
        return "bytes", ()

    def blank(self, features: int) -> Any:
        return [""]

    def received(self, values: Any) -> Any:
        return [_utf8(text) for text in values]


def _check_threshold(run: Run, threshold: float | None) -> None:
    if threshold is None:
        return
    if run.threshold is None:
        raise ConfigError(f"--threshold is for spam; {run.task.name} takes the most probable label")
    if not 0 <= threshold <= 1:
        raise ConfigError(f"--threshold is a probability in [0, 1]; got {threshold:g}")


def _columns(run: Run, asked: Asked) -> Columns:
    from nnguide.data.tables import Columns
    from nnguide.files.reading import check_encoding

    return Columns(
        text=asked.text_column, encoding=check_encoding(asked.encoding), labels=run.labels
    )


def _lines(stream: Any) -> list[Any]:
    """Return the messages of an open file, as `--file` reads them.

    A table has one in each row, another file one in each line.
    """
    from nnguide.data import memory
    from nnguide.data.tables import Columns
    from nnguide.inference import sources

    with memory.saved(stream) as path:
        return [item[1] for item in sources.file_messages(path, Columns()) if item is not None]


def _utf8(text: str | bytes) -> str:
    """Return a text that came as a string or as base64.

    An InputError is raised if it is not UTF-8.
    """
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise InputError("expected UTF-8 text; got other bytes") from error


KIND = Texts()
