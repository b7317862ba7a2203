"""Rules: what one is, how it is declared, and how a case goes through all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnguide.config.values import unknown
from nnguide.doctor.report import Finding, Report, Severity
from nnguide.errors import ConfigError

if TYPE_CHECKING:
    from nnguide.doctor.case import Case


class LackingError(Exception):
    """A rule cannot be looked at; the message says what it lacks."""


@dataclass(frozen=True)
class Evidence:
    """What a rule saw.

    Attributes:
        text: one sentence with the numbers.
        measured: the numbers, JSON-able.
        severity, fix: in the place of the rule's own, where the case is another.
    """

    text: str
    measured: dict[str, Any] = field(default_factory=dict)
    severity: Severity | None = None
    fix: str | None = None


Look = Callable[["Case"], Evidence | None]


@dataclass(frozen=True)
class Rule:
    """One mistake and how it is seen.

    Attributes:
        id: stable, in small letters and hyphens.
        explanation: why it is a mistake, one sentence.
        fix: what to do, one or two sentences.
        look: Evidence of the mistake in a case, None if there is none; raises LackingError.
        cheap: takes milliseconds: nothing goes through the network.
    """

    id: str
    severity: Severity
    explanation: str
    fix: str
    look: Look
    cheap: bool


RULES: dict[str, Rule] = {}


def rule(
    id: str, severity: Severity, explanation: str, fix: str, *, cheap: bool = False
) -> Callable[[Look], Look]:
    """Declare the decorated function as the `look` of a rule."""

    def declare(look: Look) -> Look:
        RULES[id] = Rule(id, severity, explanation, fix, look, cheap)
        return look

    return declare


def examine(case: Case, silence: Collection[str] = (), *, cheap: bool = False) -> Report:
    """Put a case through every rule, or through the cheap ones alone.

    Raises:
        ConfigError: `silence` names no rule.
    """
    for id in silence:
        if id not in RULES:
            raise ConfigError(unknown(id, sorted(RULES), "rule"))
    findings: list[Finding] = []
    passed: list[str] = []
    not_run: dict[str, str] = {}
    for one in RULES.values():
        if one.id in silence or (cheap and not one.cheap):
            continue
        try:
            seen = one.look(case)
        except LackingError as lack:
            not_run[one.id] = str(lack)
            continue
        if seen is None:
            passed.append(one.id)
        else:
            severity, fix = seen.severity or one.severity, seen.fix or one.fix
            findings.append(
                Finding(one.id, severity, one.explanation, seen.text, fix, seen.measured)
            )
    findings.sort(key=lambda finding: finding.severity != "error")
    return Report(tuple(findings), tuple(passed), not_run, tuple(sorted(set(silence))))
