"""What is prepared comes back the same, whole, part by part."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide.data import prepared, texts
from nnguide.data.examples import Examples
from nnguide.errors import DataError, WriteError

ANY_TEXT = st.text(st.characters(codec=None), max_size=20)


def _parts():
    random = np.random.default_rng(0)
    return {
        part: Examples(
            random.integers(0, 256, (n, 28, 28)).astype(np.uint8), np.arange(n) % 3, ("a", "b", "c")
        )
        for part, n in (("train", 6), ("test", 3))
    }


def test_pictures_come_back(tmp_path):
    parts = _parts()
    prepared.save(tmp_path / "set" / "official", parts, "set")
    for part, saved in parts.items():
        loaded = prepared.load(tmp_path / "set" / "official", part)
        np.testing.assert_array_equal(loaded.inputs, saved.inputs)
        np.testing.assert_array_equal(loaded.labels, saved.labels)
        assert loaded.label_names == ("a", "b", "c")
        assert (loaded.inputs.dtype, loaded.labels.dtype) == (np.uint8, np.int64)
    assert prepared.is_intact(tmp_path / "set" / "official")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["official"]


@settings(max_examples=30, deadline=None)
@given(messages=st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_any_text_comes_back(tmp_path_factory, messages):
    folder = tmp_path_factory.mktemp("cache") / "texts"
    messages = ["\ud800 \x85\u2028\r\n\0", *messages]
    saved = texts.examples([0] * len(messages), messages)
    prepared.save(folder, {"train": saved, "test": saved}, "texts")
    assert list(prepared.load(folder, "train").inputs) == messages


def test_a_part_opens_no_file_of_the_other(tmp_path):
    prepared.save(tmp_path / "set", _parts(), "set")
    for file in tmp_path.glob("set/test-*"):
        file.unlink()
    assert len(prepared.load(tmp_path / "set", "train")) == 6
    with pytest.raises(DataError, match="test-"):
        prepared.load(tmp_path / "set", "test")


def test_damage_is_found_and_mended(tmp_path):
    folder = tmp_path / "set"
    prepared.save(folder, _parts(), "set")
    file = folder / "train-inputs.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert not prepared.is_intact(folder)
    with pytest.raises(DataError, match="nnguide data prepare set"):
        prepared.load(folder, "train")
    prepared.save(folder, _parts(), "set")
    assert prepared.is_intact(folder)


def test_what_a_kill_leaves_is_no_prepared_set(tmp_path):
    half = tmp_path / "other.data.unfinished"
    half.mkdir()
    (half / "train.jsonl").write_text("{}")
    assert prepared.read_meta(tmp_path / "set") is None
    prepared.save(tmp_path / "set", _parts(), "set")
    assert not half.exists()


@pytest.mark.parametrize("meta", ["", "[]", "{", json.dumps({"format": prepared.FORMAT + 1})])
def test_another_format_is_not_prepared(tmp_path, meta):
    (tmp_path / "meta.json").write_text(meta)
    assert prepared.read_meta(tmp_path) is None
    with pytest.raises(DataError, match="nothing is prepared"):
        prepared.load(tmp_path, "train")


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "file"))
    with pytest.raises(WriteError, match="NNGUIDE_CACHE"), prepared.lock("set"):
        pass
