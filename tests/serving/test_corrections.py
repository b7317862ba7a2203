"""Corrections: kept where the operator asked for it, read as data, learned from."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
import tiny
from numpy_models import HalfPlus, Shelf, Start
from PIL import Image, ImageDraw
from starlette.testclient import TestClient

from nnguide import data, runs
from nnguide.data import corrections
from nnguide.errors import ConfigError, InputError, WriteError
from nnguide.runs import Run
from nnguide.serving import app
from nnguide.serving.servable import RunServable
from nnguide.serving.server import Serving

LABELS = tuple("0123456789")


def drawn(slant: int = 0) -> bytes:
    """A picture file of a seven."""
    picture = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(picture).line(
        [(80, 50), (200, 50), (140 - slant, 240)], fill=0, width=20, joint="curve"
    )
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def client(start: Start, tmp_path: Path) -> TestClient:
    """A client of a server that keeps corrections in tmp_path/kept."""
    serving = start(digits=Shelf(v1=RunServable(runs.shipped("digits")))).serving
    serving.corrected = tmp_path / "kept"
    serving.open([])
    made = app.create(
        *(serving.models, serving.bounds, serving.metrics, serving.decoders),
        corrected=tmp_path / "kept",
    )
    return TestClient(made, base_url="http://localhost")


def test_without_the_operators_word_nothing_is_kept(start: Start):
    server = start(half=HalfPlus()).client
    assert server.get("/page/models").json()["corrects"] is False
    assert server.post("/page/correction?label=7", content=drawn()).status_code == 404


def test_a_correction_is_kept_and_read_as_data(client: TestClient, tmp_path: Path):
    assert client.get("/page/models").json()["corrects"] is True
    answer = client.post("/page/correction?label=1", content=drawn())
    assert (answer.status_code, answer.json()["label"]) == (200, "1")
    answer = client.post("/page/correction?label=7", content=drawn())  # a second thought
    client.post("/page/correction?label=7", content=drawn(30))
    kept = sorted(path.relative_to(tmp_path / "kept") for path in tmp_path.glob("kept/*/*"))
    assert [path.parent.name for path in kept] == ["7", "7"]
    seen = client.post("/page/picture", content=drawn()).json()["image"]
    found = data.find("digits", str(tmp_path / "kept")).load("train")
    assert found.label_names == LABELS
    assert found.labels.tolist() == [7, 7]
    assert any((picture == np.array(seen)).all() for picture in found.inputs)
    with pytest.raises(InputError, match="it has no test set"):
        data.find("digits", str(tmp_path / "kept")).load("test")


@pytest.mark.parametrize("label", ["", "10", "..", "../7", "/etc", "7/", "none", "\u0667"])
def test_a_label_that_the_model_lacks_is_refused(client: TestClient, tmp_path: Path, label: str):
    answer = client.post("/page/correction", params={"label": label}, content=drawn())
    assert (answer.status_code, "expected one of the labels" in answer.text) == (400, True)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["corrections.json"]


def test_what_is_no_picture_is_not_kept(client: TestClient, tmp_path: Path):
    assert client.post("/page/correction?label=7", content=b"no picture").status_code == 400
    assert client.get("/page/correction?label=7").status_code == 405
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["corrections.json"]


def test_the_folder_is_bounded(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(corrections, "MOST", 1)
    assert client.post("/page/correction?label=7", content=drawn()).status_code == 200
    assert client.post("/page/correction?label=1", content=drawn()).status_code == 200
    assert client.post("/page/correction?label=7", content=drawn(30)).status_code == 507


def test_folders_that_are_not_for_this_model(tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    with pytest.raises(ConfigError, match="something else than corrections"):
        corrections.prepare(tmp_path / "full", LABELS)
    corrections.prepare(tmp_path / "new", LABELS)
    corrections.prepare(tmp_path / "new", LABELS)
    with pytest.raises(ConfigError, match="a model with the labels"):
        corrections.prepare(tmp_path / "new", ("a", "b"))
    with pytest.raises(ConfigError, match=r"cannot be '\.\./a'"):
        corrections.prepare(tmp_path / "other", ("../a", "b"))
    (tmp_path / "file").touch()
    with pytest.raises(WriteError):
        corrections.prepare(tmp_path / "file" / "inside", LABELS)
    (tmp_path / "new" / "corrections.json").write_text("[]")
    with pytest.raises(InputError, match="damaged"):
        corrections.labels_of(tmp_path / "new")
    serving = Serving(corrected=tmp_path / "more")
    with pytest.raises(ConfigError, match="--corrections takes those of pictures"):
        serving.open([str(runs.shipped("spam"))])


def test_a_run_learns_from_corrections_beside_its_own_data(trained, tmp_path, monkeypatch):
    import keras

    from nnguide.training import rehearsal
    from nnguide.training.train import train

    class Trained(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            self.weights = self.model.get_layer("logits").get_weights()

    folder = tmp_path / "corrections"
    corrections.prepare(folder, trained("digits").labels)
    before = trained("digits")
    with pytest.raises(InputError, match="no corrections yet"):
        train("digits", settings=[f"data.dataset={folder}", f"train.start_from={before.folder}"])
    corrections.save(folder, "7", np.array(tiny.examples("digits", 20).inputs[0]))
    with pytest.raises(ConfigError, match="say which"):
        train("digits", settings=[f"data.dataset={folder}"], out=tmp_path / "no")
    assert not (tmp_path / "no").exists()
    monkeypatch.setattr(rehearsal, "REHEARSED", 300)
    said: list[str] = []
    words = [f"data.dataset={folder}", f"train.start_from={before.folder}", "train.epochs=1"]
    found = Trained()
    run = train("digits", settings=words, out=tmp_path / "run", say=said.append, callbacks=[found])
    assert run.labels == before.labels
    old, new = (one.model.get_layer("core").get_layer("logits") for one in (before, run))
    for mean, mine, theirs in zip(new.get_weights(), found.weights, old.get_weights(), strict=True):
        np.testing.assert_allclose(mean, (mine + theirs) / 2, atol=1e-6)
        assert np.abs(mine - theirs).max() > 0
    assert any(re.match(r"1 corrections, \d+ times each, beside 2\d\d examples", s) for s in said)
    assert run.config.train.learning_rate < before.config.train.learning_rate
    assert Run.open(run.folder).predict(np.zeros((1, 28, 28)))[0].label in LABELS


def test_all_epochs_on_corrections_count():
    """The validation set has no picture of the writer's: its best epoch may be the first."""
    from nnguide.training import rehearsal
    from nnguide.training.configure import configure

    config = configure("digits", settings=[])
    assert config.train.restore_best
    assert not rehearsal.gentle(config, set()).train.restore_best
    assert rehearsal.gentle(config, {"train.restore_best"}).train.restore_best


