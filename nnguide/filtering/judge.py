"""One mail to a verdict, by a run in its light form."""

from __future__ import annotations

from dataclasses import dataclass

from nnguide import runs
from nnguide.data.mail import MailText
from nnguide.data.mail.message import read_mail
from nnguide.errors import ConfigError, InputError, RunError
from nnguide.filtering.envelope import without_from_line

SPAM, HAM, UNSURE = "spam", "ham", "unsure"
_TRIAL = b"Subject: Lunch\n\nAre we still meeting at one?\n"


@dataclass(frozen=True)
class Verdict:
    """What a run says of one mail.

    Attributes:
        probability: of spam.
        threshold: of the run; above it a mail is spam.
        is_spam: the run's decision.
        guess: the mail has neither subject nor text.
        words: those that weighed most, where they were asked for.
    """

    probability: float
    threshold: float
    is_spam: bool
    guess: bool = False
    words: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """spam; unsure: more likely spam than not, yet not above the threshold; else ham."""
        if self.is_spam:
            return SPAM
        return UNSURE if self.probability > 0.5 else HAM

    @property
    def reason(self) -> str:
        """Why, on one line: the words that weighed most."""
        if self.guess:
            return "neither subject nor text, so this is a guess"
        return ", ".join(self.words) or "no single word"


class Judge:
    """A run that judges mail; threads may share it."""

    def __init__(self, name: str, anyway: bool = False) -> None:
        """Open the run that `name` means, and try it.

        Args:
            anyway: also one that never learned from mail.
        Raises:
            ConfigError: no spam run, or one that never learned from mail.
            RunError: none, a damaged one, or one without a light form.
        """
        self.run = runs.load(name)
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

    def try_out(self) -> None:
        """Judge a mail, so that the first one on its way is not late."""
        self.verdict(_TRIAL)

    def verdict(self, raw: bytes, with_words: bool = True) -> Verdict:
        """The verdict on one mail, with or without a From line in front.

        Raises:
            InputError: it is no mail, or beyond the reader's bounds.
            RunError: the network is damaged.
        """
        text = read_mail(without_from_line(raw)).text
        [answer] = self.run.predict([text], "light")
        if isinstance(answer, InputError):
            raise answer
        is_spam = answer.label == self.run.labels[1]
        words: tuple[str, ...] = ()
        if with_words and not answer.guess:
            words = tuple(self._words(text, is_spam))
        return Verdict(answer.probability, self.threshold, is_spam, answer.guess, words)

    def _words(self, text: MailText, is_spam: bool) -> list[str]:
        """The words that weighed most in the alternative that counts."""
        import numpy as np

        from nnguide.filtering import reasons

        counts = str(text)
        if text.alternatives:
            several = np.empty(1 + len(text.alternatives), object)
            several[:] = [str(text), *text.alternatives]
            counts = several[self.run.outputs(several, "light")[:, 0].argmax()]
        return reasons.words(lambda texts: self.run.outputs(texts, "light"), counts, is_spam)
