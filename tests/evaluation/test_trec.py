"""`evaluate --trec` measures as the TREC spam track: in order, told at once, later or never."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnguide import runs
from nnguide.errors import ConfigError, InputError
from nnguide.evaluation import metrics, trec
from nnguide.feedback.learner import Features, Learner

sys.path.append(str(Path(__file__).parents[1] / "data"))
import mails as made

SCORED = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]), st.integers(0, 1)), min_size=1
)


@given(SCORED, st.sampled_from([0.0, 0.5, 0.9]))
def test_the_figures_are_those_of_their_definitions(scored, threshold):
    scores, labels = (np.array(column) for column in zip(*scored, strict=True))
    scores = scores.astype(np.float32)
    found = trec.figures(scores, labels, threshold)
    spam, ham = scores[labels == 1], scores[labels == 0]
    if len(spam) and len(ham):
        wrong = np.mean([[(h > s) + (h == s) / 2 for h in ham] for s in spam])
        assert found["one_minus_roc_auc"] == pytest.approx(wrong)
        assert found["one_minus_roc_auc"] == pytest.approx(1 - metrics.roc_auc(scores, labels))
        assert found["hm"] == (ham > threshold).mean() and found["sm"] == (spam <= threshold).mean()
        for name in ("hm", "sm", "lam", "one_minus_roc_auc"):
            low, high = found[f"{name}_low"], found[f"{name}_high"]
            assert 0 <= low <= found[name] + 1e-9 and found[name] <= high + 1e-9 <= 1 + 1e-8
    else:
        assert found["lam"] is None and found["one_minus_roc_auc"] is None


def test_lam_is_the_mean_of_log_odds():
    scores = np.array([0.9] * 10 + [0.1] * 990 + [0.1] * 100 + [0.9] * 900, np.float32)
    labels = np.array([0] * 1000 + [1] * 1000)
    lam = trec.figures(scores, labels, 0.5)["lam"]
    odds = np.sqrt((10 / 990) * (100 / 900))
    assert lam == pytest.approx(odds / (1 + odds), rel=0.05)


@pytest.fixture(scope="module")
def run():
    return runs.Run.open(runs.shipped("spam", ["mail"]))


def index_of(folder, mails):
    """An index, one folder beside its mails as the track has it; (label, bytes) each."""
    (folder / "data").mkdir()
    (folder / "full").mkdir()
    lines = []
    for number, (label, raw) in enumerate(mails):
        (folder / "data" / f"inmail.{number}").write_bytes(raw)
        lines.append(f"{label} ../data/inmail.{number}\n")
    path = folder / "full" / "index"
    path.write_text("".join(lines))
    return path


def test_a_label_is_told_after_the_answer_at_once_later_or_never(run, tmp_path):
    """Ham that is said to be spam: its second copy is judged so as soon as that was told."""
    index = index_of(tmp_path, [("spam", made.plain(n, made.HAM)) for n in range(6)])
    for wait, expected in ((None, "hhhhhh"), (0, "hsssss"), (2, "hhhsss"), (9, "hhhhhh")):
        judged = trec.judge(run, index, wait, Learner(0.5))
        assert "".join("hs"[int(score > 0.5)] for score in judged.scores) == expected
        assert judged.labels.tolist() == [1] * 6
    learner = Learner(0.5)
    learner.learn(Features.of("note 1\n" + made.HAM), 0.1, True)
    assert (trec.judge(run, index, None, learner).scores > 0.5).all()
    empty = Learner(0.5)
    trec.evaluate(run, index, feedback="immediate", learner=empty)
    assert len(empty) == 6


def test_the_track_s_order_is_kept_and_what_is_no_mail_left_out(run, tmp_path, caplog):
    index = index_of(
        tmp_path,
        [
            ("ham", made.plain(0, made.HAM)),
            ("spam", made.plain(1)),
            ("spam", b"no mail at all"),
            ("SPAM", made.plain(3)),
            ("ham", b"From: a@example.com\nMessage-ID: <1@x>\n\n"),
        ],
    )
    index.write_text(index.read_text() + "\nham ../data/gone\r\nspam ../data\n")
    judged = trec.judge(run, index, 0, Learner(0.5))
    assert judged.labels.tolist() == [0, 1, 1, 0] and judged.left_out == 3
    assert judged.scores[3] == 0.5 and "inmail.2" in caplog.text and "gone" in caplog.text
    assert caplog.records[-1].left_out == 3


def test_a_file_is_one_mail_whatever_it_begins_with(run, tmp_path, caplog):
    """The track's mails begin with the line of a mailbox, and may quote other such lines."""
    line = b"From anna@example.com  Mon Apr  9 10:00:00 2007\n"
    mails = [line + made.plain(n) + b"\n" + line + made.plain(n + 9) for n in range(3)]
    index = index_of(tmp_path, [("spam", raw) for raw in mails])
    judged = trec.judge(run, index, None, Learner(0.5))
    assert len(judged.labels) == 3 and not judged.left_out
    assert (judged.scores > 0.5).all()


def test_no_more_is_remembered_than_near_copies_are_looked_for():
    learner, letters = Learner(0.5, most=3), "abcdefghijklmnopqrstuvwxyz"
    features = [Features.of(" ".join(f"{letters[n]}{one}o" for one in letters)) for n in range(8)]
    for n, one in enumerate(features):
        learner.learn(one, 0.1, n % 2 == 1)
        assert len(learner._features) == min(n + 1, 3)
        for place, other in enumerate(features):
            found = learner.match(other)
            expected = place if n - 3 < place <= n else None
            assert (found and found.place) == expected
            if expected is not None:
                answered = learner.probability(other, np.float32(0.5))
                assert (answered > 0.5) == (place % 2 == 1)
    assert len(learner) == 8


@pytest.mark.parametrize("content", [b"", b"\n\n", b"eggs a\n", b"spam\n", b"spam \0\n"])
def test_what_is_no_index_is_refused(run, tmp_path, content):
    (tmp_path / "index").write_bytes(content)
    with pytest.raises(InputError, match="index"):
        trec.evaluate(run, tmp_path / "index")
    with pytest.raises(InputError):
        trec.evaluate(run, tmp_path)
    with pytest.raises(ConfigError):
        trec.evaluate(run, tmp_path / "index", feedback="delayed", delay=0)
    with pytest.raises(ConfigError):
        trec.evaluate(runs.Run.open(runs.shipped("digits")), tmp_path / "index")


def test_a_curve_ends_with_the_figures_of_all():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 333)
    scores = (labels * 0.3 + random.random(333) * 0.7).astype(np.float32)
    rows = trec.curve(scores, labels, 0.5)
    assert [row["n"] for row in rows] == sorted({row["n"] for row in rows}) and len(rows) == 20
    whole = trec.figures(scores, labels, 0.5)
    assert rows[-1] == {"n": 333, **{key: whole[key] for key in rows[-1] if key != "n"}}
