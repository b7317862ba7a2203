"""The network alone: ONNX Runtime or LiteRT, and the NumPy package beside it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny

from nnguide import runs
from nnguide.export import numpy_package, verify
from nnguide.inference.decision import Decision
from nnguide.runs import Run

Exported = Callable[[str, str], Path]
FORMS = [pytest.param("onnx", id="onnx"), pytest.param("litert", id="litert")]
RUN = {
    "onnx": """
import onnxruntime
session = onnxruntime.InferenceSession(folder + "/model.onnx")
name = session.get_inputs()[0].name
network = lambda batch: session.run(None, {name: batch})[0]
""",
    "litert": """
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(folder + "/model.tflite")
(given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
def network(batch):
    interpreter.resize_tensor_input(given["index"], batch.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], batch)
    interpreter.invoke()
    return interpreter.get_tensor(answer["index"])
""",
}
ALONE = """
import json, sys
folder, raw = sys.argv[1], json.load(open(sys.argv[2]))
sys.path.insert(0, folder)
{run}
from front import Front
front = Front(folder)
print(json.dumps(front.answers(front.outputs(raw, network))))
heavy = {{name.partition(".")[0] for name in sys.modules}} & {{"tensorflow", "keras", "nnguide"}}
assert not heavy, heavy
"""


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> None:
    if "onnx" in request.node.name:
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("task", ["digits", "spam"])
def test_a_program_without_tensorflow_answers_as_the_run(
    exported: Exported, trained: Callable[[str], Run], tmp_path: Path, task: str, form: str
) -> None:
    raw = tiny.examples(task, 30).inputs.tolist()
    (tmp_path / "given.json").write_text(json.dumps(raw))
    source = ALONE.format(run=RUN[form])
    command = [sys.executable, "-I", "-c", source, str(exported(task, form)), "given.json"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    wanted = trained(task).predict(np.array(raw) if task == "digits" else raw, "keras")
    for (label, probability), answer in zip(json.loads(ended.stdout), wanted, strict=True):
        assert probability == pytest.approx(answer.probability, abs=1e-4)
        assert label == answer.label


HARD = [
    "",
    "one",
    "١٢٣ call ४५६7 and ７８９, ½ 5️⃣ 👩\u200d👧",
    "Subject line 12\r\n\r\nbody 3'4\r\n",
    "12 word " * 10_000,
]


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("saved_model", marks=pytest.mark.slow),
        pytest.param("onnx", id="onnx", marks=pytest.mark.slow),
        pytest.param("litert", id="litert"),
    ],
)
def test_a_network_that_reads_numbers_and_the_opening_is_exported(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The export itself compares ids and probabilities with the run's, and refuses others."""
    from nnguide.export import samples
    from nnguide.export.publish import export

    run = runs.Run.open(runs.shipped("spam", ["mail"]))
    known = run.config.to_dict()
    assert known["model"]["apart"] and known["tokens"]["numbers"] and known["tokens"]["opening"]
    monkeypatch.setattr(samples, "texts", lambda count: [*HARD, *tiny.examples("spam", 20).inputs])
    made = export(run, form, tmp_path)
    checked = json.loads((made.folder / "manifest.json").read_text())["checked"]
    assert checked["text"]["n"] >= len(HARD) + 20


def test_the_package_beside_a_network_imports_nothing_of_nnguide(exported: Exported) -> None:
    """It is nnguide's own files, as they are, beside an __init__.py."""
    front = exported("digits", "litert") / "front"
    files = {path.relative_to(front).as_posix(): path for path in front.rglob("*.*")}
    files = {name: path for name, path in files.items() if path.suffix != ".pyc"}
    assert files.keys() == {"__init__.py", *numpy_package.COPIED}
    for name in numpy_package.COPIED:
        assert files[name].read_bytes() == (numpy_package.PACKAGE / name).read_bytes()
    for path in front.rglob("*.py"):
        assert not re.search(r"^\s*(from|import) nnguide", path.read_text(), re.MULTILINE), path


def test_it_reads_picture_files_too(exported: Exported) -> None:
    folder, picture = exported("digits", "litert"), Path(__file__).parents[2] / "docs/digit.png"
    source = (
        "import sys; sys.path.insert(0, sys.argv[1]); from front import Front; "
        "print([b.shape for _, b in Front(sys.argv[1]).batches([sys.argv[2]])])"
    )
    command = [sys.executable, "-I", "-c", source, str(folder), str(picture)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.stdout.strip() == "[(1, 28, 28, 1)]", ended.stderr


def test_a_refused_digit_counts_by_its_most_probable_label() -> None:
    """As in an evaluation."""
    decision = Decision(tuple("0123456789"), refuse_below=1.0)
    rows = np.eye(10, dtype=np.float32)[[7, 3, 3]] * 0.5 + 0.05
    answers = {"image.probabilities": rows, "image.label": np.array(["none"] * 3)}
    found = verify.right(decision, answers, "image", np.array([7, 3, 4]))
    assert found == pytest.approx(2 / 3)


@pytest.mark.parametrize("task", ["digits", "spam"])
def test_the_manifest_states_the_accuracy_of_the_integers(exported: Exported, task: str) -> None:
    folder = exported(task, "litert")
    manifest = json.loads((folder / "manifest.json").read_text())
    int8 = manifest["int8"]
    assert int8["kind"] == {"digits": "full-integer", "spam": "dynamic-range"}[task]
    assert int8["measured"]["split"] == "validation"
    assert 0 <= int8["measured"]["int8"] <= 1
    sizes = [(folder / manifest["network"][key]).stat().st_size for key in ("file", "int8")]
    assert sizes[1] < 0.6 * sizes[0]


def test_the_integers_answer_nearly_as_the_floats(exported: Exported) -> None:
    image = tiny.examples("digits", 200).inputs.astype(np.float32)
    labels = [
        verify.ask(form, exported("digits", "litert"), {"image": image}, ["image"])[0][
            "image.label"
        ]
        for form in ("litert", "litert_int8")
    ]
    assert (labels[0] == labels[1]).mean() > 0.95
