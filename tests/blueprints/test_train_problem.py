"""Problems, tables, and the ordinary runs that networks by hand become."""

import json
from pathlib import Path

import numpy as np
import pytest

from nnguide import explain, logs, runs
from nnguide.blueprints import problems, save_run, train_problem
from nnguide.blueprints.backends import build
from nnguide.blueprints.settings import Settings
from nnguide.data import number_tables
from nnguide.errors import ConfigError, DataError, InputError, RunError
from nnguide.evaluation.evaluate import evaluate

BUILT_IN = {"spam": "spam_sample", "digits": "optdigits"}


def table(tmp_path, rows, name="table.csv"):
    path = tmp_path / name
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def built_in(tmp_path, monkeypatch):
    """Only the sets that come with nnguide."""
    monkeypatch.setenv("NNGUIDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NNGUIDE_OFFLINE", "1")
    monkeypatch.delenv("NNGUIDE_DATA_DIR", raising=False)


def flowers(tmp_path, kinds=("iris", "rose", "tulip")):
    random = np.random.default_rng(0)
    rows = ["width,height,kind"]
    for i in range(30 * len(kinds)):
        centre = np.array([(0, 0), (300, 2), (600, 0)][i % len(kinds)])
        x = centre + random.normal(0, 0.2, 2)
        rows.append(f"{x[0]},{x[1]},{kinds[i % len(kinds)]}")
    return table(tmp_path, rows)


@pytest.mark.parametrize("data", ["xor", "moons", "circles", "spirals"])
def test_a_toy_is_learned_and_drawn_and_nothing_else_is_saved(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    metrics = train_problem.train(data, plot=tmp_path / "plot.png")
    assert metrics["val_accuracy"] >= 0.97 and metrics["run"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


def test_a_toy_is_no_run(tmp_path):
    with pytest.raises(ConfigError, match=r"toy problem.*--plot moons\.png"):
        train_problem.train("moons", out=tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_regression_is_measured_and_drawn(tmp_path):
    metrics = train_problem.train("line", plot=tmp_path / "line.png")
    assert metrics["val_accuracy"] is None and metrics["val_loss"] < 0.02
    rows = ["size,price"] + [f"{i},{2.5 * i + 0.1}" for i in range(60)]
    path = table(tmp_path, rows)
    assert train_problem.train(str(path))["val_loss"] < 100
    with pytest.raises(ConfigError, match="a run answers with labels"):
        train_problem.train(str(path), out=tmp_path / "run")


@pytest.mark.parametrize(
    ("data", "backend"), [("spam", "numpy"), ("digits", "torch"), ("digits", "keras")]
)
def test_the_run_is_ordinary_and_holds_the_same_weights(data, backend, tmp_path, built_in):
    if backend == "torch":
        pytest.importorskip("torch")
    lines = []
    settings = {"epochs": 2, "activation": "leaky_relu", "hidden": (12, 6), "l2": 0.0}
    with logs.shown_by(lines.append):
        metrics = train_problem.train(data, backend, out=tmp_path / "run", settings=settings)
    assert metrics["dataset"] == BUILT_IN[data] and metrics["dataset_is_fallback"]
    assert any(BUILT_IN[data] in line for line in lines)
    run = runs.load(tmp_path / "run")
    assert run.task.name == data and run.metrics["backend"] == backend
    assert run.metrics["val_accuracy"] == pytest.approx(metrics["val_accuracy"], abs=0.01)
    assert run.metrics["val_loss"] == pytest.approx(metrics["val_loss"], abs=0.02)
    assert evaluate(run, split="validation")["accuracy"] == run.metrics["val_accuracy"]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid", "linear"])
@pytest.mark.parametrize("data", ["spam", "digits", "table"])
def test_the_twin_answers_as_the_network_by_hand(data, activation, tmp_path, built_in):
    from nnguide.models.saving import outputs

    problem = problems.load(str(flowers(tmp_path)) if data == "table" else data)
    asked = train_problem.settings_for(problem, {"activation": activation, "hidden": (7, 5)})
    network = build("numpy", problem.X.shape[1], problem.outputs, asked)
    network.set_weights([w + 0.05 for w in network.get_weights()])
    config = save_run.configuration(problem.origin, asked)
    raw = problem.origin.validation.inputs[:20]
    answered = outputs(save_run.keras_twin(problem.origin, network, config), raw)
    np.testing.assert_allclose(answered, network.predict(problem.encode(raw)), atol=1e-5)


def test_a_table_with_labels_is_a_run_for_every_command(tmp_path, built_in):
    path = flowers(tmp_path)
    metrics = train_problem.train(str(path), out=tmp_path / "run", settings={"epochs": 60})
    assert metrics["val_accuracy"] == 1 and metrics["task"] == "table"
    run = runs.load(tmp_path / "run")
    assert run.labels == ("iris", "rose", "tulip") and run.features == ("width", "height")
    assert [a.label for a in run.predict([[0, 0], [300, 2], [600, 0]])] == list(run.labels)
    assert evaluate(run)["n"] == 18 and evaluate(run)["accuracy"] == 1
    why = explain.explain(run, [300.0, 2.0], "integrated")
    assert why.label == "rose" and [part.name for part in why.weights] == ["width", "height"]
    assert why.checks["complete"]
    for wrong in ([1, 2, 3], [1, np.nan], ["a", "b"], [[1, 2], [3]]):
        with pytest.raises(InputError):
            run.predict(wrong)


def test_columns_in_another_order_are_the_same_columns(tmp_path, built_in):
    train_problem.train(str(flowers(tmp_path)), out=tmp_path / "run", settings={"epochs": 60})
    run = runs.load(tmp_path / "run")
    turned = ["kind,height,extra,width", "rose,2,9,300", "iris,0,9,0", "tulip,0,9,600"] * 4
    turned = [turned[0], *[row for row in turned if not row.startswith("kind")]]
    other = table(tmp_path, turned, "other.csv")
    assert evaluate(run, str(other), label_column="kind")["accuracy"] == 1
    lacking = table(tmp_path, ["width,kind", *["300,rose", "0,iris"] * 6], "lacking.csv")
    with pytest.raises(InputError, match="it has no height"):
        evaluate(run, str(lacking))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,2", "3,4"], "header"),
        (["a,b"] + ["1,0"] * 5, "10 rows"),
        (["a,b"] + ["1,0"] * 12, "2 to 100 classes"),
        (["a,b"] + ["nan,0", "x,1"] * 6, "12 of the 12 rows"),
        (["a,b"] + ["nan,0", "2,1"] * 6, "10 rows"),
        (["a,a"] + ["1,0"] * 12, "different names"),
        ([], "empty"),
    ],
)
def test_a_wrong_table_is_refused(rows, message, tmp_path):
    with pytest.raises(InputError, match=message):
        number_tables.read_table(table(tmp_path, rows))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,1", "column a: expected a number; got 'x'"),
        (",1", "column a: expected a number; got nothing"),
        ("inf,1", "column a: expected a number; got 'inf'"),
        ("1,", "column b: the label is missing"),
        ("1,2,3", "expected 2 fields as in the first line; got 3"),
    ],
)
def test_a_wrong_row_costs_no_other(row, message, tmp_path):
    good = ["a,b"] + ["1,0", "2,1"] * 6
    whole = number_tables.read_table(table(tmp_path, good))
    found = number_tables.read_table(table(tmp_path, [*good[:6], row, *good[6:]]))
    assert (found.inputs == whole.inputs).all() and (found.y == whole.y).all()
    (left_out,) = found.left_out
    assert left_out.name == "line 7" and message in left_out.reason


