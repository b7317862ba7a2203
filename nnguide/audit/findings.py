"""The page's sections on slices, mistakes, words, mild changes and duplicates."""

from __future__ import annotations

from typing import Any

from nnguide import tasks
from nnguide.audit.blocks import (
    Block,
    Inline,
    heading,
    listed,
    mark,
    pairs,
    paragraph,
    section,
    table,
)
from nnguide.audit.slices import SMALL
from nnguide.audit.words import SHORTCUT
from nnguide.evaluation.changes import aim as aimed
from nnguide.evaluation.report import number, percent


def shares(row: dict[str, Any], key: str) -> str:
    """Return a fraction with its 95 % interval as text.

    Both are given to a tenth of a percent.
    """
    if row[key] is None:
        return "undefined"
    return (
        f"{percent(row[key], 1)} ({100 * row[f'{key}_low']:.1f} to {100 * row[f'{key}_high']:.1f})"
    )


def points(share: float | None) -> str:
    """Return a difference of two fractions in percentage points.

    0.0125 becomes "1.25".
    """
    return "undefined" if share is None else f"{100 * share + 0.0:.2f}"


def slices(report: dict[str, Any]) -> Block:
    """Return the section with one table for each way of slicing."""
    spam = "mcc" in report["headline"]
    blocks = [
        paragraph(
            f"Each fraction with its 95 % interval. A slice with fewer than {SMALL} examples"
            f"{' of a label' if spam else ''} is marked small: its metrics say little."
        )
    ]
    for by in dict.fromkeys(row["by"] for row in report["slices"]):
        rows = []
        for row in report["slices"]:
            if row["by"] != by:
                continue
            counts = [f"{row['n']:,}"]
            figures = [shares(row, "accuracy")]
            if spam:
                counts = [f"{row['n_spam']:,}", f"{row['n_ham']:,}"]
                figures = [shares(row, key) for key in ("spam_caught", "blocked_ham")]
            rows.append([row["slice"], *counts, *figures, "small" if row["small"] else ""])
        head = ["slice", "n", "accuracy", ""]
        if spam:
            head = ["slice", "spam", "ham", "spam caught", "ham blocked", ""]
        blocks.append(table(f"By {by}", head, rows, words=[len(head) - 1]))
    return section("slices", "Metrics by slice", *blocks)


def mistakes(report: dict[str, Any]) -> Block:
    """Return the section on the worst mistakes.

    Each has what speaks for and against its answer.
    """
    rows = report["mistakes"]
    if not rows:
        return section("mistakes", "The worst mistakes", paragraph("There were no mistakes."))
    wrong = round(report["headline"]["error_rate"] * report["headline"]["n"])
    first = (
        f"{len(rows)} of {wrong:,} wrong answers, those first that gave the true label the least "
        "probability. A feature is removed and the answer's log-odds are measured again: what "
        "speaks for the answer is "
    )
    if "picture" in rows[0]:
        introduction = paragraph(first + "orange, what speaks against it blue.")
        figures: Block = {"kind": "pictures", "rows": [_picture(row) for row in rows]}
        return section("mistakes", "The worst mistakes", introduction, figures)
    if "features" in rows[0]:
        introduction = paragraph(first + "above 0, what speaks against it below.")
        return section("mistakes", "The worst mistakes", introduction, *(_row(row) for row in rows))
    introduction = paragraph(
        first,
        mark("bold on orange", "for"),
        ", what speaks against it ",
        mark("dotted on blue", "against"),
        ".",
    )
    return section("mistakes", "The worst mistakes", introduction, *(_message(row) for row in rows))


def _picture(row: dict[str, Any]) -> Block:
    mistake = f"{row['true']} taken for {row['label']}"
    sure = f"{percent(row['probability'], 1)} sure of {row['label']}; {row['true']} got"
    caption = f"Example {row['place']:,}: {mistake}, {sure} {percent(row['true_probability'], 2)}."
    return {
        "picture": row["picture"],
        "alt": f"The picture: {mistake}.",
        "map": row["map"],
        "map_alt": f"What speaks for {row['label']} and what against it.",
        "caption": caption,
    }


def _row(row: dict[str, Any]) -> Block:
    head = (
        f"Example {row['place']:,}: {row['true']} taken for {row['label']}, "
        f"{percent(row['probability'], 1)} sure; {row['true']} got "
        f"{percent(row['true_probability'], 2)}"
    )
    cells = [
        [feature["name"], f"{feature['value']:.4g}", f"{feature['weight']:+.3f}"]
        for feature in row["features"]
    ]
    return table(head, ("column", "value", "speaks for the answer"), cells)


def _message(row: dict[str, Any]) -> Block:
    kind = "blocked ham" if row["true"] == "ham" else "missed spam"
    head = f"Example {row['place']:,}: {kind}, P(spam) {number(row['probability'])}"
    pieces: list[Inline] = []
    reached = 0
    for word in row["words"]:
        start, end = max(word["start"], reached), word["end"]
        if start >= end:
            continue
        pieces.append(_tidy(row["text"][reached:start]))
        name = "for" if word["weight"] > 0 else "against"
        pieces.append(mark(row["text"][start:end], name))
        reached = end
    pieces.append(_tidy(row["text"][reached:]))
    if row["cut"]:
        pieces.append(" …")
    return {"kind": "message", "head": head, "pieces": pieces}


