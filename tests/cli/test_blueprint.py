"""nnguide blueprint: what it prints, its JSON, its pictures and its statuses."""

import itertools
import json

import numpy as np
import pytest

from nnguide import cli
from nnguide.blueprints import gradient_check

DEMOS = [
    "neuron",
    "trace",
    "activations",
    "convolution",
    "losses",
    "linear",
    "rates",
    "batches",
    "schedules",
    "vanishing",
    "overfit",
    "scaling",
]
QUICK = {"batches": ["--epochs", "2"], "schedules": ["--epochs", "2"], "overfit": ["--epochs", "5"]}


@pytest.fixture
def run(capsys):
    """Run a command line in this process: (status, stdout, stderr)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main(["blueprint", *map(str, arguments)])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return run


@pytest.mark.parametrize("name", DEMOS)
def test_each_prints_and_draws(name, run, tmp_path):
    picture = tmp_path / f"{name}.png"
    status, out, err = run(name, "--plot", picture, *QUICK.get(name, []))
    assert status == 0 and out.strip() and str(picture) in err
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 10_000


@pytest.mark.parametrize("name", DEMOS)
def test_each_gives_its_numbers(name, run):
    status, out, _ = run(name, "--json", *QUICK.get(name, []))
    data = json.loads(out)
    assert status == 0 and data["schema"] == 1 and data["command"] == f"blueprint {name}"


def test_the_neuron_of_the_guide(run):
    status, out, _ = run(
        *[
            "neuron",
            "--inputs",
            "1,2",
            "--weights",
            ".5,-.3",
            "--bias",
            ".1",
            "--activation",
            "sigmoid",
        ],
        *["--target", "1", "--learning-rate", ".5"],
    )
    assert status == 0
    assert "∂L/∂W  = δ x" in out and out.count("[-0.125, -0.25]  -0.125") == 4


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["neuron", "--inputs", "1,a"], 4, "numbers between commas"),
        (["neuron", "--inputs", "1,2,3"], 4, "one weight for each input"),
        (["neuron", "--learning-rate", "0"], 2, "above 0"),
        (["neuron", "--activation", "gelu"], 2, "gelu"),
        (["trace", "--inputs", "1"], 4, "expected inputs"),
        (["rates", "--plot", "picture.txt"], 2, ".png"),
        (["vanishing", "--depth", "1"], 2, "--depth"),
        (["train", "--backend", "jax"], 2, "jax"),
        (["train", "--data", "moons", "--out", "run"], 2, "toy problem"),
        (["train", "--data", "none.csv"], 3, "no file"),
        (["convolution", "--kernel", "square"], 2, "the kernel is one of"),
        (["convolution", "--kernel", "1,2,3"], 4, "nine finite numbers"),
        (["train", "--data", "nothing"], 2, "--data is one of"),
        (["train", "--hidden", "a,b"], 2, "--hidden"),
        (["train", "--batch-size", "some"], 2, "--batch-size"),
        (["train", "--epochs", "0"], 2, "epochs"),
        (["filters", "nowhere"], 5, "nowhere"),
    ],
)
def test_wrong_use_has_a_message_and_a_status(
    arguments, status, message, run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ended, _, err = run(*arguments)
    assert ended == status and message in err and "Traceback" not in err


def test_a_missing_torch_is_status_6(run, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("torch_net", "pytorch"):
        monkeypatch.delitem(sys.modules, f"nnguide.blueprints.{name}", raising=False)
    status, _, err = run("train", "--backend", "torch")
    assert status == 6 and "nnguide[torch]" in err
    status, out, _ = run("neuron")
    assert status == 0 and "not installed" in out


def test_the_gradient_check(run, tmp_path, monkeypatch):
    rows = list(itertools.islice(gradient_check.table(), 2))
    monkeypatch.setattr(gradient_check, "table", lambda seed: iter(rows))
    status, out, _ = run("check", "--plot", tmp_path / "check.png")
    assert status == 0 and "agrees" in out
    rows[1] = {**rows[1], "agrees": False}
    status, out, err = run("check", "--json")
    assert status == 8 and json.loads(out)["agrees"] is False and "disagree" in err


def test_training_prints_its_figure(run, tmp_path):
    status, out, err = run("train", "--data", "moons", "--plot", tmp_path / "moons.png")
    assert status == 0 and "validation accuracy" in out and "epoch 100" in err
    assert (tmp_path / "moons.png").stat().st_size > 10_000
    status, out, _ = run("train", "--engine", "numpy", "--data", "xor", "--epochs", 2, "--json")
    assert status == 0 and json.loads(out)["command"] == "blueprint train"


def test_a_run_by_hand_is_for_every_command(nnguide, alone):
    """And its first layer shows strokes, not noise: weights without ink fade away."""
    made = nnguide("blueprint", "train", "--data", "digits", "--out", "by-hand")
    assert made.status == 0 and "by-hand: validation accuracy 9" in made.out, made.err
    shown = nnguide("blueprint", "filters", "by-hand", "--plot", "filters.png")
    rows = shown.out.splitlines()[1:]
    assert shown.status == 0 and len(rows) == 28
    assert (alone / "filters.png").stat().st_size > 10_000
    border = "".join([*rows[:2], *rows[-2:], *(row[:2] + row[-2:] for row in rows)])
    assert border.count(".") > 0.95 * len(border)
    assert sum(len(row) - row.count(".") for row in rows) > 20
    listed = nnguide("evaluate", "by-hand", "--json")
    assert listed.status == 0 and json.loads(listed.out)["accuracy"] > 0.93


def test_filters_of_a_convolution_are_its_kernels(nnguide, trained):
    from nnguide.blueprints.experiments import first_layer

    shown = nnguide("blueprint", "filters", trained("digits").folder, "--json")
    assert shown.status == 0
    folded = np.arange(3 * 3 * 4 * 2, dtype=float).reshape(3, 3, 4, 2)

    class Opened:
        task = type("Task", (), {"name": "digits"})
        model = type("Model", (), {"trainable_variables": [Kernel(folded)]})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnguide.runs.load", lambda run: Opened)
        W = first_layer.weights_of("digits")
    assert W.shape == (6, 6, 1, 2)
    assert W[2 * 1 + 1, 2 * 2 + 0, 0, 1] == folded[1, 2, 2 * 1 + 0, 1]


class Kernel:
    """A variable of that name."""

    name = "kernel"

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values
