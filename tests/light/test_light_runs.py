"""The light form as a part of a run: written, verified, copied, chosen, and done without."""

from __future__ import annotations

import gzip
import json
import logging
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from PIL import Image

from nnguide import cli
from nnguide.errors import ExtraError, RunError, WorkError
from nnguide.evaluation import validation_scores
from nnguide.files import sha256, write_json
from nnguide.inference import light, litert
from nnguide.inference.light import LightModel
from nnguide.models import light_form as writing
from nnguide.models.saving import load, outputs, save
from nnguide.runs import MANIFEST, Run
from nnguide.training.train import train

RAW = {"spam": ["WIN a free prize, call now", "See you at six"], "digits": np.eye(28) * 255}


@pytest.fixture(params=RAW)
def run(request: Any, trained: Callable[[str], Run], tmp_path: Path) -> Run:
    """A run that a test may harm."""
    folder = tmp_path / request.param
    shutil.copytree(trained(request.param).folder, folder)
    return Run.open(folder)


def without_light(run: Run) -> Run:
    """The same run as a training leaves it whose network has no light form."""
    for name in light.FILES:
        (run.folder / name).unlink()
        run.manifest["files"].pop(name)
    write_json(run.folder / MANIFEST, run.manifest)
    return Run.open(run.folder)


def test_a_training_writes_it(run: Run) -> None:
    for name in light.FILES:
        assert run.manifest["files"][name] == sha256(run.folder / name)
    assert run.engine == "light"
    assert run.predict(RAW[run.task.name])
    assert "model" not in vars(run)  # the Keras model was not loaded


@pytest.mark.parametrize("name", light.FILES)
@pytest.mark.parametrize("harm", ["changed", "cut", "missing"])
def test_a_damaged_one_is_refused(run: Run, name: str, harm: str) -> None:
    path = run.folder / name
    content = path.read_bytes()
    path.unlink()
    if harm == "changed":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match=name):
        Run.open(run.folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (light.NETWORK, b""),
        (light.NETWORK, b"no flatbuffer at all"),
        (light.SETTINGS, b"{"),
        (light.SETTINGS, b"[]"),
        (light.SETTINGS, b'{"schema": 99}'),
        (light.SETTINGS, b'{"schema": 1}'),
        (light.SETTINGS, b'{"schema": 1, "preprocessing": {"kind": "pixels", "mean": "1"}}'),
        (light.SETTINGS, b'{"schema": 1, "preprocessing": {"kind": "tokens", "tokeniser": {}}}'),
    ],
)
def test_files_that_are_none_are_refused(run: Run, name: str, content: bytes) -> None:
    (run.folder / name).write_bytes(content)
    with pytest.raises(RunError):
        LightModel(run.folder)


@pytest.mark.parametrize(
    "batch", [np.full((2, 64), 2**30, np.int32), np.zeros((1, 3, 3, 7), np.float32)]
)
def test_a_network_refuses_what_it_was_not_made_for(run: Run, batch: np.ndarray) -> None:
    with pytest.raises(RunError, match=f"{light.NETWORK} does not fit"):
        run.light.network(batch)
    run.light.network(next(run.light.front(run.check(RAW[run.task.name])))[1])


def test_a_run_without_one_answers_through_keras(run: Run) -> None:
    wanted = run.predict(RAW[run.task.name], "keras")
    run = without_light(run)
    assert run.engine == "keras"
    assert run.predict(RAW[run.task.name]) == wanted
    with pytest.raises(RunError, match=r"no light form.*--engine keras"):
        run.predict(RAW[run.task.name], "light")


