"""Seeded, varied inputs for the comparison of an export with its run.

They are always available.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np

from nnguide import data
from nnguide.errors import InputError

ODD = (
    "\x00\t\n\r\x85\xa0\u00ad\u0300\u0345\u200b\u200d\u2028\u202e\u3000\ufe0f\ufeff\ufffd"
    "½ﬁİıſßΣς٣Ａé😀🏳"
)
LONG = ("win " * 5000, "é" * 3000, "💰" * 1500, "a" * 5000, "0123456789 " * 500)


def texts(count: int, seed: int = 0) -> list[str]:
    """Return `count` texts.

    They are messages, messages with characters put in, and characters of all Unicode.
    """
    random = np.random.default_rng(seed)
    messages = data.find("spam", "spam_sample").load("all").inputs
    samples = ["", " ", "\x00", *LONG]
    while len(samples) < count:
        message = list(messages[random.integers(len(messages))])
        turn = len(samples) % 3
        if turn == 1:
            for place in random.integers(0, len(message) + 1, 8):
                message.insert(int(place), ODD[random.integers(len(ODD))])
        elif turn == 2:
            points = random.integers(0, 0x110000, random.integers(1, 60))
            message = [chr(p) for p in points if not 0xD800 <= p < 0xE000]
        samples.append("".join(message))
    return samples[:count]


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Return `count` pictures as float32 levels 0-255, (n, 28, 28).

    They are digits, digits in noise, and noise.
    """
    random = np.random.default_rng(seed)
    digits = data.find("digits", "optdigits").load("all").inputs
    chosen = digits[random.integers(0, len(digits), count)].astype(np.float32)
    share = np.resize(np.array([0, 0, 0.2, 1], np.float32), count)[:, None, None]
    noise = random.uniform(0, 255, chosen.shape).astype(np.float32)
    return (1 - share) * chosen + share * noise


def rows(mean: np.ndarray, std: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Return `count` rows as float32, (n, features).

    They are like the training rows, far from them, and zeros.
    """
    random = np.random.default_rng(seed)
    spread = np.resize(np.array([1, 1, 10, 0]), count)[:, None]
    return (mean + spread * std * random.normal(size=(count, len(mean)))).astype(np.float32)


def files(count: int, seed: int = 0) -> Iterator[tuple[bytes, np.ndarray]]:
    """Yield `count` picture files of digits in many sizes and formats.

    They are of any size and format that a SavedModel reads. None looks like several that touch.

    On white, grey, shaded, rough or dark paper, in black or colour, or on nothing at all. With
    each comes the digit that nnguide sees on it, (28, 28) uint8.
    """
    from nnguide.preprocessing import joined
    from nnguide.preprocessing.pictures import read

    random = np.random.default_rng(seed)
    digits = data.find("digits", "optdigits").load("all").inputs
    made = 0
    while made < count:
        levels = digits[random.integers(len(digits))]
        file = drawn(random, levels, ("PNG", "JPEG", "BMP", "GIF", "CLEAR")[made % 5])
        try:
            seen = read(file)
        except InputError:
            continue
        if joined.likely(seen[None])[0]:  # a graph sees it a little otherwise
            continue
        made += 1
        yield file, seen


def drawn(random: np.random.Generator, levels: np.ndarray, form: str) -> bytes:
    """Draw a picture file of the digit `levels` (28, 28).

    `form` CLEAR is a PNG with nothing behind the digit.
    """
    from PIL import Image

    side = int(np.exp(random.uniform(np.log(28), np.log(280))))
    size = (side, max(int(side * random.uniform(0.6, 1)), 22))
    ink = np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BICUBIC), float) / 255
    file = io.BytesIO()
    if form == "CLEAR":
        tone = np.full_like(ink, random.choice([0, 0.1, 0.9, 1]))
        rgba = np.dstack([tone, tone, tone, ink])
        Image.fromarray(np.rint(rgba * 255).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()
    paper = random.uniform(0.75, 1) * np.ones((*ink.shape, 3))
    kind = random.integers(4)
    if kind == 1:  # a shadow falls on it
        paper *= np.linspace(1, random.uniform(0.6, 0.9), ink.shape[1])[:, None]
    if kind == 2:
        paper += random.normal(0, 0.03, (*ink.shape, 1))
    colour = random.uniform(0, 0.3, 3)
    rgb = np.clip(paper + ink[..., None] * (colour - paper), 0, 1)
    if kind == 3:
        rgb = 1 - rgb
    Image.fromarray(np.rint(rgb * 255).astype(np.uint8)).save(file, form)
    return file.getvalue()
