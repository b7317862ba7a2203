"""Pictures: 28 by 28 grey levels 0-255, white on black."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

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

SIDE = 28  # pixels
READ_TOGETHER = 16_384  # pictures that come into memory together


class Pictures(Kind):
    """Pictures of one sign each."""

    name = "pictures"
    tensor = "image"
    files = "image_bytes"
    thing, part = "picture", "pixel"
    weights = "map"
    baseline = "a black picture"
    is_drawn = True
    can_refuse = True
    is_faster_together = False  # LiteRT computes pictures one after the other
    may_lose = 0.01
    hub_task = "image-classification"
    intended = (
        "Naming the one sign that a picture shows, out of the labels above.",
        "Learning, teaching and comparing networks.",
    )
    limits = (
        "It answers none to what it is not sure of, if it can refuse; letters and scribbles that "
        "look like one of its labels get that label, sometimes with a high probability.",
        "It reads one sign in the middle of a picture, not a page, a number of several digits or a "
        "line of writing.",
        "Not for amounts, votes, medical or other records unless a person checks each answer.",
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
        from nnguide.data import picture_files

        return picture_files.read(
            path, split, split_seed=split_seed, label_column=label_column, encoding=encoding
        )

    def preview(self, raw: Any) -> Any:
        from nnguide.data.inspection import drawn

        return drawn(raw)

    def sources(self, run: Run, asked: Asked) -> Named:
        from nnguide.files.reading import check_encoding
        from nnguide.inference import sources

        if asked.files or asked.mails or asked.threshold is not None or asked.text_column:
            raise ConfigError(
                "--file, --mail, --text-column and --threshold are for spam; give image files"
            )
        encoding = check_encoding(asked.encoding)
        return sources.pictures(asked.inputs, asked.stdin, encoding, asked.many, run.sureness)

    def unread(self, run: Run, path: Path, asked: Asked) -> Unread:
        from nnguide.files.reading import check_encoding
        from nnguide.inference import bulk_inputs

        if asked.threshold is not None or asked.text_column:
            raise ConfigError("--text-column and --threshold are for spam")
        return bulk_inputs.pictures(path, check_encoding(asked.encoding))

    def asked_of(self, path: Path, stdin: IO[bytes]) -> Asked:
        return Asked((str(path),), stdin)

    def check(self, raw: Any, features: tuple[str, ...] = ()) -> np.ndarray:
        from nnguide.inference import picture_inputs

        return picture_inputs.checked(self.each(raw))

    def each(self, raw: Any, features: tuple[str, ...] = ()) -> list[Any]:
        from nnguide.data import containers, pixel_tables
        from nnguide.inference import picture_inputs

        table = containers.table(raw)
        if table is None:
            return list(picture_inputs.read_each(raw))
        if len(containers.without_labels(table)) > 1 and "image" not in table:
            return pixel_tables.pictures(table)
        return list(picture_inputs.read_each(picture_inputs.only_pictures(table)))

    def label_column(self, table: containers.Table, labels: tuple[str, ...]) -> str | None:
        from nnguide.data import containers

        return containers.label_column(table)

    def numbered(
        self, values: Sequence[Any], labels: tuple[str, ...]
    ) -> tuple[list[int | InputError], tuple[str, ...]]:
        from nnguide.data import memory

        return memory.numbered(values, labels)

    def outputs(
        self, network: Callable[[np.ndarray], np.ndarray], checked: np.ndarray
    ) -> np.ndarray:
        """Return the probabilities, (n, nodes), of checked pictures.

        Those that are read from a disk come chunk by chunk.
        """
        import numpy as np

        if isinstance(checked, np.ndarray) or not len(checked):
            return network(np.asarray(checked))
        return np.concatenate([network(chunk) for chunk in checked.chunks(READ_TOGETHER)])

    def keras_input(self, layer: Any) -> keras.KerasTensor:
        import keras

        return keras.Input((SIDE, SIDE), dtype="float32", name=self.tensor)

    def samples(self, run: Run, count: int) -> np.ndarray:
        from nnguide.export import samples

        return samples.pictures(count)

    def changes(self) -> tuple[Change, ...]:
        from nnguide.evaluation import changes

        return changes.OF_PICTURES

    def slices(self, examples: Examples) -> Iterator[tuple[str, str, np.ndarray]]:
        from nnguide.audit import slices

        return slices.of_pictures(examples)

    def subject(self, run: Run) -> Subject:
        from nnguide.explain import subjects

        return subjects.PictureSubject(run)

    def mistake(self, raw: Any, why: Explanation) -> dict[str, Any]:
        from nnguide.audit import mistakes

        return mistakes.of_picture(raw, why)

    def saved_model(self) -> type[Any]:
        from nnguide.export import saved_model

        return saved_model.Pictures

    def warm_up(self, task: str, features: int) -> list[Any]:
        from nnguide.export import warm_up

        return warm_up.of_pictures(task)

    def verify(self, run: Run, form: Format, folder: Path, count: int) -> dict[str, Any]:
        from nnguide.export import verify

        return verify.of_pictures(run, form, folder, count)

    def served(self, features: int) -> dict[str, tuple[str, Tensor]]:
        from nnguide.serving.signatures import DEFAULT, STRING, Tensor

        levels = Tensor("float32", (None, SIDE, SIDE), "serving_default_image:0")
        content = Tensor(STRING, (None,), "serve_bytes_image_bytes:0")
        return {DEFAULT: (self.tensor, levels), "serve_bytes": (self.files, content)}

    def example(self, features: int) -> tuple[str, tuple[int, ...]]:
        return "float", (SIDE, SIDE)

    def blank(self, features: int) -> Any:
        import numpy as np

        return np.zeros((1, SIDE, SIDE))


KIND = Pictures()
