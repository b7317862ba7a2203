"""The commands `nnguide blueprint check` and `nnguide blueprint twins`."""

from __future__ import annotations

from pathlib import Path

import click

from nnguide import cli
from nnguide.cli import _options
from nnguide.cli._blueprint_print import FewThreads, columns, finish, plot, seed
from nnguide.errors import WorkError


@click.command("twins", cls=FewThreads)
@click.option("--steps", type=click.IntRange(10), default=100, show_default=True)
@seed
@_options.as_json
def twins(steps: int, seed: int, as_json: bool) -> None:
    """Compare the same training in NumPy, PyTorch and Keras.

    It shows how far they drift apart.

    Each optimizer, in float64, from the same weights over the same batches: the
    distance of the final weights from NumPy's, in units of their norm.

    Example: nnguide blueprint twins --steps 100
    """
    cli.show_log()
    from nnguide.blueprints import twins as blueprint

    rows = list(blueprint.paths(steps, seed))
    lines = [["rule", "rate", "PyTorch", "Keras"]]
    for row in rows:
        distances = [row[engine] for engine in blueprint.OTHERS]
        words = ["not installed" if x is None else f"{x:.0e}" for x in distances]
        lines.append([row["optimizer"], row["schedule"], *words])
    finish("twins", {"steps": steps, "rows": rows}, columns(lines), as_json, None)


@click.command("check", cls=FewThreads)
@seed
@plot
@_options.as_json
def check(seed: int, plot: Path | None, as_json: bool) -> None:
    """Check backpropagation against central differences.

    Every activation with every loss, depths 1 to 5, with and without L1 and L2.
    The status is 8 when any of them disagrees.

    Example: nnguide blueprint check --seed 1
    """
    from nnguide.blueprints import gradient_check

    rows = list(gradient_check.table(seed))
    agrees = all(row["agrees"] for row in rows)
    worst = max(row["difference"] for row in rows)
    lines = [["activation", "loss", "output", "networks", "entries", "skipped", "difference", ""]]
    for row in rows:
        counts = [str(row[name]) for name in ("networks", "entries", "skipped")]
        verdict = "agrees" if row["agrees"] else "DISAGREES"
        names = [row[name] for name in ("activation", "loss", "output")]
        lines.append([*names, *counts, f"{row['difference']:.1e}", verdict])
    end = f"worst difference {worst:.1e}, at most {gradient_check.AGREEMENT:.0e} is allowed"
    data = {"rows": rows, "worst": worst, "allowed": gradient_check.AGREEMENT, "agrees": agrees}
    finish("check", data, [*columns(lines), "", end], as_json, plot)
    if not agrees:
        raise WorkError("the gradients of backpropagation and of central differences disagree")
