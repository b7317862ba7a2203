"""Why a network answered as it did: how much each part of one input pushed the score.

    from nnguide import explain, runs
    found = explain.explain(runs.load("spam"), "WIN a free prize, call now", "integrated")
    found.weights     [Word(token="win", start=0, end=3, weight=1.2), …], or a (28, 28) map
    found.checks      what the explanation is held to, with figures
    found.html()      a fragment for a page; found.draw("why.png") a picture

Read the files in this order; each takes one sitting.

    score.py        what is explained: f, the log-odds of a label, and its slopes
    parts.py        what an input is made of, and how parts of it are taken away
    targets.py      a run opened for explaining: sums, parts, and the way back to its input
    words.py        from token ids back to the words of a text
    backward.py     the way back through each engine: Keras, NumPy, PyTorch
    gradients.py    gradient, integrated gradients, SmoothGrad
    occlusion.py    take a part away and see what changes
    lime.py         a linear model of what the network does nearby
    shap.py         Shapley values
    apart.py        the two above, in a process of their own
    layers.py       what each layer of a saved network gives, without TensorFlow
    faithful.py     deletion and insertion curves
    explanation.py  what comes out
    draw.py, page.py, terminal.py   pictures, HTML and text of it

Every method gives its weights in one unit, nats of the score, so they can be laid side by side.
What a part is taken away to, the baseline, is the same for all: a black picture, a text without
words, a table's mean.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import TYPE_CHECKING, Any

from nnguide.errors import ConfigError, ExtraError, InputError

if TYPE_CHECKING:
    from nnguide.explain.explanation import Explanation

METHODS = ("gradient", "integrated", "smoothgrad", "occlusion", "lime", "shap")
LIBRARIES = ("lime", "shap")  # methods that are those libraries', of the extra `explain`


def explain(
    run: Any, raw: Any, method: str = "integrated", target: str | None = None, *, seed: int = 0
) -> Explanation:
    """Explain the answer to one input.

    Args:
        run: a nnguide.runs.Run, or one opened once
            for many calls by nnguide.explain.subjects.subject.
        raw: one input, as `Run.predict` takes it: a picture, as a path, a PIL image or (28, 28)
            grey levels 0-255; a text; or a row of numbers.
        method: one of METHODS.
        target: the label whose score is explained; None is the predicted one, and for spam,
            whose answers are P(spam), `spam`.
        seed: of what is drawn at random: SmoothGrad's noise, LIME's and SHAP's samples, and the
            random orders that deletion is compared with. The same seed, the same explanation.
    Raises:
        ConfigError: no such method or label. InputError: `raw` is no input of this run.
        ExtraError: the method's library is not installed.
    """
    explanations = explain_all(run, raw, method, target, seed=seed)
    if len(explanations) != 1:
        raise InputError(f"expected one input; got {len(explanations)}. For several: explain_all")
    return explanations[0]


def explain_all(
    run: Any,
    raws: Any,
    method: str = "integrated",
    target: str | None = None,
    *,
    seed: int = 0,
) -> list[Explanation]:
    """Explain the answers to several inputs, as `explain` does; LIME and SHAP start up once.

    Args:
        raws: as `Run.predict` takes them; one that cannot be taken is an InputError for all.
    """
    check_method(method)
    from nnguide.explain.attributions import explain_each

    return explain_each(run, raws, method, target, seed)


def check_method(method: str) -> None:
    """Refuse an unknown method, or one whose library is missing."""
    if method not in METHODS:
        raise ConfigError(f"the method is one of {', '.join(METHODS)}; got {method!r}")
    if method in LIBRARIES and not installed(method):
        raise ExtraError.missing(method, "explain")


def installed(method: str) -> bool:
    """Whether what the method needs is there."""
    return method not in LIBRARIES or importlib.util.find_spec(method) is not None


class _Callable(types.ModuleType):
    """This package, which is called as its function is: `nnguide.explain(run, raw)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Explanation:
        return explain(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
