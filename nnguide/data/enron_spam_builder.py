"""Enron-Spam as a TensorFlow Datasets builder: the text of each mail.

    from nnguide.data.enron_spam_builder import EnronSpam
    builder = EnronSpam(data_dir=..., config="enron2")
    builder.download_and_prepare()

downloads the archives; with a `manual_dir` it takes those there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from nnguide.data import builders, enron_spam, splits, texts
from nnguide.data.examples import Examples
from nnguide.data.text_builder import TextBuilder


class EnronSpam(TextBuilder):
    """Enron-Spam, each distinct text once, 80/20.

    `default` has every folder that is there; the others have one alone.
    """

    ABOUT, HOMEPAGE = enron_spam.__doc__ or "", "http://www.aueb.gr/users/ion/data/enron-spam/"
    VERSION = tfds.core.Version(enron_spam.VERSION)
    BUILDER_CONFIGS = [  # noqa: RUF012
        tfds.core.BuilderConfig(name="default", description="All folders that are there."),
        *(
            tfds.core.BuilderConfig(name=f"enron{number}", description=f"Folder {number} alone.")
            for number in enron_spam.BY_NUMBER
        ),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Not needed; or any of {', '.join(enron_spam.FILES)}."

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        variant = self.builder_config.name.removeprefix("enron").removeprefix("default")
        try:
            folder = Path(dl_manager.manual_dir)
        except AssertionError:  # no such folder: its way to say so
            folder = self._downloaded(dl_manager, variant)
        rows = texts.distinct(enron_spam.rows(folder, variant))
        return self._divided(rows)

    def _downloaded(self, dl_manager: tfds.download.DownloadManager, variant: str) -> Path:
        """Link the archives under their own names; return their folder."""
        folder = Path(self.data_dir).parent / "archives"
        folder.mkdir(parents=True, exist_ok=True)
        for number in enron_spam.numbers(variant):
            file = enron_spam.BY_NUMBER[number]
            target = folder / file.name
            target.unlink(missing_ok=True)
            target.symlink_to(Path(dl_manager.download(file.url)).absolute())
        return folder


def read_splits(source: Callable[[], Path], variant: str, split_seed: int) -> dict[str, Examples]:
    """Return the splits "train" and "test", by TensorFlow Datasets."""

    def make() -> Any:
        return EnronSpam(data_dir=builders.folder(), config=enron_spam.config(variant))

    stored = builders.read(builders.prepared(make, source), "all")
    return splits.divide(texts.in_order(stored), split_seed)
