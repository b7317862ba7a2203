"""Answers to several inputs.

A mail without text is answered with ham, as a guess; an empty picture with none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from nnguide.data.mail import MailText, is_empty
from nnguide.errors import ExtraError, InputError, NoDigitError
from nnguide.inference.decision import NONE, Answer, Decision

if TYPE_CHECKING:
    import numpy as np

# The probabilities, (n, 1), that n inputs and what the network answered to them become.
Feedback = Callable[[Iterable[Any], Any], Any]


class Answers(list[Any]):
    """Answers of a run to several inputs: a list, and columns.

    An input that could not be taken has in its place the InputError that says why.

    Attributes:
        classes: the run's labels, in label order.
    """

    def __init__(
        self, answers: Iterable[Answer | InputError], classes: tuple[str, ...], index: Any = None
    ) -> None:
        """Keep `answers` in their order.

        `index` is the index of the DataFrame that held the inputs.
        """
        super().__init__(answers)
        self.classes = classes
        self._index = index

    @property
    def labels(self) -> list[str | None]:
        """Label of each answer, None where there is no answer."""
        return [None if isinstance(answer, InputError) else answer.label for answer in self]

    @property
    def probabilities(self) -> np.ndarray:
        """Probability of every label, (n, classes) float32.

        A row is NaN where there is no answer.
        """
        import numpy as np

        rows = np.full((len(self), len(self.classes)), np.nan, np.float32)
        for place, answer in enumerate(self):
            if not isinstance(answer, InputError):
                rows[place] = _row(answer)
        return rows

    @property
    def errors(self) -> dict[int, InputError]:
        """Errors of the inputs without an answer, by position from 0."""
        return {
            place: answer for place, answer in enumerate(self) if isinstance(answer, InputError)
        }

    def to_pandas(self) -> Any:
        """Return a DataFrame with a row for each answer.

        Its columns are label, probability, then the probability of each label by its name. There is
        a column `error` where an input could not be taken. The index is that of the inputs'
        DataFrame or Series.

        Raises:
            ExtraError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ExtraError(
                "this needs pandas, which is not installed. Install it with: pip install pandas"
            ) from error
        rows = self.probabilities
        chosen = [None if isinstance(answer, InputError) else answer.probability for answer in self]
        columns: dict[str, Any] = {"label": self.labels, "probability": chosen}
        columns |= {f"P({name})": rows[:, at] for at, name in enumerate(self.classes)}
        if errors := self.errors:
            columns["error"] = [
                str(errors[at]) if at in errors else None for at in range(len(self))
            ]
        return pd.DataFrame(columns, index=self._index)

    @overload
    def __getitem__(self, place: SupportsIndex, /) -> Any: ...
    @overload
    def __getitem__(self, place: slice, /) -> Answers: ...
    def __getitem__(self, place: SupportsIndex | slice, /) -> Any:
        chosen = super().__getitem__(place)
        if not isinstance(place, slice):
            return chosen
        index = None if self._index is None else self._index[place]
        return Answers(chosen, self.classes, index)


def _row(answer: Answer) -> list[float]:
    """Return the probability of every label for one answer.

    With a threshold there are two labels, and the answer holds the probability of the second.
    """
    if answer.probabilities is None:
        return [1 - answer.probability, answer.probability]
    return list(answer.probabilities.values())


def answers(decision: Decision, outputs: Any, inputs: Iterable[Any]) -> Iterator[Answer]:
    """Yield the answer that each row of outputs means.

    `outputs` is (n, nodes), for n `inputs` in the same order.
    """
    for made, value in zip(decision.answers(outputs), inputs, strict=True):
        if isinstance(value, MailText):
            is_guess = is_empty(value) and decision.threshold is not None
            label = decision.labels[0] if is_guess else made.label
            yield replace(made, label=label, guess=is_empty(value), message_id=value.message_id)
            continue
        if decision.refuse_below is not None and is_empty_picture(value):
            made = replace(made, label=NONE)
        yield replace(made, box=value.box, line=value.line) if hasattr(value, "box") else made


def one_each(
    decision: Decision, outputs: Any, inputs: Sequence[Any]
) -> Iterator[Answer | InputError]:
    """Yield the answer to each input.

    It is an InputError for a picture of several digits that touch. Arguments are as of `answers`.
    """
    several = decision.several(outputs, inputs)
    for made, is_several in zip(answers(decision, outputs, inputs), several, strict=True):
        yield touching() if is_several else made


def touching() -> InputError:
    """Return the error for a picture of digits that touch."""
    from nnguide.preprocessing import mnist_form

    return mnist_form.several(2)


def corrected(
    decision: Decision, outputs: Any, inputs: list[Any], feedback: Feedback | None
) -> Iterator[Answer | InputError]:
    """Yield answers with an owner's corrections applied.

    An answer that changed also holds what the network alone answered. Without corrections they are
    those of `one_each`.
    """
    if feedback is None:
        yield from one_each(decision, outputs, inputs)
        return
    now = answers(decision, feedback(inputs, outputs), inputs)
    for made, alone in zip(now, answers(decision, outputs, inputs), strict=True):
        same = made.probability == alone.probability
        yield made if same else replace(made, without_feedback=alone)


def taken(decision: Decision, value: Any) -> Any:
    """Return the value that a run takes for an input.

    A picture on which no digit was seen becomes an empty picture. Where the run cannot refuse, that
    is an error.
    """
    if decision.refuse_below is None:
        if hasattr(value, "box") and not value.any():
            left, top, right, bottom = value.box
            return NoDigitError(
                f"no digit was seen: the mark from {left}, {top} to {right}, {bottom} makes no "
                "strokes of one"
            )
        return value
    if not isinstance(value, NoDigitError):
        return value
    import numpy as np

    return np.zeros((28, 28), np.float32)


def is_empty_picture(value: Any) -> bool:
    """Return whether an input is a picture (h, w) without ink."""
    return getattr(value, "ndim", 0) == 2 and not value.any()
