"""An audit as one HTML file.

It loads nothing from the network, and reads well on a screen and on paper.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from nnguide import pages
from nnguide.audit import confusion, findings
from nnguide.audit.blocks import (
    Block,
    chart,
    code,
    heading,
    listed,
    pairs,
    paragraph,
    plots,
    section,
    table,
)
from nnguide.audit.collect import Audit
from nnguide.config.values import flat
from nnguide.evaluation import figures
from nnguide.evaluation import plots as drawings
from nnguide.evaluation.report import number, percent
from nnguide.files import write_text
from nnguide.pages.plots import learning

COLOURS = "Blue is right; the more frequent a mistake, the more orange it is."


def write(audit: Audit, target: Path | str) -> None:
    """Write the page of an audit to `target`, atomically."""
    write_text(target, page(audit))


def page(audit: Audit) -> str:
    """Return the HTML page of an audit."""
    report = audit.report
    model, data = report["model"], report["data"]
    sections = [
        _attention(report["attention"]),
        _model(model, report["training"]),
        _data(data),
        _training(report["training"]),
        _headline(report),
        _confusion(audit),
        _calibration(report),
        *([_thresholds(audit)] if "thresholds" in report else []),
        findings.slices(report),
        findings.mistakes(report),
        *([findings.words(report["words"])] if "words" in report else []),
        findings.robustness(report),
        findings.duplicates(report["duplicates"]),
        _use(model),
        _settings(model),
        _sign(model),
    ]
    made = pages.made()
    return pages.render(
        "audit.html",
        title=f"Audit of a {model['task']} network",
        lead=[model["run"], f"{_part(data)}. Made by {made}."],
        cards=_cards(report["headline"]),
        sections=sections,
        made=made,
    )


def _part(data: dict[str, Any]) -> str:
    split = {"test": "the test set", "all": "all examples"}.get(data["split"], data["split"])
    return f"Measured on {data['measured_on']['name']}, {split}: {data['n']:,} examples"


def interval(figures: dict[str, Any], key: str, digits: int = 2) -> str:
    """Return a fraction with its 95 % interval as text."""
    low, high = figures[f"{key}_low"], figures[f"{key}_high"]
    if figures[key] is None or low is None or high is None:
        return "undefined"
    between = f"{100 * low:.{digits}f} to {100 * high:.{digits}f}"
    return f"{percent(figures[key], digits)} ({between})"


def _cards(headline: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the first metrics of the page: name, value and interval."""
    shares = [("accuracy", "accuracy")]
    if "mcc" in headline:
        shares = [("spam caught", "spam_caught"), ("ham blocked", "blocked_ham"), *shares]
    cards = []
    for name, key in shares:
        value, _, between = interval(headline, key).partition(" (")
        cards.append((name, value, f"95 % interval {between.rstrip(')')} %" if between else ""))
    return [
        *cards,
        ("calibration error", number(headline["calibration_error"]), "0 is calibrated"),
    ]


def _attention(sentences: list[str]) -> Block:
    none = "Nothing in the metrics below stands out. That does not prove the network right."
    content = listed(sentences) if sentences else paragraph(none)
    return section("attention", "What to look at first", content)


def _model(model: dict[str, Any], training: dict[str, Any]) -> Block:
    threshold = model["threshold"]
    calibration = model["calibration"] or {}
    settings = ", ".join(f"{key} {_short(value)}" for key, value in calibration.items()) or "none"
    versions = ", ".join(f"{name} {version}" for name, version in model["versions"].items())
    rows: list[tuple[str, Any]] = [
        ("run", code(model["run"])),
        ("finished", model["created"]),
        ("made with", f"nnguide {model['nnguide']}; {versions}"),
        ("labels", ", ".join(model["labels"])),
        ("parameters", f"{training['parameters']:,}"),
        ("threshold", "the most probable label" if threshold is None else number(threshold)),
        ("calibration", settings),
        ("command that trains it again", code(model["command"])),
        ("SHA-256 of its manifest", code(model["manifest_sha256"])),
    ]
    hashes = [(code(name), code(value)) for name, value in model["files"].items()]
    return section(
        "model",
        "The model",
        pairs("Provenance", rows),
        table(
            "SHA-256 of the files that determine its answers",
            ("file", "SHA-256"),
            hashes,
            words=[1],
        ),
    )


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _settings(model: dict[str, Any]) -> Block:
    rows = [code(f"{k} = {v}") for k, v in flat(model["config"]).items() if v != ""]
    first = paragraph("To train with them again: ", code(model["command"]), ".")
    return section("settings", "Every setting it was trained with", first, listed(rows, "settings"))


