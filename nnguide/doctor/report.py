"""The doctor's report: findings, and rules that could not be checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning"]
BAR = 30  # characters of the longest bar
PAGE = "docs/doctor.md"


@dataclass(frozen=True)
class Finding:
    """One mistake that was found.

    Attributes:
        id: of the rule, as `--silence` takes it.
        severity: error where the network cannot learn its task so; warning where it may.
        explanation: why it is a mistake, one sentence of the guide.
        evidence: what was measured, one sentence with its numbers.
        measured: the same numbers, JSON-able.
        fix: what to do.
    """

    id: str
    severity: Severity
    explanation: str
    evidence: str
    fix: str
    measured: dict[str, Any] = field(default_factory=dict)

    @property
    def doc(self) -> str:
        """The place where the rule is described."""
        return f"{PAGE}#{self.id}"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON-able values."""
        return {
            "id": self.id,
            "severity": self.severity,
            "explanation": self.explanation,
            "evidence": self.evidence,
            "measured": finite(self.measured),
            "fix": self.fix,
            "mend": self.fix,  # its old name
            "doc": self.doc,
        }


@dataclass(frozen=True)
class Report:
    """The result of every rule.

    Each id is in exactly one of the four lists.

    Attributes:
        findings: mistakes, the errors first.
        passed: ids of rules that were looked at and found nothing.
        not_run: ids of rules that lacked what they need, and what that is; never a pass.
        silenced: ids that the user did not want.
    """

    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    not_run: dict[str, str]
    silenced: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "passed": list(self.passed),
            "not_run": [{"id": id, "reason": why} for id, why in self.not_run.items()],
            "silenced": list(self.silenced),
        }

    def _repr_html_(self) -> str:
        """Return the report as HTML for a notebook."""
        from nnguide import pages

        count = len(self.findings)
        return pages.render(
            "report.html",
            title="The doctor's report",
            lead=f"{count or 'no'} finding{'s' * (count != 1)}; {len(self.passed)} rules passed, "
            f"{len(self.not_run)} not run, {len(self.silenced)} silenced",
            findings=self.findings,
            not_run=self.not_run,
        )

    def lines(self) -> str:
        """Return the report as text for people."""
        blocks = [_text(finding) for finding in self.findings]
        if self.not_run:
            width = max(map(len, self.not_run))
            rows = [f"  {id:<{width}}  {why}" for id, why in self.not_run.items()]
            blocks.append("\n".join(["not run, because something they need is missing:", *rows]))
        count = len(self.findings)
        summary = "no findings" if not count else f"{count} finding{'s' * (count > 1)}"
        silenced = f", {len(self.silenced)} silenced" if self.silenced else ""
        blocks.append(
            f"{summary}; {len(self.passed)} rules passed, {len(self.not_run)} not run{silenced}"
        )
        return "\n\n".join(blocks)


def _text(finding: Finding) -> str:
    rows = [
        f"{finding.severity}: {finding.id}",
        f"  found  {finding.evidence}",
        f"  why    {finding.explanation}",
        f"  fix    {finding.fix}",
        f"  more   nnguide docs doctor#{finding.id}",
    ]
    norms = finding.measured.get("gradient_norms")
    if norms:
        rows[2:2] = [
            "  norm of the gradient per layer, from the input to the output:",
            *bars(norms),
        ]
    return "\n".join(rows)


def bars(norms: dict[str, float]) -> list[str]:
    """Return a line with a bar for each layer's norm.

    It has the layer's name, a bar as long as its fraction of the largest norm, and the norm.
    """
    known = {name: norm if math.isfinite(norm) else 0.0 for name, norm in norms.items()}
    largest, width = max(known.values()) or 1.0, max(map(len, norms))
    return [
        f"    {name:<{width}}  {'#' * round(BAR * known[name] / largest):<{BAR}} {norm:.2g}"
        for name, norm in norms.items()
    ]


def finite(value: Any) -> Any:
    """Return the same with None instead of NaN and infinity.

    JSON has neither.
    """
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
