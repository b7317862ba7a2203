"""An evaluation as text: a headline, tables and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

WIDEST_MATRIX = 20  # labels; of a larger confusion matrix only the most frequent mistakes are shown
LONGEST_NAME = 16  # characters of a label's name in a table


class Grid(NamedTuple):
    """A table of text.

    Columns are as wide as needed; the first is aligned left, the others right.

    Attributes:
        head: the columns' names; none where the first column names the rows.
        rows: of texts.
        title: a line above; "" for none.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def __str__(self) -> str:
        if not self.head:
            width = max(len(name) for name, _ in self.rows)
            return "\n".join(f"{name:<{width}}  {value}" for name, value in self.rows)
        rows = [self.head, *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.head))]
        text = [
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([self.title, *text] if self.title else text)


def lines(metrics: dict[str, Any], label_names: Sequence[str]) -> str:
    """Return the metrics as text without a final newline.

    Args:
        metrics, label_names: as for `blocks`.
    """
    return "\n\n".join(map(str, blocks(metrics, label_names)))


def blocks(metrics: dict[str, Any], label_names: Sequence[str]) -> list[str | Grid]:
    """Return the metrics as a headline and tables.

    The headline says what was measured.

    Args:
        metrics: theirs; task, dataset, split and dataset_is_fallback head the text where present.
        label_names: k names, in label order.
    """
    names = [shown(name) for name in label_names]
    subject = [metrics[key] for key in ("task", "dataset", "split") if metrics.get(key)]
    if metrics.get("dataset_is_fallback"):
        subject.append("built in, a stand-in for real data")
    made: list[str | Grid] = [", ".join([*subject, f"{metrics['n']:,} examples"])]
    made.append(_spam(metrics) if "mcc" in metrics else _headline(metrics))
    if "per_class" in metrics:
        made.append(_per_class(metrics["per_class"], metrics["n"]))
    if len(names) <= WIDEST_MATRIX:
        made.append(_matrix(metrics["confusion"], names))
    elif mistakes := _mistakes(metrics["confusion"], names):
        made.append(mistakes)
    return made


def threshold_grid(rows: Sequence[dict[str, Any]], chosen: float | None = None) -> Grid:
    """Return the rows of `threshold_table` as a table.

    The row of the `chosen` threshold is marked.
    """
    body = [
        [
            number(row["threshold"]),
            percent(row["spam_caught"], 2),
            percent(row["blocked_ham"], 2),
            number(row["mcc"]),
            percent(row["accuracy"], 2),
            "<- chosen" if row["threshold"] == chosen else "",
        ]
        for row in rows
    ]
    return Grid(["threshold", "spam caught", "ham blocked", "MCC", "accuracy", ""], body)


def left_out_grid(rows: Sequence[dict[str, Any]]) -> Grid:
    """Return the rows of `thresholds.left_out` as a table."""
    body = [
        [
            row["source"],
            f"{row['n_ham']:,}",
            number(row["threshold"]),
            percent(row["blocked_ham"], 2),
            percent(row["spam_caught"], 2),
            number(row["calibration_error"]),
        ]
        for row in rows
    ]
    head = ["left out of the choice", "ham", "threshold", "ham blocked", "spam caught"]
    return Grid([*head, "calibration error"], body)


def percent(share: float | None, digits: int) -> str:
    """Return 0.9937 as "99.37 %", and None as "undefined"."""
    return "undefined" if share is None else f"{100 * share:.{digits}f} %"


def number(value: float | None) -> str:
    """Return 0.95 as "0.9500".

    Near 0 and 1 there are more digits where four would hide the difference.
    """
    if value is None:
        return "undefined"
    text = f"{value:.4f}"
    if value not in (0, 1) and float(text) in (0, 1):
        return f"{value:.3g}" if value < 0.5 else f"{value:.10g}"
    return text


def shown(name: str) -> str:
    """Return a label's name, printable and not too long."""
    name = "".join(character if character.isprintable() else "?" for character in name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _digits(n: int) -> int:
    """Return how many decimals a percentage of `n` examples needs.

    One example of `n` then differs from none.
    """
    return 1 if n < 2000 else 2 if n < 20_000 else 3


def _share(metrics: dict[str, Any], key: str) -> str:
    digits = _digits(metrics["n"])
    low, high = metrics[f"{key}_low"], metrics[f"{key}_high"]
    if low is None:
        return percent(None, digits)
    between = f"{100 * low:.{digits}f} to {percent(high, digits)}"
    return f"{percent(metrics[key], digits)} (95 % interval {between})"


def _headline(metrics: dict[str, Any]) -> Grid:
    digits = _digits(metrics["n"])
    rows = [["accuracy", _share(metrics, "accuracy")]]
    rows.append(["error rate", percent(metrics["error_rate"], digits)])
    rows.append(["loss", f"{number(metrics['loss'])} nats"])
    rows += [[f"{key} (mean)", percent(metrics[key], digits)] for key in ("precision", "recall")]
    rows.append(["F1 (mean)", percent(metrics["f1"], digits)])
    rows.append(["calibration error", number(metrics["calibration_error"])])
    if "refused" in metrics:
        rows.append(["answered none", _share(metrics, "refused")])
        rows.append(["accuracy of the others", percent(metrics["answered_accuracy"], digits)])
    return Grid((), rows)


def _spam(metrics: dict[str, Any]) -> Grid:
    digits = _digits(metrics["n"])
    rows = [
        ["accuracy", _share(metrics, "accuracy")],
        ["error rate", percent(metrics["error_rate"], digits)],
        ["spam caught (SC)", _share(metrics, "spam_caught")],
        ["ham blocked (BH)", _share(metrics, "blocked_ham")],
        ["MCC", number(metrics["mcc"])],
        ["precision", percent(metrics["precision"], digits)],
        ["recall", percent(metrics["recall"], digits)],
        ["F1", percent(metrics["f1"], digits)],
        ["ROC area", number(metrics["roc_auc"])],
        ["precision-recall area", number(metrics["pr_auc"])],
        ["loss", f"{number(metrics['loss'])} nats"],
        ["calibration error", number(metrics["calibration_error"])],
        ["threshold", f"{number(metrics['threshold'])} (spam is above it)"],
    ]
    return Grid((), rows)


def _per_class(rows: Sequence[dict[str, Any]], n: int) -> Grid:
    digits = _digits(n)
    body = [
        [shown(row["label"]), f"{row['n']:,}"]
        + [percent(row[key], digits) for key in ("precision", "recall", "f1")]
        for row in rows
    ]
    return Grid(["label", "n", "precision", "recall", "F1"], body)


def _matrix(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Grid:
    body = [
        [name, *(str(count) if count else "." for count in counts)]
        for name, counts in zip(names, matrix, strict=True)
    ]
    return Grid(["", *names], body, "rows: true labels, columns: predicted labels")


def _mistakes(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Grid | None:
    cells = [
        (count, names[true], names[called])
        for true, counts in enumerate(matrix)
        for called, count in enumerate(counts)
        if count and true != called
    ]
    if not cells:
        return None
    cells.sort(key=lambda mistake: -mistake[0])
    body = [[true, called, str(count)] for count, true, called in cells[:10]]
    return Grid(["true", "predicted", "times"], body, "the most frequent mistakes")
