#!/usr/bin/env python3
"""Draw docs/figures/augmentation.png: drawn digits through each effect of paper, pens and cameras.

python scripts/draw_augmentation.py [FILE]
"""

import sys
from pathlib import Path

import numpy as np

from nnguide import logs
from nnguide.data import hands

SHOWN = 10  # pictures a row


def main() -> None:
    """Write the picture."""
    tf = logs.tensorflow()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from nnguide.preprocessing import paper

    pictures = tf.constant(hands.drawn(SHOWN, 3).inputs, tf.float32)
    rows = {"as drawn": pictures.numpy()}
    for number, (name, effect) in enumerate(paper.EFFECTS.items()):
        rows[name] = np.clip(effect(pictures, tf.constant([5, number])).numpy(), 0, 255)
    figure, axes = pyplot.subplots(len(rows), 1, figsize=(6.4, 0.62 * len(rows)))
    for axis, (name, row) in zip(axes, rows.items(), strict=True):
        padded = np.pad(row, ((0, 0), (1, 1), (1, 1)), constant_values=128)
        axis.imshow(np.concatenate(list(padded), axis=1), cmap="gray", vmin=0, vmax=255)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        axis.spines[:].set_visible(False)
    figure.subplots_adjust(left=0.24, right=0.99, top=0.995, bottom=0.005, hspace=0.06)
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/figures/augmentation.png")
    figure.savefig(target, dpi=110)
    print(target)


if __name__ == "__main__":
    main()
