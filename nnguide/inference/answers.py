"""Answers to inputs of which some are mails: those without text are ham, as a guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from nnguide.data.mail import MailText, is_empty
from nnguide.inference.decision import Answer, Decision


def answers(decision: Decision, outputs: Any, inputs: Iterable[Any]) -> Iterator[Answer]:
    """The answers that outputs, (n, nodes), mean for `inputs`; n of them, in order."""
    for made, value in zip(decision.answers(outputs), inputs, strict=True):
        if not isinstance(value, MailText):
            yield made
            continue
        is_guess = is_empty(value) and decision.threshold is not None
        label = decision.labels[0] if is_guess else made.label
        yield replace(made, label=label, guess=is_empty(value), message_id=value.message_id)
