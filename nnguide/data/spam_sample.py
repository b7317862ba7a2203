"""Built-in messages, for the spam task without other data.

Short messages and e-mails, half ham and half spam, all written for this project. People,
firms, links and telephone numbers in them are invented; domains and numbers are ones that
are reserved for examples. The set shows a network learning; it is not a measure of a spam
filter, since it holds what its authors think of as spam and not what a mailbox receives.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnguide.data.examples import Examples

LABEL_NAMES = ("ham", "spam")

_TABLE = Path(__file__).with_name("spam_sample.tsv")


def load() -> Examples:
    """Return all messages of the set, ham and spam mixed.

    Returns:
        inputs (n,) object, each a str of one line; labels (n,) int64, 0 ham and 1 spam.
    """
    rows = [line.split("\t") for line in _TABLE.read_text("utf-8").split("\n") if line]
    inputs = np.empty(len(rows), object)
    inputs[:] = [text for _, text in rows]
    labels = np.array([LABEL_NAMES.index(label) for label, _ in rows], np.int64)
    return Examples(inputs, labels, LABEL_NAMES)