def _tidy(piece: str) -> str:
    """Return a piece of a message without its empty lines."""
    lines = piece.split("\n")
    inner = [line for line in lines[1:-1] if line.strip()]
    return "\n".join([lines[0], *inner, *lines[-1:]] if len(lines) > 1 else lines)


def words(report: dict[str, Any]) -> Block:
    """Return the section on the effect of single words."""
    first = (
        f"Each word of {report['n']:,} messages was taken out, and the message judged again; its "
        "push is the mean fall of the log-odds of spam, in nats. All digits count as 0. The "
        "answer to "
        f"{report['n_flipped']:,} of these messages hangs on a single word."
    )
    head = ("word", "messages", "of them spam", "push", "answers turned")

    def rows(name: str) -> list[tuple[str, ...]]:
        return [
            (
                row["word"],
                f"{row['n']:,}",
                percent(row["spam_share"], 0),
                f"{row['push']:.2f}",
                f"{row['turned']:,}",
            )
            for row in report[name]
        ]

    blocks: list[Block | None] = [paragraph(first)]
    for name, caption in (
        ("towards_spam", "Words that push toward spam"),
        ("towards_ham", "Words that push toward ham"),
        ("flips", "Words whose removal turns the most answers"),
    ):
        blocks.append(table(caption, head, rows(name)) if report[name] else None)
    why = (
        "The strongest words were put at the end of correctly judged messages. One that turns "
        f"{percent(SHORTCUT, 0)} of them is a shortcut: the network relies on it more than a "
        f"person would."
    )
    blocks += [heading("Shortcuts"), paragraph(why)]
    if report["shortcuts"]:
        shortcuts = [
            (
                row["word"],
                row["towards"],
                f"{row['tried']:,}",
                f"{row['turned']:,}",
                percent(row["share"], 1),
            )
            for row in report["shortcuts"]
        ]
        top = ("word at the end", "turns to", "tried on", "turned", "share")
        blocks.append(table("Single words that turn answers", top, shortcuts, words=[1]))
    else:
        blocks.append(paragraph("No single word was found to do so."))
    return section("words", "Words that drive it, and shortcuts", *blocks)


def robustness(report: dict[str, Any]) -> Block:
    """Return the section on metrics before and after each mild change."""
    spam = "mcc" in report["headline"]
    figure = "spam caught" if spam else "accuracy"
    head = ["change", "what is done", "n", "before", "after", "points lost"]
    head += ["ham blocked"] if spam else []
    rows, marked = [], []
    for place, row in enumerate(report["robustness"]):
        cells = [row["change"], row["description"], f"{row['n']:,}"]
        cells += [percent(row["before"], 2), percent(row["after"], 2), points(row["lost"])]
        if spam:
            blocked = (row[f"blocked_ham_{when}"] for when in ("before", "after"))
            cells.append(" → ".join(percent(share, 2) for share in blocked))
        rows.append(cells)
        if row["met"] is False:
            marked.append(place)
    drawn = any("as a picture" in row["change"] for row in report["robustness"])
    aim = aimed(tasks.get(report["model"]["task"]))
    introduction = (
        f"A change that no person would mind should cost less than {100 * aim.most:g} points of "
        f"{figure}"
        f"{', the threshold being what it is' if spam else ''}. Where it costs more, the row is "
        "shaded."
    )
    if drawn:
        introduction += (
            " Changes as a picture are drawn anew, larger, and go through the picture "
            "normaliser; the others are of the network's own input."
        )
    return section(
        "robustness", "Mild changes", paragraph(introduction),
        table(f"Before and after: {figure}", head, rows, marked, words=[1]),
    )  # fmt: skip


def duplicates(report: dict[str, Any]) -> Block:
    """Return the section on examples found in the training set too."""
    again = f"{report['within']:,} of the {report['n']:,} examples repeat an earlier one of them."
    title = "Duplicates between training and test"
    if report["not_known"]:
        why = f"It is unknown which of them are in the training set: {report['not_known']}."
        return section("duplicates", title, paragraph(why), paragraph(again))
    rows = [
        ("examples measured", f"{report['n']:,}"),
        ("examples in training", f"{report['n_train']:,}"),
        ("measured examples that are in the training set too", f"{report['same']:,}"),
    ]
    if report["alike"] is not None:
        rows.append(("others that differ in digits or punctuation only", f"{report['alike']:,}"))
    rows.append(
        (
            f"accuracy on the {report['n_without']:,} that do not",
            percent(report["accuracy_without"], 2),
        )
    )
    blocks = [pairs("Overlap", rows), paragraph(again)]
    if report["examples"]:
        blocks += [
            heading("Some that are in the training set too"),
            listed(t[:200] for t in report["examples"]),
        ]
    return section("duplicates", title, *blocks)