def _data(data: dict[str, Any]) -> Block:
    blocks: list[Block] = []
    for title, known in (("Trained on", "trained_on"), ("Measured on", "measured_on")):
        facts = data[known]
        rows = [("name", facts["name"])]
        rows += [(key, facts[key]) for key in ("description", "origin", "terms") if facts[key]]
        if not (data["own"] and known == "trained_on"):
            blocks.append(pairs(title, rows))
        if known == "measured_on" and facts["flaws"]:
            blocks += [heading("Known flaws"), listed(facts["flaws"])]
    counts = [(name, f"{count:,}") for name, count in data["counts"].items()]
    blocks.append(paragraph(f"{_part(data)}."))
    blocks.append(table("Examples by label", ("label", "examples"), counts))
    if data["own"]:
        blocks.insert(0, paragraph("It is measured on the data set that it was trained on."))
    return section("data", "The data", *blocks)


def _training(training: dict[str, Any]) -> Block:
    def fact(key: str, digits: int | None = None) -> str:
        value = training[key]
        if value is None:
            return "undefined"
        return f"{value:,}" if digits is None else f"{value:,.{digits}f}"

    rows = [
        ("epochs, the best of them", f"{fact('epochs')}, {fact('best_epoch')}"),
        ("training examples", fact("n_train")),
        ("validation examples", fact("n_validation")),
        ("validation accuracy", percent(training["val_accuracy"], 2)),
        ("validation loss", f"{fact('val_loss', 4)} nats"),
        ("training time", f"{fact('train_seconds', 0)} s"),
        ("precision", training["runtime"]),
    ]
    blocks = [pairs("Training", rows)]
    history = training["history"]
    if "loss" in history:
        last = "; ".join(f"{key} {values[-1]:.4g}" for key, values in history.items())
        alt = f"Loss and accuracy by epoch. In the last epoch: {last}."
        caption = (
            "Learning curves. Training metrics are measured with dropout and augmentation, so they "
            "may be worse than the validation metrics."
        )
        blocks.append(plots(learning(history, training["best_epoch"]), alt, caption))
    else:
        blocks.append(paragraph("This run has no learning curves."))
    return section("training", "How it learned", *blocks)


def _headline(report: dict[str, Any]) -> Block:
    headline = report["headline"]
    rows = [("accuracy", interval(headline, "accuracy"))]
    if "mcc" in headline:
        rows += [
            ("spam caught (SC)", interval(headline, "spam_caught")),
            ("ham blocked (BH)", interval(headline, "blocked_ham")),
            ("Matthews correlation", number(headline["mcc"])),
            ("area under the ROC curve", number(headline["roc_auc"])),
            ("area under precision and recall", number(headline["pr_auc"])),
            ("threshold", f"{number(headline['threshold'])}; spam is above it"),
        ]
    of = "of spam" if "mcc" in headline else "mean over the labels"
    rows += [(f"{key} ({of})", percent(headline[key], 2)) for key in ("precision", "recall")]
    rows += [
        (f"F1 ({of})", percent(headline["f1"], 2)),
        ("loss", f"{number(headline['loss'])} nats"),
        ("calibration error", number(headline["calibration_error"])),
    ]
    why = (
        "In brackets the 95 % interval (Wilson): if other examples of the same kind were measured, "
        "the true fraction would lie in such an interval 95 times in 100. It says nothing about "
        "examples of another kind."
    )
    return section(
        "figures", "Headline metrics", pairs(f"On {report['data']['n']:,} examples", rows),
        paragraph(why),
    )  # fmt: skip


