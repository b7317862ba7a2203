"""The warnings that anyone who signs the report should read first.

They follow from the metrics alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnguide.audit.slices import worse
from nnguide.evaluation.changes import Aim
from nnguide.evaluation.report import number, percent

CALIBRATED = 0.02  # calibration error above which probabilities should not be taken at their word
BLOCKED = 0.01  # fraction of ham that a mild change may block beyond what is blocked anyway
FEW = 200  # examples of a label below which the headline says little of it


def attention(report: dict[str, Any], aim: Aim) -> list[str]:
    """Return the sentences that warn against trusting the network.

    An empty list is no praise.
    """
    return [
        *_data(report["data"]),
        *_headline(report["headline"]),
        *_duplicates(report["duplicates"]),
        *_slices(report),
        *_robustness(report["robustness"], aim),
        *_words(report.get("words")),
    ]


def _data(data: dict[str, Any]) -> Iterator[str]:
    if data["is_fallback"]:
        yield "The data measured on is a built-in stand-in: its metrics say little about real use."
    if data["trained_on_fallback"]:
        yield "The network was trained on a built-in stand-in for real data."
    if not data["own"]:
        yield "The data measured on is not the data that the network was trained on."
    if data["split"] in ("train", "all") and data["own"]:
        yield "The data measured on includes the training set: the metrics are too good."
    for name, count in data["counts"].items():
        if count < FEW:
            yield f"Only {count:,} examples of {name} were measured: its metrics are rough."


def _headline(headline: dict[str, Any]) -> Iterator[str]:
    error = headline["calibration_error"]
    if error is not None and error > CALIBRATED:
        yield (
            f"The calibration error is {number(error)}: the probabilities are off by "
            f"{percent(error, 1)} on average."
        )


def _duplicates(report: dict[str, Any]) -> Iterator[str]:
    if report["not_known"]:
        yield f"It is unknown which examples are in the training set: {report['not_known']}."
        return
    if report["same"]:
        yield (
            f"{report['same']:,} of the {report['n']:,} examples are in the training set too; "
            f"without them the accuracy is {percent(report['accuracy_without'], 2)}."
        )


def _slices(report: dict[str, Any]) -> Iterator[str]:
    for row in worse(report["slices"], report["headline"]):
        figure = row["figure"].replace("_", " ")
        yield (
            f"{row['by'].capitalize()}, {row['slice']}: {figure} is {percent(row['value'], 1)} "
            f"(n = {row['n']:,}), clearly worse than over all examples: {percent(row['whole'], 1)}."
        )
    if small := sum(row["small"] for row in report["slices"]):
        yield f"{small} of the {len(report['slices'])} slices are too small to judge."


def _robustness(rows: list[dict[str, Any]], aim: Aim) -> Iterator[str]:
    for row in rows:
        if row["met"] is False:
            yield (
                f"The mild change “{row['change']}” costs {100 * row['lost']:.2f} points of "
                f"{aim.figure.replace('_', ' ')}; the aim is less than {100 * aim.most:g}."
            )
        before, after = (row.get(f"blocked_ham_{when}") for when in ("before", "after"))
        if before is not None and after is not None and after - before > BLOCKED:
            yield (
                f"The mild change “{row['change']}” raises ham blocked from {percent(before, 2)} "
                f"to {percent(after, 2)}."
            )
        if row["refused"]:
            yield f"After “{row['change']}” no digit was seen on {row['refused']:,} pictures."


def _words(words: dict[str, Any] | None) -> Iterator[str]:
    if words is None:
        return
    for row in words["shortcuts"]:
        as_read = " (digits count as 0)" if "0" in row["word"] else ""
        yield (
            f"The single word “{row['word']}”{as_read} at the end turns "
            f"{percent(row['share'], 0)} of {row['tried']:,} correctly judged messages to "
            f"{row['towards']}."
        )
    if words["n_flipped"]:
        yield (
            f"The answer to {words['n_flipped']:,} of {words['n']:,} messages hangs on a single "
            "word."
        )
