"""Mild changes of inputs, and their effect on a trained network.

No person would mind these changes.

A change is a function of (inputs, seed); the same seed gives the same inputs. Those of pictures
take and give (n, 28, 28) grey levels 0-255, white on black; those of texts (n,) object, each a
str. `robustness` measures a run before and after each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnguide.data.examples import Examples
from nnguide.errors import InputError
from nnguide.evaluation import metrics
from nnguide.runs import Run
from nnguide.tasks import Task

log = logging.getLogger(__name__)

LIMIT = 10_000  # examples measured by default
PICTURES_READ = 500  # of them at most that go through the normaliser, which takes milliseconds each
ENLARGED = 4  # pixels of a drawn picture to one of MNIST's form
SHORTEST = 4  # letters of a word that something is put into
WORDS_APPENDED = 30

Apply = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Change:
    """One mild change.

    Attributes:
        name: in a table and in JSON.
        description: what is done, with its extent.
        apply: (inputs, seed) -> changed inputs. Of a drawn picture (n, h, w) float in [0, 1].
        drawn: the result is a picture as a person gives it, not an array of MNIST's form, so
            it goes through the picture normaliser first.
    """

    name: str
    description: str
    apply: Apply
    drawn: bool = False


@dataclass(frozen=True)
class Aim:
    """The metric that a mild change should preserve.

    Less than `most` of it may be lost.
    """

    figure: str
    most: float


def aim(task: Task) -> Aim:
    """Return the metric that a mild change should preserve for a task."""
    figure = "accuracy" if task.threshold is None else "spam_caught"
    return Aim(figure, task.kind.may_lose)


def shift(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Move each picture by 3 pixels to a side or a corner."""
    from scipy import ndimage

    ways = [(y, x) for y in (-3, 0, 3) for x in (-3, 0, 3) if y or x]
    drawn = np.random.default_rng(seed).integers(len(ways), size=len(pictures))
    moved = [
        ndimage.shift(picture, ways[way], order=0)
        for picture, way in zip(pictures, drawn, strict=True)
    ]
    return np.array(moved).reshape(pictures.shape)


