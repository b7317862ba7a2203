"""SpamAssassin corpus as a TensorFlow Datasets builder.

It has the text of each mail.

    from nnguide.data.spamassassin_builder import Spamassassin
    builder = Spamassassin(data_dir=...)
    builder.download_and_prepare()

downloads the archives; with a `manual_dir` it takes those there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from nnguide.data import builders, spamassassin, splits, texts
from nnguide.data.examples import Examples
from nnguide.data.text_builder import TextBuilder


class Spamassassin(TextBuilder):
    """SpamAssassin corpus, each distinct text once, 80/20."""

    ABOUT, HOMEPAGE = (
        spamassassin.__doc__ or "",
        "https://spamassassin.apache.org/old/publiccorpus/",
    )
    VERSION = tfds.core.Version(spamassassin.VERSION)
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Not needed; or {', '.join(spamassassin.FILES)}."

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        try:
            archives = spamassassin.archives(Path(dl_manager.manual_dir))
        except AssertionError:  # no such folder: its way to say so
            urls = {name: file.url for name, file in spamassassin.BY_FOLDER.items()}
            archives = {name: Path(path) for name, path in dl_manager.download(urls).items()}
        rows = texts.distinct(spamassassin.rows(archives))
        return self._divided(rows)


def read_splits(source: Callable[[], Path], variant: str, split_seed: int) -> dict[str, Examples]:
    """Return the splits "train" and "test", by TensorFlow Datasets."""

    def make() -> Any:
        return Spamassassin(data_dir=builders.folder())

    stored = builders.read(builders.prepared(make, source), "all")
    return splits.divide(texts.in_order(stored), split_seed)
