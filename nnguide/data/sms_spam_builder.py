"""The SMS Spam Collection as a TensorFlow Datasets builder.

    from nnguide.data.sms_spam_builder import SmsSpam
    builder = SmsSpam(data_dir=..., config="paper")
    builder.download_and_prepare()

downloads the zip and checks its SHA-256 (checksums.tsv); with a `manual_dir` it takes the zip
or the table there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from nnguide.data import builders, sms_spam, splits, texts
from nnguide.data.examples import Examples
from nnguide.data.text_builder import TextBuilder


class SmsSpam(TextBuilder):
    """SMS Spam Collection, split 80/20 or as published.

    `default` has each distinct text once, 80/20; `paper` is the published split.
    """

    ABOUT, HOMEPAGE = (
        sms_spam.__doc__ or "",
        "https://archive.ics.uci.edu/dataset/228/sms+spam+collection",
    )
    VERSION = tfds.core.Version(sms_spam.VERSION)
    BUILDER_CONFIGS = [  # noqa: RUF012
        tfds.core.BuilderConfig(name="default", description="Distinct texts, split 80/20."),
        tfds.core.BuilderConfig(name="paper", description="First 1,674 rows train, 3,900 test."),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Not needed; or one of: {', '.join(sms_spam.FILES)}."

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        try:
            rows = sms_spam.rows(Path(dl_manager.manual_dir))
        except AssertionError:  # no such folder: its way to say so
            rows = sms_spam.parse(sms_spam.table(Path(dl_manager.download(sms_spam.URL))))
        if self.builder_config.name != "paper":
            return self._divided(texts.distinct(rows))
        numbered = [(number, *row) for number, row in enumerate(rows)]
        train, test = numbered[: sms_spam.PAPER_TRAIN], numbered[sms_spam.PAPER_TRAIN :]
        return {"train": self._generate_examples(train), "test": self._generate_examples(test)}


def read_splits(source: Callable[[], Path], variant: str, split_seed: int) -> dict[str, Examples]:
    """Return the splits "train" and "test", by TensorFlow Datasets.

    `variant` is "" or "paper"; `split_seed` divides the former.
    """
    config = variant or "default"

    def make() -> Any:
        return SmsSpam(data_dir=builders.folder(), config=config)

    builder = builders.prepared(make, source)
    if variant:
        return {split: texts.in_order(builders.read(builder, split)) for split in ("train", "test")}
    return splits.divide(texts.in_order(builders.read(builder, "all")), split_seed)
