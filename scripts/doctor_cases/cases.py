"""The list of cases, what the doctor says to each, and the count."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nnguide import doctor, framework_logs

PARTS = ("tuning", "held-out")
SEEDS = {"tuning": 5, "held-out": 2}  # of each rule and of each ordinary healthy family
HELD_OUT_SEED = 100_000  # no seed from here on was looked at while thresholds were chosen
ENOUGH = 0.95


@dataclass(frozen=True)
class Listed:
    """One case by its family and seed, not made yet; `fault` is the rule's id or None."""

    fault: str | None
    family: Any
    seed: int

    def patient(self) -> Any:
        """Make the case: the same model, weights and data for the same seed."""
        import numpy as np

        framework_logs.tensorflow()
        import keras

        keras.backend.clear_session()
        keras.utils.set_random_seed(self.seed)
        return self.family(np.random.default_rng(self.seed))

    def outcome(self) -> dict[str, Any]:
        """What the doctor says to it."""
        patient = self.patient()
        started = time.perf_counter()
        report = doctor.check(
            patient.model, patient.data, patient.history, batch_size=patient.batch_size
        )
        found = [finding.id for finding in report.findings]
        return {
            "fault": self.fault,
            "family": self.family.__name__,
            "name": patient.name,
            "seed": self.seed,
            "findings": found,
            "not_run": list(report.not_run),
            "right": self.fault in found if self.fault else not found,
            "others": len(set(found) - {self.fault}),
            "seconds": round(time.perf_counter() - started, 2),
        }


def listed(part: str, seeds: int | None = None, first_seed: int = 0) -> Iterator[Listed]:
    """The cases of a part: for every rule, then the healthy ones."""
    framework_logs.tensorflow()
    from doctor_cases import families, faults, held_out, special
    from doctor_cases.patient import Plan

    count = seeds or SEEDS[part]
    start = first_seed + (HELD_OUT_SEED if part == "held-out" else 0)
    planted = held_out.FAULTY if part == "held-out" else faults.FAULTS
    for rule, kinds in planted.items():
        for index in range(max(count, len(kinds))):
            yield Listed(rule, kinds[index % len(kinds)], start + index)
    if part == "held-out":  # the ordinary families too, with seeds that were not looked at
        for rule, kinds in faults.FAULTS.items():
            for index in range(count):
                yield Listed(rule, kinds[index % len(kinds)], start + 50 + index)
    for family in families.ALL:
        for index in range(count):

            def healthy(random: Any, family: Any = family) -> Any:
                return family(random, Plan())

            healthy.__name__ = family.__name__
            yield Listed(None, healthy, start + 100 + index)
    for kind in (held_out.HEALTHY if part == "held-out" else special.SPECIAL).values():
        for index in range(1 if part == "held-out" else min(count, 2)):
            yield Listed(None, kind, start + 200 + index)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Per part: mistakes planted and found, healthy models and false alarms, per rule."""
    parts = {}
    for part in PARTS:
        mine = [row for row in rows if row["part"] == part]
        sick = [row for row in mine if row["fault"]]
        well = [row for row in mine if not row["fault"]]
        if not mine:
            continue
        alarms = Counter(id for row in well for id in row["findings"])
        beside = Counter(id for row in sick for id in row["findings"] if id != row["fault"])
        rules = {}
        for rule in sorted({row["fault"] for row in sick} | set(alarms)):
            of = [row for row in sick if row["fault"] == rule]
            rules[rule] = {
                "planted": len(of),
                "found": sum(row["right"] for row in of),
                "false_alarms": alarms[rule],
                "beside_another": beside[rule],
            }
        parts[part] = {
            "planted": len(sick),
            "found": sum(row["right"] for row in sick),
            "healthy": len(well),
            "false_alarms": sum(not row["right"] for row in well),
            "seconds": round(sum(row["seconds"] for row in mine), 1),
            "rules": rules,
        }
    return parts


def is_good_enough(part: dict[str, Any]) -> bool:
    """Whether enough mistakes are found, without one false alarm."""
    return part["found"] >= ENOUGH * part["planted"] and not part["false_alarms"]


def table(summary: dict[str, Any]) -> str:
    """The counts as Markdown."""
    lines = []
    for name, part in summary.items():
        share = f" ({part['found'] / part['planted']:.1%})" if part["planted"] else ""
        lines += [
            f"{name}: {part['found']} of {part['planted']} mistakes found{share}, "
            f"{part['false_alarms']} of {part['healthy']} healthy models with a false alarm, "
            f"{part['seconds']:.0f} s",
            "",
            "| rule | planted | found | false alarms | beside another mistake |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {rule} | {of['planted']} | {of['found']} | {of['false_alarms']} | "
            f"{of['beside_another']} |"
            for rule, of in part["rules"].items()
        ]
        lines.append("")
    return "\n".join(lines).rstrip()