def test_saved_pictures_are_read_as_they_are_and_others_as_any(tmp_path: Path):
    """A picture in MNIST's form would be framed a second time, and be another."""
    corrections.prepare(tmp_path, LABELS)
    pictures = [
        np.roll(np.array(picture), 2, axis=1) for picture in tiny.examples("digits", 6).inputs[:6]
    ]
    for label, picture in enumerate(pictures):
        corrections.save(tmp_path, str(label), picture)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "mine.png").write_bytes(drawn())
    found = data.find("digits", str(tmp_path)).load("train")
    assert found.labels.tolist() == [0, 1, 2, 3, 4, 5, 7]
    np.testing.assert_array_equal(found.inputs[:6], pictures)
    assert found.inputs[6].max() == 255


def test_what_was_known_is_learned_as_the_run_answers(trained, tmp_path, monkeypatch):
    """The loss sees the run's own answers, to the pictures as they were before the hand's."""
    from nnguide.training import rehearsal, starting
    from nnguide.training.configure import configure

    monkeypatch.setattr(rehearsal, "REHEARSED", 100)
    before = trained("digits")
    corrected = tiny.examples("digits", 3)
    words = [f"train.start_from={before.folder}", "train.label_smoothing=0.1"]
    config = configure("digits", settings=words)
    training, validation, taught = rehearsal.sets(config, corrected)
    known = len(taught.usual)
    assert known + len(validation) == 100 and known == pytest.approx(90, abs=3)
    loss_sees = 0.9 * taught.targets + 0.1 / 10
    np.testing.assert_allclose(loss_sees.sum(axis=1), 1, atol=1e-5)
    assert (taught.targets[known:] == np.eye(10)[training.labels[known:]]).all()
    calibrated = starting.network(before).predict(np.asarray(taught.usual), verbose=0)
    right = calibrated.argmax(axis=1) == training.labels[:known]
    assert (loss_sees[:known][right].argmax(axis=1) == training.labels[:known][right]).all()
    written = (np.asarray(training.inputs[:known]) != taught.usual).any(axis=(1, 2))
    assert 0.25 < written.mean() < 0.75
