"""nnguide blueprint: what it prints, its JSON, its pictures and its statuses."""

import itertools
import json

import pytest

from nnguide import cli
from nnguide.blueprints import gradient_check

DEMOS = [
    "neuron",
    "trace",
    "activations",
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
        (["train", "--engine", "jax"], 2, "jax"),
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
    monkeypatch.delitem(sys.modules, "nnguide.blueprints.torch_net", raising=False)
    status, _, err = run("train", "--engine", "torch", "--out", tmp_path / "run")
    assert status == 6 and "nnguide[torch]" in err and not (tmp_path / "run").exists()
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
    status, out, err = run("train", "--data", "moons", "--out", tmp_path / "run")
    assert status == 0 and "right on held-out examples" in out and "epoch 100" in err
    status, out, _ = run("train", "--data", "xor", "--out", tmp_path / "x", "--epochs", 2, "--json")
    assert status == 0 and json.loads(out)["command"] == "blueprint train"


def test_filters_of_a_blueprint_run(run, tmp_path, monkeypatch):
    from nnguide.blueprints import problems

    find = problems.catalogue.find
    monkeypatch.setattr(problems.catalogue, "find", lambda task, _: find(task, "optdigits"))
    folder = tmp_path / "digits"
    assert run("train", "--data", "digits", "--epochs", 1, "--out", folder)[0] == 0
    status, out, _ = run("filters", folder, "--plot", tmp_path / "filters.png")
    assert status == 0 and len(out.splitlines()) == 29
    assert (tmp_path / "filters.png").stat().st_size > 10_000
