"""Decisions: from a network's probabilities to an answer.

This is the one place that decides. All that name a label - predict, evaluate, explain, audit,
threshold, the server, an export - ask a `Decision`. It needs NumPy alone, so an export carries a
copy of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, RunError

if TYPE_CHECKING:
    import numpy as np


NONE = "none"  # the label of what is refused
DIGITS = frozenset("0123456789")


@dataclass(frozen=True)
class Answer:
    """Answer of a network to one input.

    Attributes:
        label: the winning label, or `none` where that is too improbable; for spam `spam` where
            the probability is above the threshold.
        probability: of the winning label, also where the answer is `none`; for spam always that
            of spam.
        probabilities: label -> probability, in label order; None for spam.
        guess: the input is a mail without subject and text, so this is no answer of the network's.
        message_id: of a mail that has one.
        box: left, top, right and bottom, in pixels, of a digit that was found among several.
        line: which line that digit stands in, from 1; 0 where digits were not looked for.
        without_feedback: what the network alone answered, where its owner's corrections changed it.
    """

    label: str
    probability: float
    probabilities: dict[str, float] | None = None
    guess: bool = False
    message_id: str = ""
    box: tuple[int, int, int, int] | None = None
    line: int = 0
    without_feedback: Answer | None = None


@dataclass(frozen=True)
class Decision:
    """Rule that turns a network's probabilities into a label.

    Without a threshold the most probable label wins. With one there are two labels and one
    probability, P of the second: that label is the answer where P is strictly above the
    threshold. With `refuse_below` the answer is `none` where the most probable label is less
    probable than that: no label fits. All are compared in float32, the precision in which a
    network answers, so that every engine and export decides alike.

    Attributes:
        labels: in label order.
        threshold: in [0, 1]; None where the most probable label wins.
        refuse_below: in [0, 1]; None where nothing is refused.
    """

    labels: tuple[str, ...]
    threshold: float | None = None
    refuse_below: float | None = None

    def __post_init__(self) -> None:
        if self.refuse_below is not None:
            if not 0 <= self.refuse_below <= 1:
                raise ConfigError(
                    "refuse_below is a probability in [0, 1]; got "
                    f"{self.refuse_below}. For 60 % write 0.6."
                )
            if self.threshold is not None or NONE in self.labels:
                raise ConfigError(
                    f"refusing needs labels of which the most probable wins and none is {NONE!r}"
                )
        if self.threshold is None:
            return
        if not 0 <= self.threshold <= 1:
            raise ConfigError(
                f"a threshold is a probability in [0, 1]; got {self.threshold}. For 90 % write 0.9."
            )
        if len(self.labels) != 2:
            raise ConfigError(f"a threshold decides between 2 labels; got {len(self.labels)}")

    @property
    def nodes(self) -> int:
        """Number of outputs that the network has for one input."""
        return len(self.labels) if self.threshold is None else 1

    def numbers(self, outputs: Any) -> np.ndarray:
        """Return the number of the label of each row.

        Args:
            outputs: (n, nodes) probabilities, as the network gave them.
        Returns:
            (n,) int in [0, labels), also of what is refused.
        Raises:
            RunError: the network answered NaN or infinity, or has another number of outputs.
        """
        import numpy as np  # not before there is something to decide

        rows = np.asarray(outputs, np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.nodes:
            raise RunError(
                f"expected {self.nodes} probabilities for each input; the network gave an array "
                f"of shape {rows.shape}"
            )
        if not np.isfinite(rows).all():
            raise RunError("the network answered NaN or infinity: its weights are damaged")
        if self.threshold is None:
            return rows.argmax(axis=1)
        return (rows[:, 0] > np.float32(self.threshold)).astype(np.int64)

    def refused(self, outputs: Any) -> np.ndarray:
        """Return which rows of `outputs` are answered with `none`.

        `outputs` is (n, nodes); the result is (n,) bool.
        """
        import numpy as np

        rows = np.asarray(outputs, np.float32)
        if self.refuse_below is None:
            return np.zeros(len(rows), bool)
        return rows.max(axis=1) < np.float32(self.refuse_below)

    def several(self, outputs: Any, inputs: Sequence[Any]) -> np.ndarray:
        """Return which pictures of several digits are read as one.

        These are marks whose shape is surely that of digits that touch. The shape is asked only
        where a network that can refuse answers with a digit: letters, too, look like two digits
        now and then, and are `none`.

        Args:
            outputs: (n, nodes) probabilities of `inputs`, as the network gave them.
            inputs: n checked inputs; a picture that may hold several digits is a `joined.Mark`.
        Returns:
            (n,) bool.
        """
        import numpy as np

        several = np.zeros(len(inputs), bool)
        if self.refuse_below is None or not DIGITS.issuperset(self.labels):
            return several
        from ..preprocessing import joined

        is_mark = np.array([joined.is_mark(value) for value in inputs], bool)
        if places := np.flatnonzero(is_mark & ~self.refused(outputs)).tolist():
            levels = np.stack([np.asarray(inputs[place], np.uint8) for place in places])
            several[places] = joined.surely(levels)
        return several

    def always(self) -> Decision:
        """Return the same decision without refusing.

        It always names a label.
        """
        return replace(self, refuse_below=None)

    def answers(self, outputs: Any) -> list[Answer]:
        """Return the answer that each row of `outputs` means.

        `outputs` is (n, nodes). Errors are those of `numbers`.
        """
        import numpy as np

        numbers, rows = self.numbers(outputs), np.asarray(outputs, np.float32)
        if self.threshold is not None:
            return [
                Answer(self.labels[number], float(row[0]))
                for number, row in zip(numbers, rows, strict=True)
            ]
        return [
            Answer(
                NONE if refused else self.labels[number],
                float(row[number]),
                {label: float(p) for label, p in zip(self.labels, row, strict=True)},
            )
            for number, row, refused in zip(numbers, rows, self.refused(rows), strict=True)
        ]