def test_a_table_of_values_is_a_regression(tmp_path):
    rows = ["price,size"] + [f"{2.5 * i + 0.1},{i}" for i in range(30)]
    path = table(tmp_path, rows)
    read = number_tables.read_table(path, "price")
    assert read.labels == () and read.features == ("size",)
    assert read.y[1] == pytest.approx(2.6)
    with pytest.raises(InputError, match="values, not labels"):
        number_tables.read(path, "train", label_column="price")


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ("mooons", {}, "--data is one of"),
        ("moons", {"label_column": "y"}, "for a table"),
        ("moons", {"backend": "jax"}, "the backend is one of"),
        ("moons", {"settings": {"units": 3}}, "no setting units"),
        ("moons", {"settings": {"loss": "categorical_crossentropy"}}, "goes with"),
        ("moons", {"plot": Path("x.txt")}, "ends in .png"),
        ("line", {"animation": Path("x.gif")}, "--animate"),
    ],
)
def test_wrong_use_is_refused_and_leaves_nothing(data, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        train_problem.train(data, **options)
    assert not list(tmp_path.iterdir())


def test_a_missing_table_is_data_not_available(tmp_path):
    with pytest.raises(DataError, match="no file"):
        train_problem.train(str(tmp_path / "nowhere.csv"))


def test_a_folder_in_use_is_left_alone(tmp_path, built_in):
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        train_problem.train("digits", out=folder)
    assert (folder / "mine").read_text() == "mine"


def test_a_training_that_fails_leaves_no_folder(tmp_path, built_in):
    from nnguide.errors import WorkError

    with pytest.raises(WorkError):
        train_problem.train(
            "digits",
            out=tmp_path / "run",
            settings={"optimizer": "sgd", "learning_rate": 1e30, "l2": 1.0, "epochs": 2},
        )
    assert not (tmp_path / "run").exists() and not (tmp_path / "run.unfinished").exists()


def test_a_run_of_the_old_format_is_refused_with_what_to_type(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"")
    manifest = {"schema": 1, "task": "blueprint", "files": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="nnguide blueprint train --data"):
        runs.load(tmp_path)


def test_the_boundary_forming(tmp_path):
    from PIL import Image

    train_problem.train("xor", settings={"epochs": 4}, animation=tmp_path / "xor.gif")
    with Image.open(tmp_path / "xor.gif") as picture:
        assert picture.n_frames > 1


def test_the_configuration_trains_the_same_network_in_keras(tmp_path, built_in):
    from nnguide.training.train import train

    train_problem.train("digits", out=tmp_path / "a", settings={"epochs": 1, "hidden": (9,)})
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    run = train("digits", config=config, out=tmp_path / "b")
    shapes = [w.shape for w in run.model.trainable_variables]
    assert shapes == [w.shape for w in runs.load(tmp_path / "a").model.trainable_variables]


def test_settings_suit_their_problem():
    assert train_problem.settings_for(problems.load("xor"), {}).output == "sigmoid"
    assert train_problem.settings_for(problems.load("line"), {}).loss == "mse"
    assert isinstance(train_problem.settings_for(problems.load("xor"), {}), Settings)
