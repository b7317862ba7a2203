"""The real sets, from the official files in NNGUIDE_DATA_DIR."""

import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest

from nnguide import data
from nnguide.data import download, sms_spam
from nnguide.data.distinct import distinct_key

OFFICIAL = Path(os.environ.get("NNGUIDE_DATA_DIR", ""))

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif("NNGUIDE_DATA_DIR" not in os.environ, reason="NNGUIDE_DATA_DIR is not set"),
]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NNGUIDE_CACHE", str(folder))
        patch.setenv("NNGUIDE_OFFLINE", "1")
        patch.setattr(download, "_unreachable", {})
        yield folder


@pytest.mark.slow
def test_mnist_through_tensorflow_datasets(cache, capfd):
    source = data.find("digits", "auto")
    assert (source.name, source.is_fallback) == ("mnist", False)
    assert (cache / "tfds" / "mnist").is_dir()
    assert capfd.readouterr() == ("", "")

    started = time.process_time()
    train, test = source.load("train"), source.load("test")
    assert time.process_time() - started < 3  # decoding takes longer
    for part, name in ((train, "train"), (test, "t10k")):
        with gzip.open(OFFICIAL / "mnist" / f"{name}-images-idx3-ubyte.gz") as file:
            assert file.read()[16:] == part.inputs.tobytes()
        with gzip.open(OFFICIAL / "mnist" / f"{name}-labels-idx1-ubyte.gz") as file:
            assert file.read()[8:] == part.labels.astype(np.uint8).tobytes()
    assert list(train.counts().values())[:3] == [5923, 6742, 5958]


def test_messages(cache):
    source = data.find("spam", "auto")
    train, test = source.load("train"), source.load("test")
    assert source.name == "sms_spam"
    assert len(train) + len(test) == 5159
    assert train.join(test).counts() == {"ham": 4517, "spam": 642}
    assert abs(len(test) / 5159 - 0.2) < 0.001
    assert not {distinct_key(text) for text in train.inputs} & set(map(distinct_key, test.inputs))
    other = data.find("spam", "sms_spam", split_seed=1)
    assert other.load("test").counts() == test.counts()
    assert list(other.load("test").inputs) != list(test.inputs)


def test_messages_as_in_the_paper(cache):
    source = data.find("spam", "sms_spam/paper")
    train, test = source.load("train"), source.load("test")
    rows = sms_spam.rows(OFFICIAL / "sms_spam")
    assert [text for _, text in rows] == [*train.inputs, *test.inputs]
    assert (len(train), len(test)) == (1674, 3900)
    assert source.load("all").counts() == {"ham": 4827, "spam": 747}
    assert sum(text in set(train.inputs) for text in test.inputs) == 206


def test_mails(cache):
    source = data.find("spam", "spamassassin")
    whole = source.load("all")
    assert whole.counts() == {"ham": 4110, "spam": 1805}
    assert len({distinct_key(text) for text in whole.inputs}) == 5915
