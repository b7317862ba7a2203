"""Every figure is a whole PNG file, also for little data, one epoch and hostile label names."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from nnguide.errors import InputError
from nnguide.evaluation import figures

HISTORY = {
    "loss": [0.5, 0.2, 0.1],
    "val_loss": [0.3, 0.2, 0.25],
    "accuracy": [0.8, 0.93, 0.96],
    "val_accuracy": [0.9, 0.95, 0.94],
    "learning_rate": [0.1, 0.1, 0.1],
}


def spam(n=200):
    random = np.random.default_rng(0)
    labels = np.arange(n) % 2
    return np.clip(0.5 * labels + 0.6 * random.random(n), 0, 1), labels


def is_a_picture(path):
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG" and min(picture.size) > 200
        assert len(picture.convert("RGB").getcolors(2**24)) > 10
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # nothing left beside
    return True


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("history", "best"),
    [
        (HISTORY, 2),
        (HISTORY, None),
        ({key: values[:1] for key, values in HISTORY.items()}, 1),
        ({key: HISTORY[key] for key in ("loss", "accuracy")}, None),
        ({key: values * 30 for key, values in HISTORY.items()}, 90),
    ],
)
def test_curves(tmp_path, history, best):
    figures.curves(history, tmp_path / "curves.png", best)
    assert is_a_picture(tmp_path / "curves.png")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("k", [2, 10, 26, 100])
def test_confusion(tmp_path, k):
    matrix = np.diag(np.arange(k)) + np.eye(k, k=1, dtype=int)
    names = ["$x_{", "数字 \\frac", *(f"a class with a long name {i}" for i in range(k - 2))]
    figures.confusion(matrix.tolist(), names, tmp_path / "confusion.png")
    assert is_a_picture(tmp_path / "confusion.png")


def test_a_confusion_matrix_of_another_size_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected a confusion matrix of shape \(3, 3\)"):
        figures.confusion([[1, 0], [0, 1]], "abc", tmp_path / "confusion.png")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [0, 1, 200])
def test_the_figures_of_spam_and_of_calibration(tmp_path, n):
    scores, labels = spam(n)
    for draw in (figures.spam_thresholds, figures.spam_curves):
        for threshold in (0.5, 0.0, 1.0):
            draw(scores, labels, tmp_path / "figure.png", threshold)
            assert is_a_picture(tmp_path / "figure.png")
    figures.reliability(scores, labels == 1, tmp_path / "figure.png")
    assert is_a_picture(tmp_path / "figure.png")


def test_the_same_figure_twice_is_the_same_file(tmp_path):
    for name in "ab":
        figures.curves(HISTORY, tmp_path / f"{name}.png", 2)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys; from nnguide.evaluation import calibration, figures, metrics, report, "
        "thresholds; print({'matplotlib', 'sklearn', 'keras', 'tensorflow', 'scipy'} "
        "& set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_drawing_does_without_pyplot():
    code = (
        "import sys, tempfile, pathlib; from nnguide.evaluation import figures; "
        "figures.confusion([[1, 0], [0, 1]], 'ab', "
        "pathlib.Path(tempfile.mkdtemp()) / 'figure.png'); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
