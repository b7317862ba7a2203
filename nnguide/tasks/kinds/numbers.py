"""Rows of numbers: columns of a table, in training's order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide.errors import ConfigError, InputError
from nnguide.tasks.kinds import Asked, Kind

if TYPE_CHECKING:
    import keras
    import numpy as np

    from nnguide.data import containers
    from nnguide.data.examples import Examples
    from nnguide.evaluation.changes import Change
    from nnguide.explain.explanation import Explanation
    from nnguide.explain.subjects import Subject
    from nnguide.export import Format
    from nnguide.inference.bulk_inputs import Unread
    from nnguide.inference.sources import Named
    from nnguide.runs import Run
    from nnguide.serving.signatures import Tensor


class Numbers(Kind):
    """Rows of numbers."""

    name = "numbers"
    tensor = "features"
    has_records = False
    thing, part = "row", "feature"
    weights = "features"
    baseline = "the training means"
    may_lose = 0.02
    hub_task = "tabular-classification"
    intended = (
        "Naming the label of a row that has the columns above, measured as the training rows were.",
        "Learning, teaching and comparing networks.",
    )
    limits = (
        "It always answers with one of its labels, also for a row unlike any that it learned from.",
        "A column in another unit gives a wrong answer without a warning.",
        "Columns can stand in for what was left out, such as a postcode for an income.",
        "Not for decisions about people unless a person checks each answer and can overrule it.",
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
        from nnguide.data import number_tables

        return number_tables.read(
            path, split, split_seed=split_seed, label_column=label_column, encoding=encoding
        )

    def preview(self, raw: Any) -> Any:
        return ",".join(f"{value:g}" for value in raw)

    def sources(self, run: Run, asked: Asked) -> Named:
        from nnguide.inference import sources

        if asked.mails or asked.threshold is not None or asked.text_column:
            raise ConfigError("--mail and --threshold are for spam; give numbers or --file")
        if len(asked.files) > 1:
            raise ConfigError("a run that takes numbers takes one --file")
        file = next(iter(asked.files), None)
        return sources.rows(asked.inputs, file, run.features, asked.encoding)

    def unread(self, run: Run, path: Path, asked: Asked) -> Unread:
        from nnguide.inference import bulk_inputs

        if asked.threshold is not None or asked.text_column or asked.encoding:
            raise ConfigError("--threshold, --text-column and --encoding are for spam")
        return bulk_inputs.numbers(path, run.features)

    def check(self, raw: Any, features: tuple[str, ...] = ()) -> np.ndarray:
        import numpy as np

        from nnguide.data import containers
        from nnguide.inference import validation

        if containers.is_tf_dataset(raw):
            raw = containers.from_tf(raw)[0]
            if isinstance(raw, list) and np.ndim(raw[0]) == 2:  # batches without labels
                raw = np.concatenate(raw)
        if (table := containers.table(raw)) is not None:
            raw = self._matrix(table, features)
        return validation.numbers(raw, len(features) or None)

    def _matrix(self, table: containers.Table, features: tuple[str, ...]) -> np.ndarray:
        """Return the columns `features` of a table, (n, features).

        Without `features` all columns.
        """
        if missing := [name for name in features if name not in table]:
            raise InputError(
                f"expected a table with the columns {', '.join(features)}; "
                f"it has no {', '.join(missing)}"
            )
        import numpy as np

        return np.column_stack([np.asarray(table[name]) for name in features or table])

    def label_column(self, table: containers.Table, labels: tuple[str, ...]) -> str | None:
        return list(table)[-1]  # as of a file

    def numbered(
        self, values: Sequence[Any], labels: tuple[str, ...]
    ) -> tuple[list[int | InputError], tuple[str, ...]]:
        from nnguide.data import memory

        return memory.numbered(values, labels)

    def columns(self, inputs: Any) -> tuple[str, ...]:
        from nnguide.data import containers

        if containers.is_tf_dataset(inputs):
            inputs = containers.from_tf(inputs)[0]
        if (table := containers.table(inputs)) is not None:
            return tuple(table)
        return tuple(f"x{number}" for number in range(self.check(inputs).shape[1]))

    def keras_input(self, layer: Any) -> keras.KerasTensor:
        import keras

        return keras.Input((len(layer.mean),), dtype="float32", name=self.tensor)

    def samples(self, run: Run, count: int) -> np.ndarray:
        import numpy as np

        from nnguide.export import samples
        from nnguide.models.saving import preprocessor

        columns = preprocessor(run.model)
        return samples.rows(np.array(columns.mean), np.array(columns.std), count)

    def changes(self) -> tuple[Change, ...]:
        from nnguide.evaluation import changes

        return changes.OF_NUMBERS

    def slices(self, examples: Examples) -> Iterator[tuple[str, str, np.ndarray]]:
        from nnguide.audit import slices

        return slices.of_numbers(examples)

    def subject(self, run: Run) -> Subject:
        from nnguide.explain import subjects

        return subjects.RowSubject(run)

    def mistake(self, raw: Any, why: Explanation) -> dict[str, Any]:
        from nnguide.audit import mistakes

        return mistakes.of_row(why)

    def saved_model(self) -> type[Any]:
        from nnguide.export import saved_model

        return saved_model.Rows

    def warm_up(self, task: str, features: int) -> list[Any]:
        from nnguide.export import warm_up

        return warm_up.of_rows(task, features)

    def verify(self, run: Run, form: Format, folder: Path, count: int) -> dict[str, Any]:
        from nnguide.export import verify

        return verify.of_rows(run, form, folder, count)

    def served(self, features: int) -> dict[str, tuple[str, Tensor]]:
        from nnguide.serving.signatures import DEFAULT, Tensor

        row = Tensor("float32", (None, features), "serving_default_features:0")
        return {DEFAULT: (self.tensor, row)}

    def example(self, features: int) -> tuple[str, tuple[int, ...]]:
        return "float", (features,)

    def blank(self, features: int) -> Any:
        return [[0.0] * features]


KIND = Numbers()
