"""Verdicts on mail, by a run in its light form."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnguide import feedback, runs
from nnguide.data.mail import MailText
from nnguide.data.mail.message import read_mail
from nnguide.errors import ConfigError, InputError, RunError
from nnguide.feedback.corrections import FORGET, LabelledText, Layer, journal, record
from nnguide.serving.filtering.envelope import without_from_line

if TYPE_CHECKING:
    from nnguide.serving.filtering.reasons import WordScores

SPAM, HAM, UNSURE = "spam", "ham", "unsure"
RETRY = 1.0  # seconds after which corrections that could not be read are tried again
_TRIAL = b"Subject: Lunch\n\nAre we still meeting at one?\n"


@dataclass(frozen=True)
class Verdict:
    """Verdict of a run on one mail.

    Attributes:
        probability: of spam.
        threshold: of the run; above it a mail is spam.
        is_spam: the run's decision.
        guess: the mail has neither subject nor text.
        words: those that weighed most, where they were asked for.
        by_feedback: the network alone gave the other label; its owner's corrections turned it.
    """

    probability: float
    threshold: float
    is_spam: bool
    guess: bool = False
    words: tuple[str, ...] = ()
    by_feedback: bool = False

    @property
    def label(self) -> str:
        """Label of the mail: spam, unsure or ham.

        It is unsure where spam is more likely than not, yet not above the threshold.
        """
        if self.is_spam:
            return SPAM
        return UNSURE if self.probability > 0.5 else HAM

    @property
    def reason(self) -> str:
        """Words that weighed most, on one line."""
        if self.guess:
            return "neither subject nor text, so this is a guess"
        if self.by_feedback:
            return "feedback: such mail was corrected"
        return ", ".join(self.words) or "no single word"


class Judge:
    """A run that judges mail, with its owner's corrections.

    Threads may share it.

    Attributes:
        note: on corrections of a network before that are not used; "" without any.
    """

    def __init__(self, name: str, anyway: bool = False) -> None:
        """Open the run that `name` means, and try it.

        Args:
            anyway: also one that never learned from mail.
        Raises:
            ConfigError: no spam run, or one that never learned from mail.
            RunError: none, a damaged one, one without a light form, or damaged corrections.
        """
        self.run = runs.load(name, ["mail"])
        if self.run.task.name != "spam" or self.run.threshold is None:
            raise ConfigError(f"a filter takes a spam run; {self.run.folder} is not one")
        if not anyway:
            self.run.check_learned("mail")
        if self.run.engine != "light":
            raise RunError(
                f"{self.run.folder} has no light form that runs here, and a filter cannot wait for "
                "Keras. Train it again with this nnguide."
            )
        self.threshold = self.run.threshold
        self._scores: WordScores | None = None
        self.note = feedback.unused(self.run, name)
        self._journal = journal(self.run)
        self._layer = Layer(self.threshold, ())
        self._turn = threading.Lock()
        self._state: tuple[int, ...] | None = None  # of the journal when it was read
        self._failed: tuple[str, float, tuple[int, ...]] = ("", 0.0, ())  # why, when, its state
        self.refresh()

    def try_out(self) -> None:
        """Judge a test mail, so that the first real one is quick."""
        self.verdict(_TRIAL)

    def verdict(self, raw: bytes, with_words: bool = True) -> Verdict:
        """Return the verdict on one mail.

        The mail may have a From line in front.

        Raises:
            InputError: it is no mail, or beyond the reader's bounds.
            RunError: the network is damaged.
        """
        text = self._text(raw)
        layer = self._layer if self._layer.corrections else None
        [answer] = self.run.predict([text], "light", feedback=layer)
        if isinstance(answer, InputError):
            raise answer
        is_spam = answer.label == self.run.labels[1]
        alone = answer.without_feedback or answer
        by_feedback = alone.label != answer.label
        words: tuple[str, ...] = ()
        if with_words and not answer.guess:
            words = ("feedback",) if by_feedback else tuple(self._words(text, is_spam))
        return Verdict(
            answer.probability, self.threshold, is_spam, answer.guess, words, by_feedback
        )

    def _text(self, raw: bytes) -> MailText:
        return read_mail(without_from_line(raw)).text

    def refresh(self) -> None:
        """Load new corrections; threads wait for each other.

        Raises:
            RunError: the corrections cannot be read; the earlier ones stay. They are tried again
                when their file changes, and every RETRY seconds; this is raised once.
        """
        if self._journal.state == self._state:
            return
        with self._turn:
            state = self._journal.state
            why, when, failed = self._failed
            if state == self._state:
                return
            if why and state == failed and time.monotonic() - when < RETRY:
                return
            try:
                self._layer.take(self._journal.read())
            except RunError as error:
                self._failed = (str(error), time.monotonic(), state)
                if str(error) != why:
                    raise
            else:
                self._state, self._failed = state, ("", 0.0, ())

    def tell(self, raw: bytes, label: str) -> bool:
        """Correct the verdict on a mail; `refresh` loads the correction.

        Args:
            label: spam, ham or forget.
        Returns:
            Whether that changed a correction.
        Raises:
            InputError: it is no mail, or has no text.
            RunError: the corrections are damaged.
            WriteError: they cannot be written.
        """
        known = record(self.run, LabelledText.of("the mail", label, self._text(raw)), self._journal)
        earlier = known and known.label
        return earlier is not None if label == FORGET else earlier != label

    def _words(self, text: MailText, is_spam: bool) -> list[str]:
        """Return the words that weighed most in the deciding alternative."""
        import numpy as np

        from nnguide.serving.filtering import reasons

        if self._scores is None:
            self._scores = reasons.WordScores(lambda texts: self.run.outputs(texts, "light"))

        counts = str(text)
        if text.alternatives:
            several = np.empty(1 + len(text.alternatives), object)
            several[:] = [str(text), *text.alternatives]
            counts = several[self.run.outputs(several, "light")[:, 0].argmax()]
        return reasons.words(self._scores, counts, is_spam)
