"""A Matplotlib figure in the colours and dashes of all blueprint plots.

The colours are those of Okabe and Ito, which colour-blind readers can distinguish; curves also
differ in their dashes, for black-and-white prints.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnguide.errors import ConfigError
from nnguide.files import atomic

Data = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))
STYLE = {
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 2,
}


def require_drawable(target: Path | str) -> None:
    """Raise ConfigError for a file type that cannot be drawn.

    Raises:
        ConfigError: another ending than .png, .svg or .pdf.
    """
    if Path(target).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"a plot's file ends in .png, .svg or .pdf; got {Path(target).name!r}")


@contextlib.contextmanager
def canvas(
    target: Path | str, columns: int = 1, size: tuple[float, float] | None = None
) -> Iterator[Any]:
    """Yield the axes of a figure, then write it to `target`.

    The axes are one row of `columns`.

    Raises:
        ConfigError: a file type that cannot be drawn.
        WriteError: the file cannot be written.
    """
    target = Path(target)
    require_drawable(target)
    from matplotlib import rc_context, rcsetup
    from matplotlib.figure import Figure  # without pyplot: no window, no global state

    figure = Figure(size or (5.2 * columns + 1.6, 4.6), layout="constrained")
    style: Any = {**STYLE, "axes.prop_cycle": rcsetup.cycler(color=COLOURS, linestyle=DASHES)}
    with rc_context(style):
        yield figure.subplots(1, columns)
        with atomic(target) as beside:
            figure.savefig(beside, dpi=150)


def label_axes(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if x.startswith(("epoch", "step", "unit", "layer")):
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
