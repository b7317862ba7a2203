"""Kinds of input: one record each for pictures, texts and numbers.

A record holds all that differs between them. A task names its kind; whatever reads, checks, trains,
explains, exports or serves asks the record (`task.kind`) and compares no names. What a method needs
is imported when it is called, so that a record costs nothing before work begins.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import numpy as np

    from nnguide.data import containers
    from nnguide.data.examples import Examples
    from nnguide.errors import InputError
    from nnguide.evaluation.changes import Change
    from nnguide.explain.explanation import Explanation
    from nnguide.explain.subjects import Subject
    from nnguide.export import Format
    from nnguide.inference.bulk_inputs import Unread
    from nnguide.inference.sources import Named
    from nnguide.runs import Run
    from nnguide.serving.signatures import Tensor


@dataclass(frozen=True)
class Asked:
    """Inputs and options of a command line, for a run to answer.

    Attributes:
        inputs: its arguments.
        stdin: standard input, for `-`.
        files, mails: of --file and --mail.
        text_column, encoding: of the files.
        threshold: instead of the run's own.
        many: whether a picture may hold several digits, each to be found.
        anyway: whether a kind of text may be one that the run never learned from.
    """

    inputs: tuple[str, ...]
    stdin: IO[bytes]
    files: tuple[Path, ...] = ()
    mails: tuple[Path, ...] = ()
    text_column: str | None = None
    encoding: str | None = None
    threshold: float | None = None
    anyway: bool = False
    many: bool = False


class Kind(ABC):
    """One kind of input.

    `features` are the names of a table's columns, () for other kinds.

    Attributes:
        name: pictures, texts or numbers, as configurations and JSON have it.
        tensor: what the input of a network is called, inside and in a served model.
        files: the input of a served model that takes whole files, "" where there is none.
        thing, part: what one input is, and what it is made of, in a word.
        weights: the key of an explanation's weights in JSON.
        baseline: what is left when all parts are taken away.
        is_its_own_name: an input is called by what it is, as a text; others by their path.
        is_drawn: an input can be shown as a picture.
        is_array: an input is an array of one shape, so that integer networks take ranges from it.
        is_faster_together: the light form answers a batch faster than its rows one by one.
        can_refuse: an input that no label fits is answered with none.
        takes_mail: mails and mailboxes are read.
        has_records: record files hold it.
        any_labels: a user's own data may have other labels than the task's official data.
        may_lose: fraction of accuracy, or of spam caught, that a mild change of inputs may cost.
        hub_task: what Hugging Face calls naming a label of such an input.
        intended, limits: what a network that takes it is for, and what not; for reports.
    """

    name: str
    tensor: str
    files = ""
    thing: str
    part: str
    weights: str
    baseline: str
    is_its_own_name = False
    is_drawn = False
    is_array = True
    is_faster_together = True
    can_refuse = False
    takes_mail = False
    has_records = True
    any_labels = True
    may_lose: float
    hub_task: str
    intended: tuple[str, ...]
    limits: tuple[str, ...]

    # Data

    @abstractmethod
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
        """Return the examples of a split of the data at a path.

        `labels` are the task's, () for any.
        """

    @abstractmethod
    def label_column(self, table: containers.Table, labels: tuple[str, ...]) -> str | None:
        """Return the name of a table's column of labels.

        The table is in memory. None where no column is named like one.
        """

    @abstractmethod
    def numbered(
        self, values: Sequence[Any], labels: tuple[str, ...]
    ) -> tuple[list[int | InputError], tuple[str, ...]]:
        """Return the number of each label, and the labels' names.

        A label that cannot be used has an InputError in its place.

        Args:
            values: labels as a program holds them.
            labels: their names in label order, or () for those that `values` has.
        """

    def columns(self, inputs: Any) -> tuple[str, ...]:
        """Return the names of a raw input's numbers.

        () for what is not a row of numbers.
        """
        return ()

    def learned_from(self, examples: Examples) -> tuple[str, ...]:
        """Return the kinds of text among a user's own examples.

        () for what is not text.
        """
        return ()

    @abstractmethod
    def preview(self, raw: Any) -> Any:
        """Return one input as JSON and a terminal show it.

        That is a text, or lines.
        """

    # Answers

    @abstractmethod
    def sources(self, run: Run, asked: Asked) -> Named:
        """Yield the inputs of a command line, each with its name.

        Raises:
            ConfigError: options that do not fit this kind.
        """

    @abstractmethod
    def unread(self, run: Run, path: Path, asked: Asked) -> Unread:
        """Yield the inputs of a data set at a path, unread.

        Each is to be answered; `asked` has the options.

        Raises:
            ConfigError: options that do not fit this kind, or texts that the run never learned
                from.
        """

    def asked_of(self, path: Path, stdin: IO[bytes]) -> Asked:
        """Return what `sources` takes for the inputs at one path."""
        return Asked((), stdin, files=(path,))

    @abstractmethod
    def check(self, raw: Any, features: tuple[str, ...] = ()) -> np.ndarray:
        """Return raw inputs as the array that a network takes.

        An InputError is raised if one cannot be taken.
        """

    def each(self, raw: Any, features: tuple[str, ...] = ()) -> list[Any]:
        """Return each raw input, checked, or its InputError."""
        return list(self.check(raw, features))

    def stacked(self, checked: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Return inputs that were checked one by one as one batch."""
        import numpy as np

        return np.stack(list(checked)).astype(np.float32)

    def outputs(
        self, network: Callable[[np.ndarray], np.ndarray], checked: np.ndarray
    ) -> np.ndarray:
        """Return the probabilities of checked inputs, (n, nodes).

        `network` gives those of an array.
        """
        return network(checked)

    # Training, evaluation and audit

    @abstractmethod
    def keras_input(self, layer: Any) -> keras.KerasTensor:
        """Return the Keras input where raw inputs enter a model.

        `layer` is the preprocessing that follows.
        """

    @abstractmethod
    def samples(self, run: Run, count: int) -> np.ndarray:
        """Return varied raw inputs that are always available.

        They are made with a seed.
        """

    @abstractmethod
    def changes(self) -> tuple[Change, ...]:
        """Return mild changes of inputs that should change no answer."""

    @abstractmethod
    def slices(self, examples: Examples) -> Iterator[tuple[str, str, np.ndarray]]:
        """Yield slices of the examples.

        Each is what the slice goes by, its name, and which examples (n,) bool belong to it.
        """

    def alike(self, training: np.ndarray, inputs: np.ndarray) -> int | None:
        """Return how many inputs nearly equal one of the training set.

        None where that is not known.
        """
        return None

    def driving(self, run: Run, examples: Examples, seed: int) -> dict[str, Any] | None:
        """Return the single parts that change answers, for an audit.

        None where the audit does not look for them.
        """
        return None

    def quoted(self, inputs: Iterable[Any]) -> list[str]:
        """Return the inputs that a report can quote.

        The list is empty where they are not texts.
        """
        return []

    # Explanations

    @abstractmethod
    def subject(self, run: Run) -> Subject:
        """Return a run as the explainers open it."""

    @abstractmethod
    def mistake(self, raw: Any, why: Explanation) -> dict[str, Any]:
        """Return a wrong answer and its explanation for a report."""

    # Exports and servers

    @abstractmethod
    def saved_model(self) -> type[Any]:
        """Return the tf.Module that takes this kind of input.

        It is a class of nnguide.export.saved_model.
        """

    @abstractmethod
    def warm_up(self, task: str, features: int) -> list[Any]:
        """Return warm-up requests, one for each signature.

        TensorFlow Serving sends them to itself first.
        """

    @abstractmethod
    def verify(self, run: Run, form: Format, folder: Path, count: int) -> dict[str, Any]:
        """Check that an export answers as its run does.

        See nnguide.export.verify.
        """

    def packed(self, inputs: np.ndarray) -> Any:
        """Return raw inputs in the form another process takes."""
        import numpy as np

        return inputs.astype(np.float32)

    @abstractmethod
    def served(self, features: int) -> dict[str, tuple[str, Tensor]]:
        """Return each signature with the name and tensor of its input."""

    @abstractmethod
    def example(self, features: int) -> tuple[str, tuple[int, ...]]:
        """Return the type and shape of a tf.Example's feature.

        The type is float or bytes.
        """

    @abstractmethod
    def blank(self, features: int) -> Any:
        """Return an empty input, a batch of one.

        A served model is tried with it.
        """

    def received(self, values: Any) -> Any:
        """Return a request's values as `check` takes them."""
        return values


def get(name: str) -> Kind:
    """Return the record of a kind of input."""
    kind: Kind = importlib.import_module(f"{__name__}.{name}").KIND
    return kind
