"""Learning from corrections, one by one.

Near copies change at once, other texts when the learning has proved to be right. Two parts, since
few corrections and many are two things:

- **Near copies.** A text that shares more than half of its words and pairs of words with a
  corrected one, and two fifths of those it begins with, has that one's label. (Replies and mails of
  one list share what they end with.)
- **A linear model** over the hashes of words and pairs, beside the network's own log-odds, learned
  by one gradient step a correction. It takes part only as far as it is better than the network
  alone: before each step both are scored by the correction, and only the sum of what it gains
  counts. An owner who corrects mistakes alone says nothing of where the network is right; so what
  is gained on mistakes counts no more than in proportion to the answers that were confirmed. Until
  then every answer but those to near copies stays as it is, bit for bit.

Sources: Dawid, Present position and potential developments: the prequential approach (1984), for
scoring before learning; Broder, On the resemblance of documents (1997), for near copies; Goodman &
Yih, Online discriminative spam filter training (2006), for the gradient steps.
"""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass

import numpy as np

from nnguide.data.distinct import distinct_key
from nnguide.data.mail.text import MailText
from nnguide.preprocessing.word_hashes import word_hashes

ALIKE = 0.5  # near copies share more than this fraction of all their words and pairs
BEGIN_ALIKE = 0.4  # and more than this one of those they begin with
BEGINNING = 20  # words that a text begins with
FEWEST = 10  # words and pairs that near copies have in common at least
SIGNATURE = 64  # smallest hashes by which near copies are looked for
REMEMBERED = 10_000  # last corrections that near copies are looked for; a journal holds fewer
LOOKED_AT = 0.25  # fraction of equal smallest hashes from which two texts are compared whole
BUCKETS = 2**18  # weights that the hashes share
RATE = 8.0  # learning rate of the words and pairs
RATE_OF_NETWORK = 1 / 64  # and of the weight of the network's own log-odds
DOUBT = 10.0  # nats that the linear model must gain before it takes part
EASE = 5.0  # nats above that in which it comes to take part whole
SURE = 16.0  # log-odds beyond which float32 tells little apart
_NEAR = (2.0, 8.0)  # log-odds beyond the threshold of the least similar copy, and more of an equal


@dataclass(frozen=True, eq=False)
class Features:
    """Features of a text.

    Attributes:
        identifier: 32 hexadecimal digits of a SHA-256, that texts share which differ in case and
            white space at most.
        whole: (n,) uint32, the hashes of its words and pairs of words.
        beginning: (m,) uint32, those of the first BEGINNING words.
    """

    identifier: str
    whole: np.ndarray
    beginning: np.ndarray

    @classmethod
    def of(cls, text: str) -> Features:
        """Return the features of `text`.

        Those of a mail include the alternatives to its text.
        """
        if isinstance(text, MailText):
            text = "\n".join([text, *text.alternatives])
        key = distinct_key(text).encode("utf-8", "surrogatepass")
        identifier = hashlib.sha256(key).hexdigest()[:32]
        return cls(identifier, word_hashes(text), word_hashes(text, BEGINNING))

    @functools.cached_property
    def signature(self) -> np.ndarray:
        """MinHash signature of the text, (SIGNATURE,) uint32.

        It has the smallest of the hashes under each of SIGNATURE other hashes.
        """
        if not len(self.whole):
            return np.zeros(SIGNATURE, np.uint32)
        spread = self.whole.astype(np.uint64) * _FACTORS[:, None]
        return (spread >> np.uint64(32)).min(axis=1).astype(np.uint32)

    def similarity(self, other: Features) -> float:
        """Return how similar two texts are.

        It is in (0.5, 1] for near copies and 0 for all others.
        """
        common = _common(self.whole, other.whole)
        whole = common / max(len(self.whole) + len(other.whole) - common, 1)
        if whole == 1:
            return 1.0
        if whole <= ALIKE or common < FEWEST:
            return 0.0
        common = _common(self.beginning, other.beginning)
        beginning = common / (len(self.beginning) + len(other.beginning) - common)
        return whole if beginning > BEGIN_ALIKE else 0.0


def _common(hashes: np.ndarray, others: np.ndarray) -> int:
    return len(np.intersect1d(hashes, others, assume_unique=True))


@dataclass(frozen=True)
class Match:
    """Correction that is nearest to a text.

    Attributes:
        place: of the correction, in the order that they were learned in.
        similarity: in (0.5, 1]; 1 is the same words and pairs.
        is_same: the same text.
    """

    place: int
    similarity: float
    is_same: bool