def _confusion(audit: Audit) -> Block:
    report = audit.report
    matrix, labels = report["headline"]["confusion"], report["model"]["labels"]
    right = sum(matrix[place][place] for place in range(len(labels)))
    shown = f"{right:,} examples are on the diagonal of {len(labels)} labels"
    wrong = sorted(
        (
            (count, labels[true], labels[called])
            for true, counts in enumerate(matrix)
            for called, count in enumerate(counts)
            if count and true != called
        ),
        key=lambda cell: -cell[0],
    )
    rows = [(true, called, f"{count:,}") for count, true, called in wrong[:10]]
    return section(
        "confusion",
        "Which labels it confuses",
        _matrix(audit, f"Rows are the true labels, columns the answers; {shown}."),
        table("The most frequent mistakes", ("true", "answered", "times"), rows, words=[1])
        if rows
        else None,
    )


def _matrix(audit: Audit, caption: str) -> Block:
    """Return the confusion matrix of the page.

    Its cells open; where there are too many labels it is a picture.
    """
    if len(audit.report["model"]["labels"]) <= figures.MOST_NUMBERS:
        return confusion.matrix(audit, f"{caption} {COLOURS} Click one to see examples.")
    headline = audit.report["headline"]
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder, "confusion.png")
        figures.confusion(headline["confusion"], audit.examples.label_names, drawn)
        return chart(drawn, f"Confusion matrix. {caption}", caption)


def _calibration(report: dict[str, Any]) -> Block:
    error = number(report["headline"]["calibration_error"])
    alt = f"Calibration diagram of {len(report['calibration'])} bins; calibration error {error}."
    caption = (
        "How often an answer with a given probability is right, in bins of equally many "
        "examples, with 95 % intervals. On the dotted line 90 % means 90 times in 100."
    )
    rows = [
        (percent(row["stated"], 2), percent(row["observed"], 2), f"{row['n']:,}")
        for row in report["calibration"]
    ]
    return section(
        "calibration",
        "Calibration of its probabilities",
        plots([drawings.reliability(report["calibration"])], alt, caption),
        table("The bins", ("stated", "observed", "examples"), rows),
    )


def _thresholds(audit: Audit) -> Block:
    report = audit.report
    used = report["headline"]["threshold"]
    rows = [
        (
            number(row["threshold"]),
            percent(row["spam_caught"], 2),
            percent(row["blocked_ham"], 2),
            number(row["mcc"]),
            percent(row["accuracy"], 2),
        )
        for row in report["thresholds"]
    ]
    marked = [n for n, row in enumerate(report["thresholds"]) if row["threshold"] == used]
    headline = report["headline"]
    pairs_of = (("roc", "blocked_ham", "spam_caught"), ("pr", "recall", "precision"))
    roc, pr = (
        None if report[key] is None else [(row[x], row[y]) for row in report[key]]
        for key, x, y in pairs_of
    )
    areas = f"area {number(headline['roc_auc'])} and {number(headline['pr_auc'])}"
    return section(
        "thresholds",
        "The threshold",
        paragraph(
            "What other thresholds would do here. The one in use is shaded. It was not chosen on "
            "these examples, and should not be: nnguide threshold chooses it on out-of-fold or "
            "validation predictions."
        ),
        table(
            "Spam caught and ham blocked by threshold",
            ("threshold", "spam caught", "ham blocked", "MCC", "accuracy"),
            rows,
            marked,
        ),
        plots(
            drawings.thresholds(audit.outputs[:, 0], audit.examples.labels, headline),
            "Spam caught and ham blocked by threshold; the table above has the values.",
            "Spam caught and ham blocked, by threshold. The dotted line is the chosen one.",
        ),
        plots(
            drawings.curves(roc, pr, headline),
            f"ROC curve and precision-recall curve, {areas}.",
            f"ROC, and precision against recall: {areas}. The diamond is the chosen threshold.",
        ),
    )


def _use(model: dict[str, Any]) -> Block:
    return section(
        "use",
        "Intended use and limits",
        heading("What it is for"),
        listed(model["intended"]),
        heading("What it cannot do, and must not be used for"),
        listed(model["limits"]),
    )


def _sign(model: dict[str, Any]) -> Block:
    lines = (
        "Name and role",
        "Used for",
        "Conditions, and who monitors them",
        "Next audit by",
        "Decision (approved, approved with conditions, refused)",
        "Date and signature",
    )
    who = (
        "I have read this report, the slices, mistakes and limits above all, and judge the model "
        "with the manifest"
    )
    return section(
        "sign",
        "Signature",
        paragraph(f"{who} ", code(model["manifest_sha256"]), ":"),
        {"kind": "sign", "lines": lines},
    )
