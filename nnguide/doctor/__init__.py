"""The doctor: it finds common mistakes in any Keras model.

It names the fix of each; the mistakes are those of the guide.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nnguide.doctor.report import Finding, Report

__all__ = ["EVALUATED", "Finding", "Report", "check"]

EVALUATED = ("precision", "recall")  # what `nnguide evaluate` measures besides accuracy


def check(
    model: Any,
    data: Any = None,
    history: Any = None,
    silence: Iterable[str] = (),
    *,
    batch_size: int | None = None,
) -> Report:
    """Look for the common mistakes in a Keras model.

    The model is the same afterwards.

    Args:
        model: any Keras 3 model on the TensorFlow backend; compiled for the rules about the loss.
        data: (x, y), or a dict with x_train, y_train and perhaps x_val, y_val, x_test, y_test;
            each an array (n, …), or a list or dict of them for several inputs or outputs.
        history: the path of a CSV file, a Keras History, or its dict.
        silence: ids of rules to leave out.
        batch_size: of training, where a rule needs it and the model's input does not fix it.
    Returns:
        Findings, and the rules that lacked what they need; see docs/doctor.md.
    Raises:
        ConfigError: `silence` names no rule, or a batch size below 1.
        InputError: no Keras model, or data or a history of another form.
    """
    from nnguide import logs
    from nnguide.errors import ConfigError

    if batch_size is not None and batch_size < 1:
        raise ConfigError(f"a batch size is 1 or more; got {batch_size}")
    logs.tensorflow()
    from nnguide.doctor import case, rules

    return rules.examine(case.read(model, data, history, batch_size=batch_size), tuple(silence))
