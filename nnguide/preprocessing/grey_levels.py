"""Grey levels of pictures of any mode, and whether they are coloured."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from . import grid

if TYPE_CHECKING:
    from PIL import Image

ENOUGH = 1500  # pixels of the longer side; a larger picture is reduced while it is read
LUMA = (0.299, 0.587, 0.114)  # the share of red, green and blue in grey, ITU-R BT.601
STRIP = 64  # rows of the reduced picture that are made at a time
GREY = 24  # greatest difference of the channels of a grey pixel, after JPEG


def is_coloured(picture: Image.Image) -> bool:
    """Return whether `picture` is seen to be in colour."""
    from PIL import Image

    if picture.mode[0] in "1LIF" and picture.mode != "LAB":
        return False
    small = picture.convert("RGB").resize((64, 64), Image.Resampling.NEAREST)
    channels = np.asarray(small).astype(int)  # (64, 64, 3)
    return bool((np.ptp(channels, axis=2) > GREY).mean() > 0.01)


def to_grey(picture: Image.Image) -> np.ndarray:
    """Convert a picture of any mode to grey, (h, w) float32.

    Its levels are in [0, 1], 0 black. `picture` is used up.
    """
    if picture.format == "JPEG":  # its decoder can skip detail, which saves most of the time
        picture.draft(None, (ENOUGH, ENOUGH))
    turned = TURNED.get(picture.getexif().get(0x0112, 1))
    reduced = max(max(picture.size) // ENOUGH, 1)
    if picture.mode.startswith(("I", "F")):
        grey = reduce(deep(picture), reduced)
    elif picture.has_transparency_data:
        mode = "LA" if picture.mode == "LA" else "RGBA"
        small = _shrunk(picture, mode, reduced).convert("RGBA")
        pixels = np.asarray(small)  # (h, w, 4) uint8
        grey = np.float32(LUMA[0] / 255) * pixels[..., 0]
        grey += np.float32(LUMA[1] / 255) * pixels[..., 1]
        grey += np.float32(LUMA[2] / 255) * pixels[..., 2]
        grey = on_paper(grey, pixels[..., 3])
    else:
        mode = {"1": "L", "P": "RGB"}.get(picture.mode, picture.mode)
        small = _shrunk(picture, mode, reduced)
        if small.mode != "L":
            small = small.convert("RGB").convert("L")
        grey = np.asarray(small, np.float32) / 255
    return turned(grey) if turned else grey


# EXIF's orientation -> what turns an array of that orientation upright.
TURNED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda grey: grey[:, ::-1],
    3: lambda grey: grey[::-1, ::-1],
    4: lambda grey: grey[::-1],
    5: lambda grey: grey.T,
    6: lambda grey: grey.T[:, ::-1],
    7: lambda grey: grey[::-1, ::-1].T,
    8: lambda grey: grey.T[::-1],
}


def _shrunk(picture: Image.Image, mode: str, factor: int) -> Image.Image:
    """Return `picture` in `mode` with blocks averaged.

    A large picture is converted and reduced a strip at a time, since each step is a copy of up to
    4 bytes a pixel. Its own pixels are freed at once.
    """
    from PIL import Image

    if factor == 1:
        return picture if picture.mode == mode else picture.convert(mode)
    width, height = picture.size
    small = Image.new(mode, (-(-width // factor), -(-height // factor)))
    rows = STRIP * factor
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(top + rows, height))).convert(mode)
        small.paste(strip.reduce(factor), (0, top // factor))
    picture.close()
    return small


def deep(picture: Image.Image) -> np.ndarray:
    """Return deep levels as (h, w) float32 in [0, 1].

    The picture has 16- or 32-bit levels or floats.
    """
    levels = np.asarray(picture).astype(np.float32)
    if not np.isfinite(levels).all():
        raise ValueError("some of its levels are not finite")
    if picture.mode.startswith("I;16") or (picture.mode == "I" and 255 < levels.max() <= 65535):
        return np.clip(levels / 65535, 0, 1)
    low, high = min(float(levels.min()), 0.0), max(float(levels.max()), 1.0)
    return (levels - low) / (high - low)


def reduce(grey: np.ndarray, factor: int) -> np.ndarray:
    """Average each block of factor x factor of `grey` (h, w)."""
    return np.clip(grid.block_mean(grey, factor), 0, 1)


def on_paper(grey: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Put a transparent picture on paper that shows its ink.

    Args:
        grey: (h, w) float32 in [0, 1], the picture without its transparency.
        opacity: (h, w) uint8, 0 transparent, 255 opaque.
    Returns:
        (h, w) float32 in [0, 1]. If what is visible is one tone, that is the ink, and the
        paper is white or black, whichever is farther. If it has dark and light parts, or
        covers most of the picture, it has a paper of its own, and the rest takes its tone.
    """
    seen = grey[opacity > 127]
    if not len(seen):
        return np.ones_like(grey)
    low, middle, high = (grid.quantile(seen, share) for share in (0.02, 0.5, 0.98))
    covered = len(seen) / grey.size
    paper = np.float32(middle if high - low > 0.3 and covered > 0.5 else middle < 0.5)
    return paper + opacity / np.float32(255) * (grey - paper)
