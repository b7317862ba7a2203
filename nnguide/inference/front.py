"""Preprocessing and decision for a network exported alone, in NumPy.

It needs neither TensorFlow nor Keras: NumPy, and Pillow for the files of pictures. `Front` reads
`preprocessing.json`; any runtime that takes arrays runs the network in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..preprocessing import mnist_form
from . import picture_inputs
from .decision import Decision
from .preprocessing import front


class Front:
    """Steps before and after an exported network.

    Raw inputs become what the network takes, and what it answers becomes labels.
    """

    def __init__(self, folder: Path | str) -> None:
        """Read the preprocessing.json in `folder`."""
        settings = json.loads((Path(folder) / "preprocessing.json").read_text(encoding="utf-8"))
        self.decision = Decision(
            tuple(settings["labels"]), settings["threshold"], settings.get("refuse_below")
        )
        self._batches = front(settings["preprocessing"])

    def batches(self, raw: Any) -> Iterator[tuple[Any, np.ndarray]]:
        """Yield batches of inputs, each with the positions of its rows.

        Whether a picture holds several digits that touch is for `outputs` to say: that takes the
        network's answer.

        Args:
            raw: digits: paths or bytes of picture files, or (n, 28, 28) grey levels 0-255, white
                on black. Spam: one text or several.
        """
        return self._batches(self._batches.stacked(self._batches.read(raw)))

    def outputs(self, raw: Any, network: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the probabilities of raw inputs, (n, nodes) float32.

        `network` computes them batch by batch.

        Raises:
            InputError: an input cannot be taken, or several digits on a picture are read as one.
        """
        read = self._batches.read(raw)
        checked = self._batches.stacked(read)
        answered = np.zeros((len(checked), self.decision.nodes), np.float32)
        for places, batch in self._batches(checked):
            answered[places] = network(batch)
        several = self.decision.several(answered, read)
        picture_inputs.raise_first(
            [mnist_form.several(2) if is_several else None for is_several in several]
        )
        return answered

    def answers(self, outputs: np.ndarray) -> list[tuple[str, float]]:
        """Return the label and probability of each row of `outputs`.

        For spam the probability is always P(spam).
        """
        return [(answer.label, answer.probability) for answer in self.decision.answers(outputs)]
