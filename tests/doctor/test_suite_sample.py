"""A sample of scripts/doctor_suite: each mistake is found by its rule, the healthy are let go."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doctor_cases import cases

from nnguide.doctor import rules

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
COSTLY = {"rate-too-large", "rate-too-small"}  # several short trainings each
HEALTHY = (
    "tabular",
    "text",
    "two_inputs",
    "subclassed",
    "attention",
    "two_outputs",
    "normalised_first",
    "autoencoder",
    "zero_gamma",
)
LARGE = ("squeeze_excite", "inverted_bottleneck")  # also in the whole suite


@pytest.fixture(scope="module")
def listed(tf) -> list[cases.Listed]:
    return list(cases.listed("tuning", 1))


@pytest.mark.parametrize("rule", sorted(rules.RULES))
def test_a_planted_mistake_is_found_by_its_rule(listed, rule):
    case = next(case for case in listed if case.fault == rule)
    outcome = case.outcome()
    assert rule in outcome["findings"], outcome


@pytest.mark.parametrize(
    "family", [*HEALTHY, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)]
)
def test_a_healthy_model_has_no_finding(listed, family):
    case = next(case for case in listed if not case.fault and case.family.__name__ == family)
    outcome = case.outcome()
    assert outcome["findings"] == [], outcome


def test_every_rule_is_described_on_the_page_and_planted_in_both_splits(tf):
    text = PAGE.read_text("utf-8")
    assert sorted(re.findall(r"^### (.+)$", text, re.MULTILINE)) == sorted(rules.RULES)
    cheap = re.findall(r"^### (.+)\n\*Cheap\.\*", text, re.MULTILINE)
    assert set(cheap) == {one.id for one in rules.RULES.values() if one.cheap}
    for split in cases.SPLITS:
        assert {case.fault for case in cases.listed(split)} - {None} == set(rules.RULES)


def test_the_suite_is_as_large_as_it_says(tf):
    every = [case for split in cases.SPLITS for case in cases.listed(split)]
    assert sum(bool(case.fault) for case in every) >= 100
    assert sum(not case.fault for case in every) >= 50
    seeds = {split: {case.seed for case in cases.listed(split)} for split in cases.SPLITS}
    assert not seeds["tuning"] & seeds["test"]


@pytest.mark.slow
@pytest.mark.parametrize("split", cases.SPLITS)
def test_the_whole_suite(split):
    rows = [{"split": split, **case.outcome()} for case in cases.listed(split)]
    assert cases.is_good_enough(cases.summary(rows)[split]), cases.table(cases.summary(rows))
