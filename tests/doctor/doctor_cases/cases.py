"""The list of cases, what the doctor says to each, and the count."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nnguide import doctor, logs

SPLITS = ("tuning", "test")
SEEDS = {"tuning": 5, "test": 2}  # of each rule and of each ordinary healthy family
FIRST_TEST_SEED = 100_000  # no seed from here on was used while thresholds were chosen
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

        logs.tensorflow()
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


def listed(split: str, seeds: int | None = None, first_seed: int = 0) -> Iterator[Listed]:
    """The cases of a split: for every rule, then the healthy ones."""
    logs.tensorflow()
    from doctor_cases import families, faults, special, unseen_families
    from doctor_cases.patient import Plan

    count = seeds or SEEDS[split]
    start = first_seed + (FIRST_TEST_SEED if split == "test" else 0)
    planted = unseen_families.FAULTY if split == "test" else faults.FAULTS
    for rule, kinds in planted.items():
        for index in range(max(count, len(kinds))):
            yield Listed(rule, kinds[index % len(kinds)], start + index)
    if split == "test":  # the ordinary families too, with unused seeds
        for rule, kinds in faults.FAULTS.items():
            for index in range(count):
                yield Listed(rule, kinds[index % len(kinds)], start + 50 + index)
    for family in families.ALL:
        for index in range(count):

            def healthy(random: Any, family: Any = family) -> Any:
                return family(random, Plan())

            healthy.__name__ = family.__name__
            yield Listed(None, healthy, start + 100 + index)
    for kind in (unseen_families.HEALTHY if split == "test" else special.SPECIAL).values():
        for index in range(1 if split == "test" else min(count, 2)):
            yield Listed(None, kind, start + 200 + index)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Per split: mistakes planted and found, healthy models and false alarms, per rule."""
    counts = {}
    for split in SPLITS:
        mine = [row for row in rows if row["split"] == split]
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
        counts[split] = {
            "planted": len(sick),
            "found": sum(row["right"] for row in sick),
            "healthy": len(well),
            "false_alarms": sum(not row["right"] for row in well),
            "seconds": round(sum(row["seconds"] for row in mine), 1),
            "rules": rules,
        }
    return counts


def is_good_enough(counts: dict[str, Any]) -> bool:
    """Whether enough mistakes are found, without one false alarm."""
    return counts["found"] >= ENOUGH * counts["planted"] and not counts["false_alarms"]


def table(summary: dict[str, Any]) -> str:
    """The counts as Markdown."""
    lines = []
    for name, counts in summary.items():
        fraction = f" ({counts['found'] / counts['planted']:.1%})" if counts["planted"] else ""
        lines += [
            f"{name}: {counts['found']} of {counts['planted']} mistakes found{fraction}, "
            f"{counts['false_alarms']} of {counts['healthy']} healthy models with a false alarm, "
            f"{counts['seconds']:.0f} s",
            "",
            "| rule | planted | found | false alarms | beside another mistake |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {rule} | {of['planted']} | {of['found']} | {of['false_alarms']} | "
            f"{of['beside_another']} |"
            for rule, of in counts["rules"].items()
        ]
        lines.append("")
    return "\n".join(lines).rstrip()
