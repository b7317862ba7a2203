"""TFRecord files are those of TensorFlow, and any of their records is read alone."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnguide import logs
from nnguide.data import tfrecord
from nnguide.errors import DataError


def written(path: Path, contents: list[bytes]) -> list[tuple[int, int]]:
    """A file of these records, and where they begin and end."""
    with path.open("wb") as file:
        writer = tfrecord.Writer(file)
        for record in contents:
            writer.write(record)
        writer.flush()
    around = tfrecord.BEFORE + tfrecord.BEHIND
    ends = [end - tfrecord.BEHIND for end in accumulate(len(one) + around for one in contents)]
    return [(end - len(one), end) for one, end in zip(contents, ends, strict=True)]


def test_a_checksum_is_that_of_the_standard() -> None:
    """The values of RFC 3720, B.4, and of "123456789"; long and empty ones beside each other."""
    known = {
        b"": 0,
        bytes(32): 0x8A9136AA,
        b"\xff" * 32: 0x62A8AB43,
        bytes(range(32)): 0x46DD794E,
        b"123456789": 0xE3069283,
    }
    masked = [((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32 for crc in known.values()]
    assert tfrecord.checksums(list(known)).tolist() == masked


SIZES = st.one_of(
    st.binary(max_size=3 * tfrecord.WIDTH),
    st.integers(0, 20_000).map(lambda size: bytes(n * n % 251 for n in range(size))),
)


@settings(max_examples=30, deadline=None)
@given(contents=st.lists(SIZES, max_size=12), together=st.integers(1, 30_000), data=st.data())
def test_tensorflow_reads_what_is_written(
    tmp_path_factory: pytest.TempPathFactory,
    contents: list[bytes],
    together: int,
    data: st.DataObject,
) -> None:
    tf = logs.tensorflow()
    path = tmp_path_factory.mktemp("tfrecord") / "a.tfrecord"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfrecord, "WRITTEN", together)
        spans = written(path, contents)
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(path))] == contents
    places = st.integers(0, max(len(contents) - 1, 0))
    wanted = sorted(data.draw(st.lists(places, max_size=9))) if contents else []
    some = [spans[at] for at in wanted]
    with path.open("rb", buffering=0) as file:
        tfrecord.fetch(file, some)
        assert tfrecord.read(file, some) == [contents[at] for at in wanted]


def test_records_near_each_other_are_read_together(tmp_path: Path) -> None:
    spans = written(tmp_path / "a.tfrecord", [b"x" * 100] * 1000)

    class Counted:
        reads = 0

        def __init__(self, file):
            self.file, self.seek, self.name = file, file.seek, file.name

        def read(self, size):
            self.reads += 1
            return self.file.read(size)

    with (tmp_path / "a.tfrecord").open("rb", buffering=0) as file:
        counted = Counted(file)
        assert tfrecord.read(counted, spans) == [b"x" * 100] * 1000
        assert counted.reads == 1
        tfrecord.read(counted, [spans[0], spans[0], spans[1], spans[500], spans[999]])
        assert counted.reads == 1 + 3


def test_a_file_that_ends_too_soon_is_said(tmp_path: Path) -> None:
    spans = written(tmp_path / "a.tfrecord", [b"abc", b"def"])
    with (tmp_path / "a.tfrecord").open("r+b", buffering=0) as file:
        file.truncate(spans[1][1] - 1)
        with pytest.raises(DataError, match="ends at byte"):
            tfrecord.read(file, spans)