class Learner:
    """Learner of corrections.

    The same corrections in the same order always change the same.
    """

    def __init__(self, threshold: float, most: int = REMEMBERED) -> None:
        """Start without corrections.

        Args:
            threshold: the run's, in [0, 1], across which a near copy is moved.
            most: of how many corrections, the last ones, near copies are looked for.
        """
        self._most = most
        self.threshold = np.float32(threshold)
        self._turn = log_odds(min(max(threshold, 1e-4), 1 - 1e-4))
        self._count = 0
        self._features: list[Features] = []  # of the last `most`, in turn; so are the next two
        self._is_spam: list[bool] = []
        self._signatures = np.zeros((0, SIGNATURE), np.uint32)
        self._weights = np.zeros(BUCKETS)
        self._of_network = 1.0
        self._gained = -DOUBT
        self._confirmed = self._mistaken = 0

    def __len__(self) -> int:
        return self._count

    def learn(self, features: Features, probability: float | None, is_spam: bool) -> None:
        """Learn one correction.

        Args:
            features: of a text.
            probability: the network's P(spam); where it is not known, only near copies turn.
            is_spam: the truth.
        """
        if probability is not None:
            self._learn_linear(features, probability, is_spam)
        self._remember(features, is_spam)

    def _learn_linear(self, features: Features, probability: float, is_spam: bool) -> None:
        own = log_odds(probability)
        places, scale = _places(features.whole)
        score = self._linear(places, scale, own)
        self._score(own, score, is_spam, (np.float32(probability) > self.threshold) == is_spam)
        step = is_spam - _sigmoid(score)
        self._weights[places] += RATE * step * scale
        self._of_network += RATE_OF_NETWORK * step * own

    def _score(self, own: float, score: float, is_spam: bool, right: bool) -> None:
        sign = 1 if is_spam else -1
        gained = float(np.logaddexp(0, -sign * own) - np.logaddexp(0, -sign * score))
        self._confirmed += right
        self._mistaken += not right
        if not right:
            gained *= min(1.0, self._confirmed / self._mistaken)
        self._gained = min(self._gained + gained, 4 * EASE)

    def _remember(self, features: Features, is_spam: bool) -> None:
        held = len(self._features)
        if held == self._most:
            at = self._count % held
            self._features[at], self._is_spam[at] = features, is_spam
        else:
            at = held
            self._features.append(features)
            self._is_spam.append(is_spam)
        if at == len(self._signatures):
            grown = np.zeros((max(16, 2 * at), SIGNATURE), np.uint32)
            grown[:at] = self._signatures
            self._signatures = grown
        self._signatures[at] = features.signature
        self._count += 1

    def probability(self, features: Features, probability: np.float32) -> np.float32:
        """Return P(spam) of a text with these features.

        The network says `probability`.
        """
        share = self.share
        match = self.match(features)
        if match is None and not share:
            return probability
        own = log_odds(float(probability))
        score = own
        if share:
            score += share * (self._linear(*_places(features.whole), own) - own)
        if match is None:
            return np.float32(_sigmoid(score))
        least, more = _NEAR
        beyond = least + more * (match.similarity - ALIKE) / (1 - ALIKE)
        if self._is_spam[match.place % len(self._is_spam)]:
            corrected = np.float32(_sigmoid(max(score, min(self._turn + beyond, SURE))))
            return np.maximum(corrected, np.nextafter(self.threshold, np.float32(1)))
        corrected = np.float32(_sigmoid(min(score, max(self._turn - beyond, -SURE))))
        return np.minimum(corrected, self.threshold)

    @property
    def share(self) -> float:
        """Weight of the linear model, in [0, 1)."""
        return 1 - math.exp(-self._gained / EASE) if self._gained > 0 else 0.0

    def match(self, features: Features, first: int | None = None) -> Match | None:
        """Return the correction whose nearest copy a text is.

        Of equal ones it is the latest.

        Args:
            first: only of so many that were learned first, and are still remembered.
        """
        matches = self.matches(features)
        if first is not None:
            matches = [match for match in matches if match.place < first]
        return max(
            matches, key=lambda match: (match.is_same, match.similarity, match.place), default=None
        )

    def matches(self, features: Features) -> list[Match]:
        """Return all corrections of which a text is a near copy."""
        held = len(self._features)
        equal = (self._signatures[:held] == features.signature).mean(axis=1)
        matches = []
        for at in np.flatnonzero(equal >= LOOKED_AT).tolist():
            other = self._features[at]
            is_same = features.identifier == other.identifier
            similarity = 1.0 if is_same else features.similarity(other)
            if similarity:
                place = self._count - 1 - (self._count - 1 - at) % held
                matches.append(Match(place, similarity, is_same))
        return matches

    def _linear(self, places: np.ndarray, scale: float, own: float) -> float:
        return float(self._weights[places].sum() * scale + self._of_network * own)


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability, within SURE of 0."""
    least = _sigmoid(-SURE)
    inside = min(max(probability, least), 1 - least)
    return math.log(inside / (1 - inside))


def _sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-score)) if score > -700 else 0.0


def _places(hashes: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the distinct weights of a text, and a factor.

    The factor makes its length one.
    """
    places = np.unique(hashes % BUCKETS).astype(np.int64)
    return places, 1 / math.sqrt(max(len(places), 1))


def _factors() -> np.ndarray:
    number, factors = 14, []
    for _ in range(SIGNATURE):  # Knuth's linear congruential generator
        number = (number * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        factors.append(number | 1)
    return np.array(factors, np.uint64)


_FACTORS = _factors()
