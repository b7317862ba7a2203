"""No picture file costs more than 300 MB and about two seconds, whatever it says it is."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import picture_bombs
import pytest

from nnguide.errors import InputError
from nnguide.preprocessing import picture_limits, pictures

# Reads pictures one after the other and writes what each cost.
CHILD = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import picture_bombs
from nnguide.errors import InputError
from nnguide.preprocessing import pictures
what = sys.argv[2]
pictures_of = picture_bombs.damaged(int(what)) if what.isdigit() else (
    picture_bombs.bombs(what == "every"))
def memory(name):
    status = Path("/proc/self/status").read_text()
    return int(status.split(name + ":")[1].split()[0]) // 1024
for name, content in pictures_of:
    Path("/proc/self/clear_refs").write_text("5")
    held, began = memory("VmRSS"), time.process_time()
    try:
        pictures.read(content)
        said = ""
    except InputError as error:
        said = str(error)
    cost = [time.process_time() - began, memory("VmHWM") - held]
    print(json.dumps([name, len(content), *cost, said]), flush=True)
"""


def costs(what: str) -> list[list]:
    words = [sys.executable, "-c", CHILD, str(Path(__file__).parent), what]
    child = subprocess.run(words, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr[-2000:]
    return [json.loads(line) for line in child.stdout.splitlines()]


linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")


@linux
@pytest.mark.parametrize(
    ("which", "count", "least"),
    [("some", 18, 7), pytest.param("every", 24, 10, marks=pytest.mark.slow)],
)
def test_a_bomb_is_refused_or_cheap(which: str, count: int, least: int):
    found = costs(which)
    assert len(found) == count
    refused = 0
    for name, size, seconds, memory, said in found:
        assert size <= pictures.MAX_BYTES, name
        assert seconds < 2 * picture_limits.SECONDS, (name, seconds)  # the last read included
        assert memory <= 300, (name, memory)
        refused += "Give a smaller copy" in said or "Save it" in said
    assert refused >= least


@linux
@pytest.mark.parametrize("count", [60, pytest.param(780, marks=pytest.mark.slow)])
def test_a_damaged_picture_is_read_or_refused(count: int):
    found = costs(str(count))
    assert len(found) == count
    for name, _, seconds, memory, _ in found:
        assert seconds < 2 * picture_limits.SECONDS, (name, seconds)
        assert memory <= 300, (name, memory)


def test_large_pictures_are_decoded_one_after_the_other():
    large = picture_bombs.png(5000, 5000, 8, 0)
    at_work, most = 0, 0
    real = pictures.to_grey

    def counted(picture):
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        try:
            return real(picture)
        finally:
            at_work -= 1

    def read(content):
        with pytest.raises(InputError, match="no digit was seen"):
            pictures.read(content)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setattr(pictures, "to_grey", counted)
        list(pool.map(read, [large] * 4))
    assert most == 1


def test_a_usual_photograph_is_read():
    from PIL import Image, ImageFilter

    photo = Image.new("RGB", (4000, 3000), (230, 225, 215))
    photo.paste((30, 30, 40), (1900, 800, 2100, 2200))
    photo = photo.filter(ImageFilter.GaussianBlur(5))
    for more in ({}, {"progressive": True}):
        digit = pictures.read(picture_bombs.saved(photo, "JPEG", **more))
        assert digit.shape == (28, 28)
        assert np.count_nonzero(digit) > 20
