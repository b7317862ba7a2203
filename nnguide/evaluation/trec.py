"""Evaluation of a spam run as in the TREC spam track.

Mails are judged in time order, with or without feedback.

An index has a line for each mail, the earliest first: `spam ../data/inmail.1`, the path as seen
from the index. Each mail is judged before anything is learned from it; with feedback its true label
becomes known after that, at once or later, and is used as an owner's correction is. No file of
corrections is written.

Sources: Cormack & Lynam, TREC 2005 spam track overview (2005), for hm%, sm%, lam% and 1-ROCA%;
DeLong, DeLong & Clarke-Pearson, Biometrics 44 (1988), for the interval of the area.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nnguide.data.mail import is_empty
from nnguide.data.mail.mailboxes import one_mail
from nnguide.data.mail.message import read_mail
from nnguide.errors import ConfigError, InputError
from nnguide.evaluation import copies, metrics
from nnguide.evaluation.report import Grid
from nnguide.feedback.learner import Features, Learner
from nnguide.files import reading
from nnguide.runs import Run

DELAY = 500  # mails after which a delayed label becomes known
SHOWN = 3  # unreadable mails whose reason is reported
POINTS = 20  # of the learning curve
BATCH = 128  # mails that the network judges together
_Z = 1.959963984540054  # of a 95 % interval
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judged:
    """The judged mails, in the order of the index.

    Attributes:
        scores: (n,) float32, P(spam) when it was judged.
        labels: (n,) int, 0 ham and 1 spam.
        left_out: how many lines name no mail that can be read; they are in the log.
        corrected: how many are mails, or near copies of them, that were known before the first.
    """

    scores: np.ndarray
    labels: np.ndarray
    left_out: int
    corrected: int = 0


def evaluate(
    run: Run,
    index: Path,
    *,
    feedback: Literal["none", "immediate", "delayed"] = "none",
    delay: int = DELAY,
    learner: Learner | None = None,
    threshold: float | None = None,
) -> dict[str, Any]:
    """Measure a run on the mails of an index.

    Args:
        run: of spam.
        index: the file.
        feedback: whether and when the true labels become known.
        delay: after how many mails, where feedback is delayed.
        learner: what is known before the first mail; it goes on to learn.
        threshold: instead of the run's own.
    Returns:
        The metrics of `evaluate`, and hm, sm, lam and one_minus_roc_auc as fractions, each with
        its 95 % interval, and their curve.
    Raises:
        ConfigError: the run is not of spam, or an option is out of range.
        InputError: the index is not one, or no mail in it can be read.
    """
    if run.threshold is None or not run.task.kind.takes_mail:
        raise ConfigError(f"--trec is for spam runs; {run.folder} is of {run.task.name}")
    if delay < 1:
        raise ConfigError(f"--delay is a number of mails, 1 or more; got {delay}")
    chosen = run.threshold if threshold is None else threshold
    if not 0 <= chosen <= 1:
        raise ConfigError(f"--threshold is a probability in [0, 1]; got {chosen:g}")
    wait = {"none": None, "immediate": 0, "delayed": delay}[feedback]
    judged = judge(run, index, wait, Learner(chosen) if learner is None else learner)
    if judged.corrected:
        log.info(copies.corrected_note(judged.corrected, len(judged.labels)))
    return {
        "task": run.task.name,
        "dataset": str(index),
        "dataset_is_fallback": False,
        "split": "all",
        "training_copies": None,
        **metrics.spam_metrics(judged.scores, judged.labels, chosen),
        "feedback": feedback,
        "delay": wait,
        "left_out": judged.left_out,
        **({"corrected_copies": judged.corrected} if learner is not None else {}),
        **figures(judged.scores, judged.labels, chosen),
        "curve": curve(judged.scores, judged.labels, chosen),
    }


def judge(run: Run, index: Path, wait: int | None, learner: Learner) -> Judged:
    """Judge the mails of an index in order.

    Each label becomes known `wait` mails later; None is never.
    """
    waiting: deque[tuple[Features, float, bool]] = deque()
    scores: list[np.float32] = []
    labels: list[int] = []
    failed = _Failed()
    known, corrected = len(learner), 0
    for batch in _batches(_texts(index, failed)):
        texts = np.empty(len(batch), object)
        texts[:] = [text for text, _ in batch]
        outputs = run.outputs(texts)[:, 0]
        for text, alone, (_, label) in zip(texts, outputs, batch, strict=True):
            if is_empty(text):
                scores.append(alone)
            else:
                features = Features.of(text)
                scores.append(learner.probability(features, alone))
                corrected += known > 0 and learner.match(features, known) is not None
                if wait is not None:
                    waiting.append((features, float(alone), label == 1))
            labels.append(label)
            while wait is not None and len(waiting) > wait:
                learner.learn(*waiting.popleft())
    if not scores:
        raise InputError(f"{index}: none of its mails can be read")
    if failed.count:
        log.warning(
            "%s: left out: %s (%d of %d lines)",
            *(index, "; ".join(failed.first), failed.count, failed.count + len(scores)),
            extra={"left_out": failed.count},  # by which the command line ends with status 4
        )
    return Judged(np.array(scores, np.float32), np.array(labels), failed.count, corrected)


@dataclass
class _Failed:
    """The number of unreadable mails and the first reasons."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, why: str) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(why)


