"""Picture files that are small and ask for much, and good ones damaged at random."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image


def saved(picture: Image.Image, form: str, **more: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **more)
    return file.getvalue()


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan stands there again and again."""
    whole = saved(Image.new("RGB", (side, side), "white"), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * scans + whole[-2:]


def jpeg_of_comments(count: int) -> bytes:
    whole = saved(Image.new("L", (28, 28), 255), "JPEG")
    return whole[:2] + b"\xff\xfe\x00\x02" * count + whole[2:]


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(width: int, height: int, depth: int, colour: int, *chunks: bytes) -> bytes:
    """A PNG of zeros with further chunks before its pixels."""
    bands = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\0" * (1 + width * bands * depth // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    end = chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + end


def tiff_of_tiles(width: int, across: int, down: int) -> bytes:
    """A TIFF one pixel high, each of its tiles the same zeros, far larger than the picture."""
    tile = zlib.compress(b"\0" * (across * down), 9)
    count = -(-width // across)
    start = 8 + len(tile)
    offsets, sizes = struct.pack("<I", 8) * count, struct.pack("<I", len(tile)) * count
    tags = [(256, width), (257, 1), (258, 8), (259, 8), (262, 1), (277, 1)]
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags]
    entries += [struct.pack("<HHII", 322, 4, 1, across), struct.pack("<HHII", 323, 4, 1, down)]
    entries += [struct.pack("<HHII", 324, 4, count, start)]
    entries += [struct.pack("<HHII", 325, 4, count, start + len(offsets))]
    place = start + len(offsets) + len(sizes)
    folder = struct.pack("<H", len(entries)) + b"".join(entries) + b"\0\0\0\0"
    return b"II*\0" + struct.pack("<I", place) + tile + offsets + sizes + folder


def bmp_of_runs(side: int, runs: int) -> bytes:
    """A BMP of run lengths, each of one pixel: slow to unpack."""
    pixels = b"\x01\x00" * runs + b"\0\1"
    start = 14 + 40 + 1024
    header = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return header + info + b"\0" * 1024 + pixels


def gif_of_comments(count: int) -> bytes:
    whole = saved(Image.new("P", (28, 28)), "GIF")
    place = whole.index(b",", 13)
    return whole[:place] + b"!\xfe\x01x\0" * count + whole[place:]


def bombs(every: bool) -> Iterator[tuple[str, bytes]]:
    """Kinds by their names; not `every` one: without those that are much like another."""
    text = zlib.compress(b"\0" * 1_000_000, 9)
    yield "JPEG of 2,000 scans", jpeg_of_scans(1000, 2000)
    if every:
        yield "JPEG of 90 scans", jpeg_of_scans(5000, 80)
    yield "JPEG of 30 scans, large", jpeg_of_scans(5700, 20)
    yield "JPEG of comments", jpeg_of_comments(4_500_000)
    yield "PNG of 40 million RGBA", png(6300, 6300, 8, 6)
    if every:
        yield "PNG of 40 million RGB", png(6300, 6300, 8, 2)
    yield "PNG of 40 million 16-bit RGBA", png(6300, 6300, 16, 6)
    if every:
        yield "PNG of 40 million 16-bit grey", png(6300, 6300, 16, 0)
        yield "PNG of 40 million grey", png(6300, 6300, 8, 0)
        yield "PNG of 40 million grey and opacity", png(6300, 6300, 8, 4)
    yield "PNG of nine million RGBA", png(2999, 2999, 8, 6)
    if every:
        yield "PNG of nine million 16-bit RGBA", png(2999, 2999, 16, 6)
    clear = (chunk(b"PLTE", b"\0" * 768), chunk(b"tRNS", b"\0"))
    yield "PNG of 40 million of a clear palette", png(6300, 6300, 8, 3, *clear)
    yield "PNG with a clear colour", png(6300, 6300, 8, 2, chunk(b"tRNS", b"\0" * 6))
    yield (
        "PNG of two billion pixels",
        png(46_000, 1, 8, 0).replace(
            struct.pack(">II", 46_000, 1), struct.pack(">II", 46_000, 46_000)
        ),
    )
    yield "PNG of small chunks", png(28, 28, 8, 0, chunk(b"teXt", b"") * 1_500_000)
    yield "PNG of packed texts", png(28, 28, 8, 0, chunk(b"zTXt", b"a\0\0" + text) * 15_000)
    deflated = {"compression": "tiff_deflate"}
    yield "TIFF of 40 million floats", saved(Image.new("F", (6300, 6300)), "TIFF", **deflated)
    yield "TIFF of nine million floats", saved(Image.new("F", (3000, 3000)), "TIFF", **deflated)
    yield "TIFF of 40 million CMYK", saved(Image.new("CMYK", (6300, 6300)), "TIFF", **deflated)
    yield "TIFF of tiles", tiff_of_tiles(1_000_000, 16, 65_536)
    yield "BMP of runs", bmp_of_runs(6000, 9_900_000)
    yield "GIF of comments", gif_of_comments(3_900_000)
    yield "GIF of 40 million pixels", saved(Image.new("P", (6300, 6300)), "GIF")


def damaged(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Good pictures of every form with bytes changed, cut out, repeated or cut off."""
    draw = random.Random(seed)
    drawn = Image.new("RGB", (300, 200), "white")
    drawn.paste("black", (140, 40, 160, 160))
    forms = [saved(drawn, form) for form in ("PNG", "JPEG", "BMP", "GIF", "TIFF")]
    forms += [
        saved(drawn, "JPEG", progressive=True),
        saved(drawn.convert("I"), "TIFF", compression="tiff_lzw"),
        saved(drawn.convert("RGBA"), "PNG"),
        saved(drawn.convert("1"), "TIFF", compression="group4"),
    ]
    for number in range(count):
        content = bytearray(draw.choice(forms))
        early = draw.random() < 0.7  # most of what a decoder believes stands in the header
        for _ in range(draw.randint(1, 8)):
            place = draw.randrange(min(len(content), 200) if early else len(content))
            match draw.randrange(4):
                case 0:
                    content[place] = draw.randrange(256)
                case 1:
                    content[place : place + 4] = draw.choice([b"\xff" * 4, b"\0" * 4])
                case 2:
                    del content[place : place + draw.randint(1, 40)]
                case 3:
                    content[place:place] = content[place : place + 60] * draw.randint(1, 50)
            if not content:
                break
        if draw.random() < 0.2:
            del content[draw.randrange(len(content) + 1) :]
        yield f"damaged {number}", bytes(content)
