"""What an audit says is what was measured, and what it warns of is in its figures."""

from __future__ import annotations

import base64
import copy
import io
import json

import json_schema
import numpy as np
import pytest
import tiny

from nnguide import data, tasks
from nnguide.audit import audit, collect, words
from nnguide.audit.attention import attention
from nnguide.data.examples import Examples
from nnguide.errors import InputError
from nnguide.evaluation import changes
from nnguide.evaluation.evaluate import evaluate, measured_data
from nnguide.inference.decision import Decision

TASKS = ("digits", "spam")


@pytest.mark.parametrize("task", TASKS)
def test_the_figures_are_those_of_evaluate(audited, trained, task):
    report, measured = audited(task).report, evaluate(trained(task))
    for key, value in report["headline"].items():
        if isinstance(value, float):
            assert measured[key] == pytest.approx(value, abs=1e-3), key
        elif key != "per_class":
            assert measured[key] == value, key
    assert report["data"]["n"] == measured["n"]
    assert report["data"]["own"] and report["data"]["split"] == "test"


@pytest.mark.parametrize("task", TASKS)
def test_the_report_is_as_the_page_on_json_says(audited, task):
    report = {"schema": 1, "command": "audit", **audited(task).report}
    json_schema.check(json.loads(json.dumps(report, allow_nan=False)), task)


@pytest.mark.parametrize("task", TASKS)
def test_the_model_is_named_by_its_hashes(audited, trained, task):
    run, model = trained(task), audited(task).report["model"]
    assert model["files"] == run.manifest["files"]
    assert model["config"] == run.config.to_dict()
    assert model["intended"] and model["limits"]
    history = audited(task).report["training"]["history"]
    assert {"loss", "val_loss"} <= history.keys()
    assert {len(values) for values in history.values()} == {run.metrics["epochs"]}


@pytest.mark.parametrize("task", TASKS)
def test_the_bins_hold_every_example(audited, task):
    report = audited(task).report
    assert sum(row["n"] for row in report["calibration"]) == report["headline"]["n"]
    stated = [row["stated"] for row in report["calibration"]]
    assert stated == sorted(stated)


def test_curves_end_where_curves_end(audited):
    report = audited("spam").report
    assert list(report["roc"][0].values()) == [0, 0] and list(report["roc"][-1].values()) == [1, 1]
    assert len(report["roc"]) <= collect.POINTS
    assert report["pr"][-1]["recall"] == 1
    assert report["headline"]["threshold"] in [row["threshold"] for row in report["thresholds"]]


@pytest.mark.parametrize("task", TASKS)
def test_the_mistakes_are_mistakes_the_worst_first(audited, task):
    made = audited(task)
    rows = made.report["mistakes"]
    labels = made.report["model"]["labels"]
    assert rows
    assert [row["true_probability"] for row in rows] == sorted(
        row["true_probability"] for row in rows
    )
    for row in rows:
        assert row["true"] != row["label"]
        assert labels[made.examples.labels[row["place"]]] == row["true"]
    if task == "digits":
        wrong = made.outputs.argmax(axis=1) != made.examples.labels
        true = made.outputs[np.arange(len(wrong)), made.examples.labels]
        assert rows[0]["true_probability"] == pytest.approx(true[wrong].min())


def test_a_mistake_shows_its_picture_and_a_coloured_map(audited):
    from PIL import Image

    made = audited("digits")
    row = made.report["mistakes"][0]
    picture = Image.open(io.BytesIO(base64.b64decode(row["picture"])))
    np.testing.assert_array_equal(np.asarray(picture), made.examples.inputs[row["place"]])
    heat = np.asarray(Image.open(io.BytesIO(base64.b64decode(row["map"])))).astype(int)
    assert heat.shape == (28, 28, 3)
    assert (heat[..., 0] != heat[..., 2]).any()


def test_a_message_that_is_misjudged_twice_is_shown_once(audited, trained):
    from nnguide.audit.mistakes import mistakes

    made = audited("spam")
    twice = made.examples.join(made.examples)
    rows = mistakes(trained("spam"), twice, np.concatenate([made.outputs] * 2))
    assert [row["text"] for row in rows] == [row["text"] for row in made.report["mistakes"]]


def test_a_mistake_shows_the_words_that_weigh(audited):
    for row in audited("spam").report["mistakes"]:
        assert row["words"]
        ends = [0]
        for word in row["words"]:
            assert ends[-1] <= word["start"] < word["end"] <= len(row["text"])
            ends.append(word["end"])


