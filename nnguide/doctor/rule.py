"""Rules: their definition, and the examination of a case by all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnguide.config.values import unknown
from nnguide.doctor.report import Finding, Report, Severity
from nnguide.errors import ConfigError

if TYPE_CHECKING:
    from nnguide.doctor.case import Case


class CannotCheckError(Exception):
    """A rule cannot be checked; the message says what is missing."""


@dataclass(frozen=True)
class Evidence:
    """The evidence of a mistake.

    Attributes:
        text: one sentence with the numbers.
        measured: the numbers, JSON-able.
        severity, fix: in the place of the rule's own, where the case is another.
    """

    text: str
    measured: dict[str, Any] = field(default_factory=dict)
    severity: Severity | None = None
    fix: str | None = None


Check = Callable[["Case"], Evidence | None]


@dataclass(frozen=True)
class Rule:
    """One mistake and how it is recognised.

    Attributes:
        id: stable, in small letters and hyphens.
        explanation: why it is a mistake, one sentence.
        fix: what to do, one or two sentences.
        check: Evidence of the mistake in a case, None if there is none; raises CannotCheckError.
        cheap: takes milliseconds: nothing goes through the network.
    """

    id: str
    severity: Severity
    explanation: str
    fix: str
    check: Check
    cheap: bool


RULES: dict[str, Rule] = {}


def rule(
    id: str, severity: Severity, explanation: str, fix: str, *, cheap: bool = False
) -> Callable[[Check], Check]:
    """Declare the decorated function as the `check` of a rule."""

    def declare(check: Check) -> Check:
        RULES[id] = Rule(id, severity, explanation, fix, check, cheap)
        return check

    return declare


def examine(case: Case, silence: Collection[str] = (), *, cheap: bool = False) -> Report:
    """Check a case by every rule, or by the cheap ones.

    Raises:
        ConfigError: `silence` names no rule.
    """
    for id in silence:
        if id not in RULES:
            raise ConfigError(unknown(id, sorted(RULES), "rule"))
    findings: list[Finding] = []
    passed: list[str] = []
    not_run: dict[str, str] = {}
    for candidate in RULES.values():
        if candidate.id in silence or (cheap and not candidate.cheap):
            continue
        try:
            evidence = candidate.check(case)
        except CannotCheckError as error:
            not_run[candidate.id] = str(error)
            continue
        if evidence is None:
            passed.append(candidate.id)
        else:
            severity, fix = evidence.severity or candidate.severity, evidence.fix or candidate.fix
            findings.append(
                Finding(
                    candidate.id,
                    severity,
                    candidate.explanation,
                    evidence.text,
                    fix,
                    evidence.measured,
                )
            )
    findings.sort(key=lambda finding: finding.severity != "error")
    return Report(tuple(findings), tuple(passed), not_run, tuple(sorted(set(silence))))
