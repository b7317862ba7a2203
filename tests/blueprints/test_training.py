"""Problems, tables and runs of the blueprint networks."""

from pathlib import Path

import numpy as np
import pytest

from nnguide.blueprints import problems, saved, tables, training
from nnguide.errors import ConfigError, InputError, RunError


def table(tmp_path, rows, name="table.csv"):
    path = tmp_path / name
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def flowers(tmp_path):
    random = np.random.default_rng(0)
    rows = ["width,height,kind"]
    for i in range(90):
        centre = np.array([(0, 0), (300, 2), (600, 0)][i % 3])
        x = centre + random.normal(0, 0.2, 2)
        rows.append(f"{x[0]},{x[1]},{['iris', 'rose', 'tulip'][i % 3]}")
    return table(tmp_path, rows)


@pytest.mark.parametrize("data", ["xor", "moons", "circles", "spirals"])
def test_a_toy_is_learnt_saved_and_measured(data, tmp_path):
    metrics = training.train(data, out=tmp_path / "run")
    assert metrics["val_accuracy"] >= 0.97
    run = saved.Saved.open(tmp_path / "run")
    assert run.evaluate("validation")["accuracy"] == metrics["val_accuracy"]
    assert run.evaluate("test")["accuracy"] >= 0.97
    names = {"weights.npz", "config.json", "history.csv", "metrics.json", "curves.png"}
    assert names | {"boundary.png", "manifest.json"} == {p.name for p in run.folder.iterdir()}
    assert saved.is_blueprint(run.folder) and not saved.is_blueprint(tmp_path)


def test_a_regression(tmp_path):
    metrics = training.train("line", out=tmp_path / "run")
    assert metrics["val_accuracy"] is None
    run = saved.Saved.open(tmp_path / "run")
    assert run.evaluate()["r2"] > 0.98
    assert run.predict(np.array([[0.0]]))[0] == pytest.approx(1, abs=0.1)


def test_a_table(flowers, tmp_path):
    metrics = training.train(str(flowers), out=tmp_path / "run", settings={"epochs": 60})
    assert metrics["val_accuracy"] == 1
    run = saved.Saved.open(tmp_path / "run")
    assert run.labels == ("iris", "rose", "tulip") and run.features == ("width", "height")
    assert [a.label for a in run.predict(run.read(flowers))][:3] == ["iris", "rose", "tulip"]
    assert run.predict([run.parse("300,2")])[0].label == "rose"
    assert run.evaluate()["n"] == 18
    with pytest.raises(InputError, match="expected 2 numbers"):
        run.parse("1,2,3")
    with pytest.raises(InputError, match="expected 2 numbers"):
        run.parse("1,two")


def test_spam_counts_words(tmp_path, monkeypatch):
    texts = np.array(["Win a PRIZE now, call 123", "see you at six"] * 40, object)
    encoder = problems.fit_encoder(texts)
    assert "prize" in encoder.words and "123" in encoder.words and len(encoder.words) == 10
    np.testing.assert_allclose(encoder(texts).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(encoder(texts).std(axis=0), 1)


@pytest.mark.parametrize("data", ["spam", "digits"])
def test_built_in_sets_stand_in_and_are_remembered(data, tmp_path, monkeypatch):
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)
    name = {"spam": "spam_sample", "digits": "optdigits"}[data]
    find = problems.catalogue.find
    monkeypatch.setattr(problems.catalogue, "find", lambda task, dataset: find(task, name))
    metrics = training.train(data, out=tmp_path / "run", settings={"epochs": 5})
    assert metrics["dataset"] == name and metrics["val_accuracy"] > 0.6
    run = saved.Saved.open(tmp_path / "run")
    assert run.evaluate("validation")["accuracy"] == metrics["val_accuracy"]
    if data == "spam":
        assert run.predict(np.array([run.parse("win a prize")], object))[0].label in run.labels


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,2", "3,4"], "header"),
        (["a,b"] + ["1,0"] * 5, "10 rows"),
        (["a,b"] + ["1,0"] * 12, "2 to 100 classes"),
        (["a,b"] + ["1,0", "2,1"] * 6 + ["x,1"], "line 14, column a: expected a number; got 'x'"),
        (
            ["a,b"] + ["1,0", "2,1"] * 6 + [",1"],
            "line 14, column a: expected a number; got nothing",
        ),
        (["a,b"] + ["1,0", "2,1"] * 6 + ["1,"], "line 14, column b: the label is missing"),
        (["a,b"] + ["1,0", "2,1"] * 6 + ["1,2,3"], "line 14: expected 2 columns; got 3"),
        (["a,b"] + ["nan,0", "2,1"] * 6, "line 2, column a: expected a number"),
        (["a,a"] + ["1,0"] * 12, "different names"),
        ([], "empty"),
    ],
)
def test_a_wrong_table_is_refused(rows, message, tmp_path):
    with pytest.raises(InputError, match=message):
        tables.read_table(table(tmp_path, rows))


def test_a_table_of_values_is_a_regression(tmp_path):
    rows = ["price,size"] + [f"{2.5 * i + 0.1},{i}" for i in range(30)]
    read = tables.read_table(table(tmp_path, rows), "price")
    assert read.labels == () and read.features == ("size",)
    assert read.y[1] == pytest.approx(2.6)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ("mooons", {}, "--data is one of"),
        ("nowhere.csv", {}, "no file"),
        ("moons", {"label_column": "y"}, "for a table"),
        ("moons", {"engine": "jax"}, "the engine is one of"),
        ("moons", {"settings": {"units": 3}}, "no setting units"),
        ("moons", {"settings": {"loss": "categorical_crossentropy"}}, "goes with"),
        ("line", {"animation": "x.gif"}, "--animate"),
    ],
)
def test_wrong_use_is_refused_and_leaves_nothing(data, options, message, tmp_path):
    if "animation" in options:
        options = {"animation": Path(options["animation"])}
    with pytest.raises(ConfigError, match=message):
        training.train(data, out=tmp_path / "run", **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        training.train("moons", out=tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_changed_run_is_noticed(tmp_path):
    training.train("xor", out=tmp_path / "run", settings={"epochs": 2})
    (tmp_path / "run" / "weights.npz").write_bytes(b"other")
    with pytest.raises(RunError, match="does not match"):
        saved.Saved.open(tmp_path / "run")
    with pytest.raises(RunError, match="not a blueprint run"):
        saved.Saved.open(tmp_path)


def test_the_boundary_forming(tmp_path):
    from PIL import Image

    training.train(
        "xor", out=tmp_path / "run", settings={"epochs": 4}, animation=tmp_path / "xor.gif"
    )
    with Image.open(tmp_path / "xor.gif") as picture:
        assert picture.n_frames > 1
