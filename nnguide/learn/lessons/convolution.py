"""Lesson: convolution of a digit with ReLU, pooling and stride.

A kernel of nine numbers slides over the digit; its sum is shown at each place.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from nnguide.blueprints.convolution import KERNELS, convolve, digit, max_pool
from nnguide.errors import InputError
from nnguide.explain import layers
from nnguide.learn import figures as f
from nnguide.learn.controls import Choice, Picture, Saved, Slider
from nnguide.learn.controls import Numbers as Grid
from nnguide.learn.lesson import Lesson, Numbers, Passage, Question, State

OWN, LEARNED = "own", "learned"
MOST = 512  # learned kernels that can be chosen


def pixels(label: str, drawn: str) -> np.ndarray:
    """Return a real or drawn digit of 8×8 pixels.

    Its levels are 0 to 16; the drawn one is reduced to that size.
    """
    if label != "drawn":
        return digit(int(label)).astype(float)
    if not drawn:
        return np.zeros((8, 8))
    levels = np.frombuffer(base64.b64decode(drawn), np.uint8).reshape(28, 28).astype(float)
    padded = np.pad(levels, 2)  # 32×32, so that each pixel is the mean of 4×4
    return np.round(padded.reshape(8, 4, 8, 4).mean(axis=(1, 3)) / 255 * 16)


def learned(run: str) -> np.ndarray:
    """Return the kernels (n, 3, 3) of a saved network.

    A kernel over several channels gives nine weights for each of them.

    Raises:
        InputError: its first layer has no kernels of 3×3.
    """
    kernels = layers.opened(run).kernels
    if kernels.shape[2:] != (3, 3):
        raise InputError(
            "expected a network whose first layer is a convolution of 3×3; got weights of "
            f"{kernels.shape[2]}×{kernels.shape[3]}. Choose another network."
        )
    return kernels.reshape(-1, 3, 3).astype(float)


def numbers(
    label: str,
    drawn: str,
    kernel: str,
    own: Any,
    run: str,
    number: int,
    stride: int,
    row: int,
    column: int,
) -> Numbers:
    a = pixels(label, drawn)
    if kernel == "learned":
        every = learned(run)
        K = every[(number - 1) % len(every)]
    else:
        K = np.array(own, float).reshape(3, 3) if kernel == "own" else KERNELS[kernel].astype(float)
    z = convolve(a, K)  # (6, 6)
    relu = np.maximum(z, 0)
    pooled = max_pool(relu)  # (3, 3)
    strided = convolve(a, K, stride=stride)

    window = a[row - 1 : row + 2, column - 1 : column + 2]
    products = window * K
    total = z[row - 1, column - 1]
    return dict(
        a=a,
        K=K,
        z=z,
        relu=relu,
        pooled=pooled,
        strided=strided,
        window=window,
        products=products,
        total=total,
    )


def figures(state: State, numbers: Numbers) -> list[f.Figure]:
    row, column = state["row"], state["column"]
    terms = " + ".join(f"{{window[{i},{j}]}}·{{K[{i},{j}]}}" for i in range(3) for j in range(3))
    sentence = (
        f"At row {row}, column {column} the nine products add up to {f.short(numbers['total'])}."
    )
    largest = np.unravel_index(numbers["z"].argmax(), numbers["z"].shape)
    signed: dict[str, Any] = {"scale": "signed", "numbers": True}
    strided = numbers["strided"]
    return [
        f.pictures(
            "The digit, the kernel, and the map of sums",
            f"A picture of 8 by 8 pixels, a kernel of 3 by 3 weights, and 6 by 6 sums. {sentence}",
            [
                f.picture(
                    "the picture a",
                    numbers["a"],
                    numbers=True,
                    name="a",
                    marked=[row - 1, column - 1, 3, 3],
                ),
                f.picture(_kernel(state), numbers["K"], name="K", **signed),
                f.picture(
                    "the sums z",
                    numbers["z"],
                    name="z",
                    marked=[row - 1, column - 1, 1, 1],
                    **signed,
                ),
            ],
            "large",
        ),
        f.formula(
            f"The sum at row {row}, column {column}",
            [("z", "Σ a K", terms, "{total}")],
            numbers,
            sentence,
        ),
        f.pictures(
            "What ReLU, pooling and the stride make of the map",
            f"ReLU keeps the sums above 0, pooling the largest of each 2 by 2, and a stride of "
            f"{state['stride']} leaves {strided.shape[0]} by {strided.shape[1]} sums.",
            [
                f.picture("ReLU", numbers["relu"], name="relu", **signed),
                f.picture("2×2 max pooling", numbers["pooled"], name="pooled", **signed),
                f.picture(f"stride {state['stride']}", strided, name="strided", **signed),
            ],
            "large",
        ),
        f.note(
            f"The kernel finds most of what it looks for at row {int(largest[0]) + 1}, column "
            f"{int(largest[1]) + 1}. Ten weights, its bias included, serve all 36 places; a dense "
            "layer from 64 pixels to 36 sums has 2,340."
        ),
    ]


def _kernel(state: State) -> str:
    """Return in words which kernel it is."""
    if state["kernel"] != LEARNED:
        return "the kernel K"
    count = len(learned(state["run"]))
    return f"the kernel K, number {(state['number'] - 1) % count + 1} of {count}"


LESSON = Lesson(
    name="convolution",
    title="Convolution",
    summary="Nine numbers slide over a digit and say where they find what they look for.",
    passage=Passage("10-convolution"),
    controls=(
        Choice(
            "label",
            "Digit",
            (*map(str, range(10)), "drawn"),
            "7",
            (*map(str, range(10)), "one that you draw"),
        ),
        Picture("drawn", "Draw one", also={"label": "drawn"}),
        Choice(
            "kernel",
            "Kernel",
            (*KERNELS, OWN, LEARNED),
            "rising",
            (
                *(f"{name} strokes" if name != "edge" else "edges" for name in KERNELS),
                "your own",
                "a learned one",
            ),
        ),
        Grid(
            "own",
            "Your own kernel",
            3,
            -9,
            9,
            (0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0),
            also={"kernel": OWN},
        ),
        Saved("run", "Learned by", "pictures", "", also={"kernel": LEARNED}),
        Slider("number", "Learned kernel", 1, MOST, 1, 1, whole=True, also={"kernel": LEARNED}),
        Slider("stride", "Stride", 1, 3, 1, 2, whole=True),
        Slider("row", "Row of the window", 1, 6, 1, 4, whole=True),
        Slider("column", "Column of the window", 1, 6, 1, 4, whole=True),
    ),
    numbers=numbers,
    figures=figures,
    code=lambda state: [convolve, max_pool],
    question=Question(
        "The kernel has a 1 in its middle and 0 everywhere else. What is the map of sums?",
        ("All zeros", "The picture itself, less its border", "Only the edges"),
        {"kernel": "own", "label": "7"},
        lambda numbers: 1 if np.array_equal(numbers["z"], numbers["a"][1:-1, 1:-1]) else 2,
        "At each place eight of the nine products are 0 and one is the pixel itself. A kernel is a "
        "small picture of what to look for; this one looks for brightness.",
    ),
    exactness="Colours are drawn in float32; the numbers of the named kernels are exact in it. The "
    "shipped network has 32 filters, each over four pictures of every second pixel: numbers 1 to 4 "
    "are the first filter's nine weights for each. Its biases are left out here, and the digit is "
    "smaller than what it learned from.",
    hint="Draw a digit of your own, or write nine numbers of your own into the kernel.",
)
