"""Text that a network reads of a mail, and its answer.

The module is light: no mail is parsed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

GUESS = 0.5  # P(spam) of a mail without subject and text: nothing is known of it
CHUNK = 65_536  # texts of records that are in memory together


class MailText(str):
    """Text of a mail: its subject, a line end, its body.

    "" where it has neither.

    Attributes:
        alternatives: other texts that the mail offers in place of this one and that say something
            else. A mail program may show any; the one most like spam counts.
        message_id: "" where the mail has none.
    """

    alternatives: tuple[str, ...] = ()
    message_id: str = ""

    @classmethod
    def of(cls, text: str, alternatives: tuple[str, ...] = (), message_id: str = "") -> MailText:
        """Return the text with its alternatives and its Message-ID."""
        made = cls(text)
        made.alternatives = alternatives
        made.message_id = message_id
        return made


def is_empty(text: object) -> bool:
    """Return whether `text` is of a mail without readable text."""
    return isinstance(text, MailText) and not text


def outputs(network: Callable[[np.ndarray], np.ndarray], texts: np.ndarray) -> np.ndarray:
    """Return the probabilities of `texts`, (n, nodes) float32.

    Of one node, which answers P(spam), alternatives are taken into account; a network of several
    nodes answers to the text itself.

    Args:
        network: (m,) object texts to (m, nodes) probabilities.
        texts: (n,) object, each a str or a MailText.
    """
    import numpy as np

    if len(texts) and hasattr(texts, "chunks"):  # records, read from a disk
        return np.concatenate([outputs(network, chunk) for chunk in texts.chunks(CHUNK)])
    mails = [row for row, text in enumerate(texts) if isinstance(text, MailText)]
    if not mails:
        return network(texts)
    others = [(row, other) for row in mails for other in texts[row].alternatives]
    every = np.empty(len(texts) + len(others), object)
    every[: len(texts)] = texts
    every[len(texts) :] = [other for _, other in others]
    answered = network(every)
    highest = np.array(answered[: len(texts)])
    if answered.shape[1] > 1:
        return highest
    for (row, _), other in zip(others, answered[len(texts) :], strict=True):
        highest[row] = np.maximum(highest[row], other)
    highest[[row for row in mails if not texts[row]]] = GUESS
    return highest
