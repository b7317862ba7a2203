"""Build text sets for TensorFlow Datasets from rows of distinct texts.

A subclass says where the rows come from; `row` counts them from 0, as the official files have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from nnguide.data import texts


class TextBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """A set of spam and ham.

    Attributes:
        ABOUT: what the set is.
        HOMEPAGE: of its publisher.
    """

    ABOUT: str
    HOMEPAGE: str

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.ABOUT,
            features=tfds.features.FeaturesDict(
                {
                    "row": tfds.features.Scalar(np.int64),
                    "label": tfds.features.ClassLabel(names=texts.LABELS),
                    "text": tfds.features.Text(),
                }
            ),
            supervised_keys=("text", "label"),
            homepage=self.HOMEPAGE,
        )

    def _divided(self, rows: list[texts.Row]) -> dict[str, Any]:
        """Return the distinct texts of some rows, 80/20."""
        train, test = texts.divide_rows(rows, split_seed=0)
        return {"train": self._generate_examples(train), "test": self._generate_examples(test)}

    def _generate_examples(self, rows: list[texts.Row]) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, label, text in rows:
            yield number, {"row": number, "label": label, "text": text}