def test_a_users_own_pictures(trained, tmp_path):
    from PIL import Image

    given = tiny.examples("digits", 30)
    for number, (picture, label) in enumerate(zip(given.inputs, given.labels, strict=True)):
        folder = tmp_path / given.label_names[label]
        folder.mkdir(exist_ok=True)
        Image.fromarray(255 - picture).resize((84, 84)).save(folder / f"{number}.png")
    report = audit(trained("digits"), str(tmp_path)).report
    assert report["data"]["split"] == "all" and not report["data"]["own"]
    assert report["data"]["n"] == len(given)
    assert report["data"]["measured_on"]["description"] is None
    assert any("not the data" in sentence for sentence in report["attention"])


def test_a_users_own_messages_and_their_duplicates(trained, tmp_path):
    run = trained("spam")
    learned = data.find("spam", tiny.built_in("spam")).load("train").inputs[:3]
    rows = [f'ham,"{text}"' for text in learned] + ["spam,win a prize 99", "ham,see you at six"]
    file = tmp_path / "own.csv"
    file.write_text("label,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    report = audit(run, str(file)).report
    assert report["data"]["n"] == 5
    assert report["duplicates"]["same"] == 3 and report["duplicates"]["n_without"] == 2
    assert any(sentence.startswith("3 of the 5") for sentence in report["attention"])
    json_schema.check({"schema": 1, "command": "audit", **report}, "spam")


def test_nothing_to_measure_is_refused(trained, monkeypatch):
    run = trained("spam")
    empty = measured_data(run, None, None, None, None, None)
    nothing = Examples(np.empty(0, object), np.zeros(0, np.int64), run.labels)
    monkeypatch.setattr(
        collect,
        "measured_data",
        lambda *given: type(empty)(nothing, empty.source, "test", True, False),
    )
    with pytest.raises(InputError, match="at least one example"):
        audit(run)


def test_what_fails_is_said_first(audited):
    report = copy.deepcopy(audited("spam").report)
    calm = {
        "data": {**report["data"], "is_fallback": False, "trained_on_fallback": False},
        "headline": {**report["headline"], "calibration_error": 0.001},
        "duplicates": {"not_known": None, "same": 0},
        "slices": [],
        "robustness": [],
        "words": {"shortcuts": [], "n_flipped": 0},
    }
    calm["data"] |= {"own": True, "split": "test", "counts": {"ham": 500, "spam": 500}}
    aim = changes.aim(tasks.get("spam"))
    assert attention(calm, aim) == []

    def said(**more) -> str:
        (sentence,) = attention({**calm, **more}, aim)
        return sentence

    assert "stand-in" in said(data={**calm["data"], "is_fallback": True})
    assert "Only 12 examples of spam" in said(data={**calm["data"], "counts": {"spam": 12}})
    assert "calibration error" in said(headline={**calm["headline"], "calibration_error": 0.3})
    row = {"change": "upper case", "met": False, "lost": 0.2, "refused": 0}
    assert "20.00 points of spam caught" in said(robustness=[row])
    row |= {"met": True, "blocked_ham_before": 0.01, "blocked_ham_after": 0.03}
    assert "ham blocked from 1.00 % to 3.00 %" in said(robustness=[row])
    shortcut = {"word": "zz", "share": 0.5, "tried": 9, "towards": "ham", "turned": 4}
    assert "“zz”" in said(words={"shortcuts": [shortcut], "n_flipped": 0})


class Keyword:
    """A filter that knows one word, for each way."""

    threshold = 0.5
    decision = Decision(("ham", "spam"), 0.5)

    def outputs(self, given):
        return np.array(
            [[0.9 if "prize" in t.lower() else 0.05 if "mum" in t.lower() else 0.2] for t in given]
        )


def test_the_words_of_a_filter_that_knows_one_word():
    texts = np.empty(12, object)
    texts[:] = ["Prize 123 now"] * 3 + ["hello mum 456"] * 3 + ["see you then"] * 6
    examples = Examples(texts, np.array([1] * 3 + [0] * 9), ("ham", "spam"))
    found = words.words(Keyword(), examples)
    assert found["n"] == 12 and found["n_flipped"] == 3
    assert [row["word"] for row in found["towards_spam"]] == ["prize"]
    assert [row["word"] for row in found["towards_ham"]] == ["mum"]
    push = found["towards_spam"][0]
    assert push["push"] == pytest.approx(np.log(9) + np.log(4), abs=1e-6)
    assert (push["n"], push["spam_share"], push["turned"]) == (3, 1, 3)
    (shortcut,) = found["shortcuts"]
    assert shortcut == {"word": "prize", "towards": "spam", "tried": 9, "turned": 9, "share": 1.0}


def test_digits_are_one_word_and_every_occurrence_goes():
    assert words.found_words("Call 123 or call 456") == ["call", "000", "or"]
    assert words.without("Call 123 or CALL 456!", "call").split() == ["123", "or", "456!"]
    assert words.without("Call 123 or call 456", "000").split() == ["Call", "or", "call"]
