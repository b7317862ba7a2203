"""Explanations of a network's answers.

They say how much each part of one input pushed the score.

    from nnguide import explain, runs
    found = explain.explain(runs.load("spam"), "WIN a free prize, call now", "integrated")
    found.weights     [Word(token="win", start=0, end=3, weight=1.2), …], or a (28, 28) map
    found.checks      the checks of the explanation, with numbers
    found.html()      a fragment for a page; found.draw("why.png") a picture

Read the files in this order; each takes one sitting.

    score.py        the score that is explained: f, the log-odds of a label, and its gradient
    features.py     the parts of an input, and the input without some of them
    subjects.py     a run opened for explanations: sums, parts and gradients
    words.py        from token ids to the words of a text
    backward.py     the backward pass through a Keras model
    gradients.py    gradient, integrated gradients, SmoothGrad
    occlusion.py    the change of the score when a part is taken away
    lime.py         a linear model of the network near the input
    shap.py         Shapley values
    subprocess_methods.py   LIME and SHAP in a process of their own
    attributions.py all methods, with checks of their explanations
    layers.py       the output of each layer of a saved network, without TensorFlow
    faithful.py     deletion and insertion curves
    explanation.py  the result
    draw.py, page.py, terminal.py   the result as a picture, HTML and text

Every method gives its weights in the same unit, nats of the score, so they can be compared.
The baseline, which replaces a part that is taken away, is the same for all methods: a black
picture, a text without words, a table's mean.
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
    """Explain the answers to several inputs.

    Each is explained as by `explain`; LIME and SHAP start up once.

    Args:
        raws: as `Run.predict` takes them; one that cannot be taken is an InputError for all.
    """
    check_method(method)
    from nnguide.explain.attributions import explain_each

    return explain_each(run, raws, method, target, seed)


def check_method(method: str) -> None:
    """Raise an error for a method that is unknown or not installed.

    ConfigError for an unknown method, ExtraError where its library is missing.
    """
    if method not in METHODS:
        raise ConfigError(f"the method is one of {', '.join(METHODS)}; got {method!r}")
    if method in LIBRARIES and not installed(method):
        raise ExtraError.missing(method, "explain")


def installed(method: str) -> bool:
    """Return whether the library that the method needs is installed."""
    return method not in LIBRARIES or importlib.util.find_spec(method) is not None


class _Callable(types.ModuleType):
    """This package as a callable module: `nnguide.explain(run, raw)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Explanation:
        return explain(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