def rotate(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Turn each picture by 15 degrees, left or right."""
    from scipy import ndimage

    left = np.random.default_rng(seed).random(len(pictures)) < 0.5
    turned = [
        ndimage.rotate(picture.astype(np.float32), 15 if way else -15, reshape=False, order=1)
        for picture, way in zip(pictures, left, strict=True)
    ]
    return _levels(np.array(turned).reshape(pictures.shape))


def thicken(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Make strokes one pixel wider: the lightest of 2 by 2 pixels."""
    from scipy import ndimage

    return ndimage.grey_dilation(pictures, size=(1, 2, 2))


def thin(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Make strokes one pixel narrower: the darkest of 2 by 2 pixels."""
    from scipy import ndimage

    return ndimage.grey_erosion(pictures, size=(1, 2, 2))


def noise(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Add Gaussian noise with a std of 10 % of the range."""
    drawn = np.random.default_rng(seed).normal(0, 25.5, pictures.shape)
    return _levels(pictures + drawn)


def fade(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Halve every grey level: grey ink on black."""
    return _levels(pictures / 2)


def pale(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Draw each picture as grey ink, 0.4, on grey paper, 0.7."""
    return (0.7 - 0.3 * _enlarged(pictures)).astype(np.float32)


def invert(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Draw each picture as black ink on white paper."""
    return 1 - _enlarged(pictures)


def upper(texts: np.ndarray, seed: int) -> np.ndarray:
    """Write each text in capitals."""
    return _each(texts, seed, lambda text, random: text.upper())


def split_words(texts: np.ndarray, seed: int) -> np.ndarray:
    """Insert a space into every word of four letters or more."""
    return _each(texts, seed, lambda text, random: _into_words(text, random, " "))


def spell_out(texts: np.ndarray, seed: int) -> np.ndarray:
    """Space out all letters of every word of four letters or more."""
    return _each(texts, seed, lambda text, random: _by_word(text, " ".join))


def hide(texts: np.ndarray, seed: int) -> np.ndarray:
    """Insert an invisible character into words of four letters or more."""
    return _each(texts, seed, lambda text, random: _into_words(text, random, INVISIBLE))


def resemble(texts: np.ndarray, seed: int) -> np.ndarray:
    """Replace half of the letters by Cyrillic or Greek look-alikes."""
    return _each(texts, seed, lambda text, random: _half(text, random, LOOK_ALIKE))


def leet(texts: np.ndarray, seed: int) -> np.ndarray:
    """Replace half of the letters aeiost by the digits 431057."""
    return _each(texts, seed, lambda text, random: _half(text, random, DIGITS))


def append(texts: np.ndarray, seed: int) -> np.ndarray:
    """Append thirty everyday words, drawn for each text."""
    return _each(
        texts, seed, lambda text, random: " ".join([text, *random.choice(INNOCENT, WORDS_APPENDED)])
    )


INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
LOOK_ALIKE = str.maketrans("aceijopsxyABCEHIKMOPSTXYZ", "асеіјорѕхуАВСЕНІКМОРЅТХΥΖ")
DIGITS = str.maketrans("aeiostAEIOST", "431057431057")
_EVERYDAY = """
about after again along always another around asked because before began being better between
bring brother called carry children close coming country dinner during early enough evening every
family father first following found friend garden going great group happy heard home house idea
kitchen know later learn leave letter little live long made maybe meeting morning mother moved
music near night often old other paper people perhaps place plant quite rain reading river road
room said school second seen side sister small something story street summer table talk teacher
thank their thing think thought through today together tomorrow took town train tree under until
usual walk water week went where while window winter without work world write year yesterday young
"""
INNOCENT = tuple(_EVERYDAY.split())


def measure_again(rows: np.ndarray, seed: int) -> np.ndarray:
    """Add random noise, about 0.05 standard deviations of each column."""
    noise = np.random.default_rng(seed).normal(0, 0.05, rows.shape) * rows.std(axis=0)
    return (rows + noise).astype(np.float32)


def round_off(rows: np.ndarray, seed: int) -> np.ndarray:
    """Round each number to two significant digits."""
    with np.errstate(divide="ignore"):
        places = np.where(rows == 0, 0, np.floor(np.log10(np.abs(rows))) - 1)
    unit = 10.0**places
    return (np.round(rows / unit) * unit).astype(np.float32)


def lose_one(rows: np.ndarray, seed: int) -> np.ndarray:
    """Replace one number of each row by its column's mean."""
    changed = rows.copy()
    column = np.random.default_rng(seed).integers(rows.shape[1], size=len(rows))
    changed[np.arange(len(rows)), column] = rows.mean(axis=0)[column]
    return changed


def _change(name: str, apply: Apply, drawn: bool = False) -> Change:
    return Change(name, (apply.__doc__ or "").rstrip("."), apply, drawn)


OF_PICTURES = (
    _change("shift", shift),
    _change("rotation", rotate),
    _change("thicker strokes", thicken),
    _change("thinner strokes", thin),
    _change("noise", noise),
    _change("half contrast", fade),
    _change("low contrast, as a picture", pale, drawn=True),
    _change("inversion, as a picture", invert, drawn=True),
)
OF_NUMBERS = (
    _change("measurement noise", measure_again),
    _change("two digits", round_off),
    _change("a missing value", lose_one),
)
OF_TEXTS = (
    _change("upper case", upper),
    _change("words split", split_words),
    _change("words spelt out", spell_out),
    _change("zero-width characters", hide),
    _change("look-alike letters", resemble),
    _change("digits for letters", leet),
    _change("innocent words appended", append),
)


def robustness(
    run: Run,
    examples: Examples,
    seed: int = 0,
    limit: int | None = LIMIT,
) -> list[dict[str, Any]]:
    """Measure a run before and after each mild change.

    The examples are the same each time.

    Pictures that are changed as a person would draw them go through the normaliser, at most
    PICTURES_READ of them; one on which it sees no digit counts as answered wrongly. A threshold
    stays what it is.

    Args:
        run: whose network answers, through its light form where it has one.
        examples: raw, numbered by the run's labels.
        seed: chooses the examples and the changes.
        limit: examples measured at most, drawn at random; None takes all.
    Returns:
        JSON-able rows of change, description, n, before, after, lost (before - after), met
        (less is lost than `aim` says) and refused (pictures on which no digit was seen). before
        and after are the accuracy, or where a threshold decides the fraction of spam caught, with
        blocked_ham_before and blocked_ham_after beside it. A share of no examples is None.
    """
    aimed = aim(run.task)
    chosen = _sample(examples, limit, seed)
    answered = run.outputs(chosen.inputs)
    rows = []
    for change in run.task.kind.changes():
        log.info(f"change: {change.name}")
        count = len(chosen)
        if change.drawn and limit is not None:
            count = min(count, PICTURES_READ)
        measured = chosen.take(np.arange(count))
        changed, seen = _changed(change, measured.inputs, seed)
        before = _shares(run, answered[:count], measured.labels)
        after = _shares(run, run.outputs(changed), measured.labels, seen)
        first, second = (share[aimed.figure] for share in (before, after))
        lost = None if first is None or second is None else first - second
        row = {"change": change.name, "description": change.description, "n": count}
        row |= {"before": first, "after": second, "lost": lost}
        if run.threshold is not None:
            row["blocked_ham_before"] = before["blocked_ham"]
            row["blocked_ham_after"] = after["blocked_ham"]
        met = None if lost is None else lost < aimed.most
        rows.append({**row, "met": met, "refused": int(np.count_nonzero(~seen))})
    return rows


def _sample(examples: Examples, limit: int | None, seed: int) -> Examples:
    if limit is None or len(examples) <= limit:
        return examples
    return examples.take(np.random.default_rng(seed).permutation(len(examples))[:limit])


def _changed(change: Change, inputs: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the changed inputs, and which of them could be read.

    The inputs are as the network takes them; the second array is (n,) bool.
    """
    changed = change.apply(inputs, seed)
    seen = np.ones(len(inputs), bool)
    if not change.drawn:
        return changed, seen
    from nnguide.preprocessing.mnist_form import normalise

    pictures = np.zeros(inputs.shape, np.uint8)
    for place, grey in enumerate(changed):
        try:
            pictures[place] = normalise(grey)
        except InputError:
            seen[place] = False
    return pictures, seen


def _shares(
    run: Run, outputs: np.ndarray, labels: np.ndarray, seen: np.ndarray | None = None
) -> dict[str, float | None]:
    """Return the accuracy, or spam_caught and blocked_ham.

    A picture on which no digit is seen counts as wrong.
    """
    if run.threshold is None:
        numbers = run.decision.numbers(outputs)
        numbers = numbers if seen is None else np.where(seen, numbers, -1)
        return {"accuracy": metrics.accuracy(numbers, labels)}
    matrix = metrics.spam_confusion(outputs[:, 0], labels, run.threshold)
    return {"spam_caught": metrics.spam_caught(matrix), "blocked_ham": metrics.blocked_ham(matrix)}


def _levels(pictures: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(pictures, 0, 255)).astype(np.uint8)


def _enlarged(pictures: np.ndarray) -> np.ndarray:
    """Return pictures four times as large, smooth between pixels.

    (n, 28, 28) levels -> (n, 112, 112) float32 in [0, 1].
    """
    from scipy import ndimage

    large = ndimage.zoom(pictures.astype(np.float32), (1, ENLARGED, ENLARGED), order=1)
    return np.clip(large / 255, 0, 1)


def _each(
    texts: np.ndarray, seed: int, change: Callable[[str, np.random.Generator], str]
) -> np.ndarray:
    random = np.random.default_rng(seed)
    changed = np.empty(len(texts), object)
    changed[:] = [change(text, random) for text in texts]
    return changed


def _by_word(text: str, change: Callable[[str], str]) -> str:
    """Return `text` with each word changed.

    A word is a run of at least SHORTEST letters; the rest stays.
    """
    import re

    return re.sub(rf"[^\W\d_]{{{SHORTEST},}}", lambda match: change(match[0]), text)


def _into_words(text: str, random: np.random.Generator, characters: str) -> str:
    def change(word: str) -> str:
        place = int(random.integers(1, len(word)))
        return word[:place] + characters[int(random.integers(len(characters)))] + word[place:]

    return _by_word(text, change)


def _half(text: str, random: np.random.Generator, others: dict[int, int]) -> str:
    replaced = random.random(len(text)) < 0.5
    return "".join(
        chr(others.get(ord(letter), ord(letter))) if chosen else letter
        for letter, chosen in zip(text, replaced, strict=True)
    )