class Heard(logging.Handler):
    """The messages of a logger, whatever other tests left it with."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def test_a_platform_without_runtime_says_so_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    heard, log = Heard(), logging.getLogger("nnguide.runs")
    monkeypatch.setattr(log, "handlers", [heard])
    assert run.engine == "keras"
    assert run.engine == "keras"
    assert heard.messages == ["this platform has no light runtime (ai-edge-litert): using Keras"]
    with pytest.raises(ExtraError, match="pip install ai-edge-litert"):
        run.predict(RAW[run.task.name], "light")


def test_one_that_disagrees_is_not_kept(
    trained: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, given = trained("digits"), tiny.examples("digits", 20).inputs
    monkeypatch.setattr(writing, "TOLERANCE", -1.0)
    with pytest.raises(WorkError, match="apart in their probabilities"):
        writing.write(run.model, tmp_path, given)
    assert not list(tmp_path.iterdir())


def test_a_network_that_litert_lacks_is_a_clear_error(
    tf: Any, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import keras

    given = keras.Input((4,), name="given")
    outside = keras.layers.Lambda(lambda x: tf.raw_ops.Betainc(a=x, b=x, x=x))
    with pytest.raises(WorkError, match=r"cannot be converted to LiteRT .*Betainc"):
        writing.convert(keras.Model(given, outside(given)), tmp_path)
    assert "Betainc" not in capfd.readouterr().err


def test_rounded_embeddings_make_small_files_and_answer_alike(tmp_path: Path) -> None:
    given = tiny.examples("spam", 120)
    settings = ("tokens.buckets=8000", "train.epochs=1")
    sizes = {}
    for rounded in ("false", "true"):
        config = tiny.config("spam", *settings, f"model.eight_bits={rounded}")
        model = tiny.fitted("spam", config, given).model
        folder = tmp_path / rounded
        folder.mkdir()
        writing.write(model, folder, given.inputs)
        save(model, folder / "model.keras")
        np.testing.assert_allclose(
            LightModel(folder).outputs(given.inputs), outputs(model, given.inputs), atol=1e-4
        )
        np.testing.assert_array_equal(
            outputs(load(folder / "model.keras"), given.inputs), outputs(model, given.inputs)
        )
        sizes[rounded] = {path.name: path.stat().st_size for path in folder.iterdir()}
    for name in (light.NETWORK, "model.keras"):
        assert sizes["true"][name] < sizes["false"][name] / 2
    assert sizes["true"][light.SETTINGS] == sizes["false"][light.SETTINGS]


def test_a_packed_network_is_read_whole_or_refused(run: Run, tmp_path: Path) -> None:
    path = run.folder / light.NETWORK
    network = litert.content(path)
    path.write_bytes(gzip.compress(network))
    assert litert.content(path) == network
    wanted = run.predict(RAW[run.task.name])
    assert LightModel(run.folder).outputs(run.check(RAW[run.task.name])).shape[0] == len(wanted)
    whole = path.read_bytes()
    for harmed in (whole[:-1], whole[: len(whole) // 2], litert.GZIP, whole[:20] + b"?" * 40):
        path.write_bytes(harmed)
        with pytest.raises(RunError, match=f"{light.NETWORK} cannot be unpacked"):
            LightModel(run.folder)


def test_a_packed_network_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert, "MOST_BYTES", 1 << 20)
    path = tmp_path / light.NETWORK
    path.write_bytes(gzip.compress(bytes(1 << 24)))
    tracemalloc.start()
    with pytest.raises(RunError, match="above 1,048,576 bytes"):
        litert.content(path)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_only_what_is_halved_is_packed() -> None:
    random = np.random.default_rng(0).bytes(10_000)
    assert litert.packed(random) == random
    packed = litert.packed(bytes(10_000))
    assert packed == litert.packed(bytes(10_000))  # no time in it
    assert gzip.decompress(packed) == bytes(10_000)


def test_the_calibration_is_inside(calibrated: Run) -> None:
    assert calibrated.decision_file["calibration"]["scale"] != 1
    given = tiny.examples("spam", 100).inputs
    np.testing.assert_allclose(
        calibrated.outputs(given, "light"), calibrated.outputs(given, "keras"), atol=1e-4, rtol=0
    )


def test_a_new_threshold_takes_it_along(calibrated: Run, tmp_path: Path) -> None:
    strict, _ = validation_scores.set_threshold(calibrated, 0.05, tmp_path / "strict")
    assert strict.threshold != calibrated.threshold
    assert strict.engine == "light"
    for name in light.FILES:
        assert (strict.folder / name).read_bytes() == (calibrated.folder / name).read_bytes()
    probabilities = [answer.probability for answer in strict.predict(RAW["spam"])]
    assert probabilities == [answer.probability for answer in calibrated.predict(RAW["spam"])]


def test_a_training_whose_network_has_none_is_a_whole_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(writing, "TOLERANCE", -1.0)
    words = (*tiny.words("spam"), "data.dataset=spam_sample", "train.epochs=1")
    said: list[str] = []
    made = train("spam", settings=words, out=tmp_path / "spam", say=said.append)
    assert made.engine == "keras"
    assert not set(light.FILES) & {path.name for path in made.folder.iterdir()}
    assert [line for line in said if line.startswith("warning") and "will use Keras" in line]


PROCESS = """
import re, sys
from nnguide.cli import main
try:
    main(sys.argv[1:])
finally:
    heavy = "tensorflow keras sklearn matplotlib torch scipy ml_dtypes tensorflow_datasets h5py"
    heavy += " numpy.ma"  # 20 ms
    print(*sorted(set(heavy.split()) & set(sys.modules)), file=sys.stderr)
    status = open("/proc/self/status").read()  # getrusage counts the parent's memory too
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024, file=sys.stderr)
"""


def process(*arguments: str, given: str = "") -> tuple[list[str], list[str], float]:
    """Lines of stdout, heavy modules and peak memory in MB of `nnguide` in a new process."""
    ended = subprocess.run(
        [sys.executable, "-c", PROCESS, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    modules, memory = ended.stderr.splitlines()[-2:]
    return ended.stdout.splitlines(), modules.split(), float(memory)


def test_predict_imports_no_framework(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = "WIN a free prize"
    if run.task.inputs == "pictures":
        one = str(tmp_path / "one.png")
        grey = np.full((40, 40), 255, np.uint8)
        grey[5:35, 18:22] = 0
        Image.fromarray(grey).save(one)
    lines, modules, memory = process("predict", str(run.folder), one)
    assert len(lines) == 1
    assert modules == []
    assert memory < 120
    with pytest.raises(SystemExit, match="0"):
        cli.main(["predict", str(run.folder), one, "--engine", "keras"])
    by_keras = capsys.readouterr().out.splitlines()
    light_label, light_probability, _ = lines[0].split("\t")
    keras_label, keras_probability, _ = by_keras[0].split("\t")
    assert light_label == keras_label
    assert abs(float(light_probability) - float(keras_probability)) <= 1.1e-4


def test_a_stream_is_answered_in_constant_memory(trained: Callable[[str], Run]) -> None:
    folder = str(trained("spam").folder)
    messages = [f"message {number} " + "win a prize " * (number % 9) for number in range(12_000)]
    _, _, few = process("predict", folder, "-", given="\n".join(messages[:2000]))
    lines, _, many = process("predict", folder, "-", "--json", given="\n".join(messages))
    assert [json.loads(line)["input"] for line in lines] == messages
    assert many < few + 8