def lines(index: Path) -> list[tuple[int, Path]]:
    """Return the label and the path of each mail of an index.

    Raises:
        InputError: it cannot be read, or a line is not one of an index.
    """
    try:
        with reading.opened(index) as file:
            content = file.read().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise InputError(f"{index}: cannot be read: {error.strerror}") from error
    rows = []
    for number, line in enumerate(content.split("\n"), start=1):
        label, _, path = line.strip("\r ").partition(" ")
        if not label:
            continue
        if label.lower() not in ("spam", "ham") or not path.strip() or "\0" in path:
            raise InputError(
                f"{index}, line {number}: expected spam or ham and a path, as in: "
                f"spam ../data/inmail.1; got {line[:60]!r}"
            )
        rows.append((int(label.lower() == "spam"), index.parent / path.strip()))
    if not rows:
        raise InputError(f"{index}: expected lines such as: spam ../data/inmail.1; it is empty")
    return rows


def _texts(index: Path, failed: _Failed) -> Iterator[tuple[str, int]]:
    """Yield the text and label of each mail.

    Mails that cannot be read are added to `failed`.
    """
    for label, path in lines(index):
        try:
            yield read_mail(one_mail(path)).text, label
        except InputError as error:
            failed.add(f"{path}: {error}")


def _batches(items: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def figures(scores: np.ndarray, labels: np.ndarray, threshold: float) -> dict[str, float | None]:
    """Return the metrics of the track with 95 % intervals.

    They are fractions, and None without both labels.

    hm is the fraction of ham called spam, sm that of spam called ham, lam the mean of both by
    their log-odds (half a mail is added to each count, so that it is defined when one is 0), and
    one_minus_roc_auc the chance that a ham scores above a spam.
    """
    spam = scores > np.float32(threshold)
    blocked, hams = int(spam[labels == 0].sum()), int((labels == 0).sum())
    missed, spams = int((~spam)[labels == 1].sum()), int((labels == 1).sum())
    rows = {
        "hm": (metrics.ratio(blocked, hams), metrics.wilson_interval(blocked, hams)),
        "sm": (metrics.ratio(missed, spams), metrics.wilson_interval(missed, spams)),
        "lam": _lam(blocked, hams, missed, spams),
        "one_minus_roc_auc": _one_minus_roc_auc(scores, labels),
    }
    fractions: dict[str, float | None] = {}
    for name, (value, (low, high)) in rows.items():
        fractions |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return fractions


Figure = tuple[float | None, metrics.Bound]


def _lam(blocked: int, hams: int, missed: int, spams: int) -> Figure:
    if not hams or not spams:
        return None, (None, None)
    counts = [(blocked + 0.5, hams - blocked + 0.5), (missed + 0.5, spams - missed + 0.5)]
    middle = sum(math.log(wrong / right) for wrong, right in counts) / 2
    spread = _Z * math.sqrt(sum(1 / wrong + 1 / right for wrong, right in counts)) / 2
    return _fraction(middle), (_fraction(middle - spread), _fraction(middle + spread))


def _one_minus_roc_auc(scores: np.ndarray, labels: np.ndarray) -> Figure:
    spam, ham = np.sort(scores[labels == 1]), np.sort(scores[labels == 0])
    if not len(spam) or not len(ham):
        return None, (None, None)
    above_spam = 1 - _share_below(ham, spam)  # (spams,): the ham that score above each
    below_ham = _share_below(spam, ham)  # (hams,): the spam that score below each
    area = float(above_spam.mean())
    fewest = min(len(spam), len(ham))
    if area in (0, 1) or fewest < 2:
        bound = 1 - 0.05 ** (1 / fewest)  # of a chance that was not seen to come true
        return area, ((0.0, bound) if area < 0.5 else (1 - bound, 1.0))
    variance = above_spam.var(ddof=1) / len(spam) + below_ham.var(ddof=1) / len(ham)
    middle = math.log(area / (1 - area))
    spread = _Z * math.sqrt(variance) / (area * (1 - area))
    return area, (_fraction(middle - spread), _fraction(middle + spread))


def _share_below(of: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which fraction of `of` lies below each value.

    `of` is sorted; equal values count half.
    """
    below, up_to = np.searchsorted(of, values, "left"), np.searchsorted(of, values, "right")
    return (below + up_to) / (2 * len(of))


def _fraction(log_odds: float) -> float:
    return 1 / (1 + math.exp(-min(max(log_odds, -700), 700)))


def curve(scores: np.ndarray, labels: np.ndarray, threshold: float) -> list[dict[str, Any]]:
    """Return the metrics of the first n mails for several n.

    The last n is all of them.

    The last n is all of them.
    """
    ends = sorted({math.ceil(len(scores) * point / POINTS) for point in range(1, POINTS + 1)})
    names = ("hm", "sm", "lam", "one_minus_roc_auc")
    points = []
    for end in ends:
        row = figures(scores[:end], labels[:end], threshold)
        points.append({"n": end, **{name: row[name] for name in names}})
    return points


def blocks(measured: dict[str, Any]) -> list[str | Grid]:
    """Return the metrics of the track and their curve.

    They have the form of `nnguide.evaluation.report.blocks`.
    """
    rows = [
        ("hm%", "hm", "ham called spam"),
        ("sm%", "sm", "spam called ham"),
        ("lam%", "lam", "both, averaged by log-odds"),
        ("1-ROCA%", "one_minus_roc_auc", "a ham scores above a spam"),
    ]
    when = f", {measured['delay']:,} mails late" if measured["feedback"] == "delayed" else ""
    whole = []
    for title, name, meaning in rows:
        low, high = measured[f"{name}_low"], measured[f"{name}_high"]
        bounds = "" if low is None else f"{_percent(low)} to {_percent(high)}"
        whole.append([title, _percent(measured[name]), bounds, meaning])
    points = [
        [f"{row['n']:,}", *(_percent(row[name]) for _, name, _ in rows)]
        for row in measured["curve"]
    ]
    return [
        f"feedback: {measured['feedback']}{when}",
        Grid(["", "%", "95 % interval", ""], whole),
        Grid(["mails", *(title for title, _, _ in rows)], points),
    ]


def _percent(share: float | None) -> str:
    return "undefined" if share is None else f"{100 * share:.4f}"
