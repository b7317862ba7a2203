"""Sets are found by name, in the order promised, or the error says what to do."""

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import mails as made
import numpy as np
import pytest

from nnguide import data
from nnguide.data import (
    dataset_info,
    download,
    enron_spam,
    joining,
    mnist,
    origins,
    sms_spam,
    spamassassin,
)
from nnguide.data.distinct import distinct_key
from nnguide.errors import ConfigError, DataError, WriteError

ROWS = [
    ("spam" if number % 4 == 0 else "ham", f"message {number} \u2028 \x85 “{number}” &lt;#&gt;")
    for number in range(40)
]
ROWS += [(label, text.upper()) for label, text in ROWS[:5]]  # duplicates, in another case


@pytest.fixture
def sms(tmp_path, monkeypatch):
    """A folder with a table in the form of the SMS Spam Collection, taken as the official one."""
    content = "".join(f"{label}\t{text}\n" for label, text in ROWS).encode()
    monkeypatch.setattr(sms_spam, "TABLE_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(sms_spam, "PAPER_TRAIN", 15)
    folder = tmp_path / "data" / "sms_spam"
    folder.mkdir(parents=True)
    (folder / "SMSSpamCollection").write_bytes(content)
    return folder


@pytest.fixture
def digits(tmp_path, monkeypatch):
    """A folder with a few digits in the form of MNIST, taken as the official ones."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    headers, hashes = {}, {}
    for part, n in (("train", 20), ("t10k", 10)):
        for name, magic, shape in (("images-idx3", 2051, (n, 28, 28)), ("labels-idx1", 2049, (n,))):
            numbers = (magic, *shape)
            array = np.arange(np.prod(shape)) % (256 if len(shape) == 3 else 10)
            content = b"".join(number.to_bytes(4, "big") for number in numbers)
            content += array.astype(np.uint8).tobytes()
            key = f"{part}-{name}-ubyte"
            headers[key], hashes[key] = numbers, hashlib.sha256(content).hexdigest()
            (folder / key).write_bytes(content)
    monkeypatch.setattr(mnist, "_HEADERS", headers)
    monkeypatch.setattr(mnist, "_CONTENT", hashes)
    return folder


def _texts(source, split):
    return list(source.load(split).inputs)


def test_names():
    assert set(data.names()) == set(data.names("digits")) | set(data.names("spam"))
    assert data.names("digits")[:2] == ("mnist", "optdigits")
    assert data.names("no such task") == ()


@pytest.mark.parametrize(
    ("task", "dataset", "message"),
    [
        ("digits", "mnsit", "Did you mean mnist?"),
        ("spam", "sms-spam", "Did you mean sms_spam"),
        ("spam", "./no/such/path", "no such file or folder"),
        ("spam", "mnist", "for digits, not for spam"),
        ("digits", "spamassassin", "for spam, not for digits"),
        ("sentiment", "auto", "path"),
        ("spam", "spam_sample+sms-spam", "Did you mean sms_spam"),
        ("spam", "sms_spam+sms_spam/paper", "joins a set with itself"),
    ],
)
def test_a_set_that_there_is_not(cache, task, dataset, message):
    with pytest.raises(ConfigError, match=message):
        data.find(task, dataset)


def test_arguments_that_do_not_fit(cache):
    with pytest.raises(ConfigError, match="label-column"):
        data.find("spam", "sms_spam", label_column="class")
    with pytest.raises(ConfigError, match="split_seed"):
        data.find("spam", "spam_sample", split_seed=-1)
    with pytest.raises(ConfigError, match="validation"):
        data.find("digits", "optdigits").load("validation")


@pytest.mark.parametrize("name", ["mnist", "sms_spam", "sms_spam/paper", "spamassassin"])
def test_a_named_set_is_found_or_an_error_says_what_to_do(cache, name):
    task = dataset_info.BY_NAME[name].task
    with pytest.raises(
        DataError, match=f"nnguide data prepare {name} .*--manual-dir DIR"
    ) as caught:
        data.find(task, name)
    assert caught.value.exit_code == 3
    assert not cache.exists()


@pytest.mark.parametrize(("task", "built_in"), [("digits", "optdigits"), ("spam", "spam_sample")])
def test_auto_takes_the_built_in_set_and_says_so(cache, monkeypatch, task, built_in):
    monkeypatch.delenv("NNGUIDE_OFFLINE")
    monkeypatch.setattr(download, "_ask", lambda url: time.sleep(600))
    started = time.monotonic()
    source = data.find(task)
    assert time.monotonic() - started < 300
    assert (source.name, source.task, source.is_fallback) == (built_in, task, True)
    assert "\n" not in source.note
    for said in (
        built_in,
        dataset_info.AUTO[task][0],
        "no answer",
        "NNGUIDE_DATA_DIR",
        "data prepare",
    ):
        assert said in source.note
    assert not cache.exists()


@pytest.mark.parametrize("name", ["optdigits", "spam_sample"])
def test_built_in_sets(cache, name):
    task = dataset_info.BY_NAME[name].task
    source = data.find(task, name)
    assert (source.is_fallback, source.note) == (False, "")
    train, test, whole = (source.load(split) for split in ("train", "test", "all"))
    assert len(train) + len(test) == len(whole)
    assert 0.18 < len(test) / len(whole) < 0.22
    np.testing.assert_array_equal(whole.labels, np.concatenate([train.labels, test.labels]))
    other = data.find(task, name, split_seed=1).load("test")
    assert not np.array_equal(other.inputs, test.inputs)
    assert data.info(name)["counts"] == {"train": train.counts(), "test": test.counts()}
    assert data.prepare(name) is None
    with pytest.raises(ConfigError, match="built in"):
        data.prepare(name, manual_dir=".")
    if task == "spam":
        assert not {map(distinct_key, train.inputs)} & {map(distinct_key, test.inputs)}


def test_scanned_digits_have_the_form_of_mnist(cache):
    digits = data.find("digits", "optdigits").load("all")
    assert digits.inputs.shape == (1797, 28, 28)
    assert digits.inputs.dtype == np.uint8
    assert digits.inputs.max((1, 2)).min() > 200
    weights = digits.inputs.sum(1) / digits.inputs.sum((1, 2))[:, None]
    np.testing.assert_allclose(weights @ (np.arange(28) + 0.5), 14, atol=0.75)


def test_messages_once_each_divided_by_the_seed(cache, sms):
    assert data.state("sms_spam") == "not prepared"
    folder = data.prepare("sms_spam", sms)
    assert folder == cache / "sms_spam" / "seed-0"
    assert data.state("sms_spam") == "prepared"
    source = data.find("spam", "sms_spam")
    train, test = _texts(source, "train"), _texts(source, "test")
    assert sorted(train + test) == sorted(text for _, text in ROWS[:40])
    assert data.info("sms_spam")["counts"]["test"] == {"ham": 6, "spam": 2}

    other = data.find("spam", "sms_spam", split_seed=3)  # made without the files
    assert (cache / "sms_spam" / "seed-3" / "test.jsonl").exists()
    assert sorted(_texts(other, "train") + _texts(other, "test")) == sorted(train + test)
    assert _texts(other, "test") != test


def test_the_builder_for_tensorflow_datasets_gives_the_same_split(cache, sms):
    from nnguide.data import builders, texts
    from nnguide.data.sms_spam_builder import SmsSpam

    data.prepare("sms_spam", sms)
    builder = SmsSpam(data_dir=builders.folder(), config="default")
    assert builder.url_infos[sms_spam.URL].checksum == sms_spam.ZIP_SHA256
    stored = texts.in_order(builders.read(builder, "test"))
    assert list(stored.inputs) == _texts(data.find("spam", "sms_spam"), "test")


def test_the_split_of_the_paper_keeps_order_and_duplicates(cache, sms, monkeypatch):
    monkeypatch.setenv("NNGUIDE_DATA_DIR", str(sms.parent))
    assert data.state("sms_spam/paper") == "in NNGUIDE_DATA_DIR"
    source = data.find("spam", "sms_spam/paper")
    assert _texts(source, "train") == [text for _, text in ROWS[:15]]
    assert _texts(source, "test") == [text for _, text in ROWS[15:]]
    assert source.load("all").counts() == {"ham": 33, "spam": 12}


@pytest.mark.parametrize("name", ["smsspamcollection.zip", "sms+spam+collection.zip"])
def test_the_zip_under_either_name(cache, sms, name):
    with zipfile.ZipFile(sms / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(sms / "SMSSpamCollection", "SMSSpamCollection")
    (sms / "SMSSpamCollection").unlink()
    assert sms_spam.rows(sms) == ROWS


def test_damaged_files_are_an_error_even_under_auto(cache, sms, monkeypatch):
    monkeypatch.setenv("NNGUIDE_DATA_DIR", str(sms.parent))
    (sms / "SMSSpamCollection").write_bytes(b"ham\tanother\n")
    with pytest.raises(DataError, match="SHA-256"):
        data.find("spam", "auto")
    (sms / "smsspamcollection.zip").write_bytes(b"PK\x05\x06 broken")
    with pytest.raises(DataError, match="damaged"):
        data.prepare("sms_spam", sms)


def test_a_folder_without_official_files(cache, tmp_path):
    with pytest.raises(ConfigError, match="folder"):
        data.prepare("sms_spam", tmp_path / "nowhere")
    with pytest.raises(DataError, match="SMSSpamCollection"):
        data.prepare("sms_spam", tmp_path)


@pytest.mark.parametrize("compressed", [False, True])
def test_digits_from_files_that_others_compressed(cache, digits, monkeypatch, compressed):
    if compressed:
        for file in list(digits.iterdir()):
            (digits / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
    monkeypatch.setenv("NNGUIDE_DATA_DIR", str(digits.parent))
    source = data.find("digits")
    assert (source.name, source.is_fallback) == ("mnist", False)
    train, test = source.load("train"), source.load("test")
    assert train.inputs.shape == (20, 28, 28)
    assert (train.inputs[0, 0] == np.arange(28)).all()
    assert list(test.labels) == list(range(10))
    assert data.find("digits", "mnist", split_seed=9).load("test").counts() == test.counts()


def test_digits_incomplete_or_damaged(cache, digits, monkeypatch):
    monkeypatch.setenv("NNGUIDE_DATA_DIR", str(digits.parent))
    labels = digits / "t10k-labels-idx1-ubyte"
    good = labels.read_bytes()
    labels.write_bytes(good[:-1] + b"\x01")
    with pytest.raises(DataError, match=r"t10k-labels.*SHA-256"):
        data.find("digits")
    labels.unlink()
    with pytest.raises(DataError, match=r"t10k-labels.*missing"):
        data.find("digits")
    (digits / f"{labels.name}.gz").write_bytes(gzip.compress(good)[:-4])
    with pytest.raises(DataError, match="damaged"):
        data.find("digits", "mnist")


def test_what_is_damaged_in_the_cache_is_prepared_anew(cache, digits):
    folder = data.prepare("mnist", digits)
    (folder / "test-labels.npy").write_bytes(b"")
    source = data.find("digits", "mnist")
    assert len(source.load("train")) == 20
    with pytest.raises(DataError, match="nnguide data prepare mnist"):
        source.load("test")
    data.prepare("mnist", digits)
    assert len(source.load("test")) == 10


def test_a_cache_that_cannot_be_written(cache, digits, monkeypatch):
    cache.write_text("a file")
    with pytest.raises(WriteError, match="NNGUIDE_CACHE"):
        data.prepare("mnist", digits)
    assert data.find("digits").is_fallback  # nothing to write: the built-in set still serves


def test_a_set_that_is_asked_for_at_once_is_prepared_once(cache, digits, monkeypatch):
    made = []
    parts = mnist.read_splits
    monkeypatch.setattr(mnist, "read_splits", lambda *given: made.append(1) or parts(*given))
    with ThreadPoolExecutor(3) as pool:
        folders = list(pool.map(lambda _: data.prepare("mnist", digits), range(3)))
    assert folders == [cache / "mnist" / "official"] * 3
    assert made == [1]


def _mail(number, label):
    return f"From: a@example.org\nSubject: {label} {number}\n\nbody {number}\n".encode()


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Five archives in the form of the SpamAssassin corpus."""
    folder = tmp_path / "data" / "spamassassin"
    folder.mkdir(parents=True)
    small = []
    for place, (name, _, label, _) in enumerate(spamassassin._FOLDERS):
        prefix = spamassassin.RELEASE if place % 2 else ""
        with tarfile.open(folder / f"{prefix}{name}.tar.bz2", "w:bz2") as archive:
            mails = [_mail(100 * place + number, label) for number in range(5)]
            mails.append(_mail(0, "ham") if label == "ham" else _mail(300, "spam"))
            named = {f"{n:05}.{hashlib.md5(raw).hexdigest()}": raw for n, raw in enumerate(mails)}
            small.append((name, 6, label, spamassassin.content_sha256(named)))
            for file, raw in {**named, "cmds": b"mv a b", "../../evil": b"x"}.items():
                member = tarfile.TarInfo(f"{name}/{file}")
                member.size = len(raw)
                archive.addfile(member, io.BytesIO(raw))
    monkeypatch.setattr(spamassassin, "_FOLDERS", tuple(small))
    return folder


def test_mails(cache, corpus):
    data.prepare("spamassassin", corpus)
    whole = data.find("spam", "spamassassin").load("all")
    assert whole.counts() == {"ham": 15, "spam": 10}  # distinct ones
    assert "ham 0\nbody 0" in list(whole.inputs)
    assert not any("example.org" in text for text in whole.inputs)


def test_sets_joined_part_by_part(cache, corpus):
    data.prepare("spamassassin", corpus)
    joined = data.find("spam", "spamassassin+spam_sample")
    mails, messages = (data.find("spam", name) for name in ("spamassassin", "spam_sample"))
    assert (joined.name, joined.is_fallback) == ("spamassassin+spam_sample", False)
    assert joined.kinds == ("messages", "mail")
    for split in ("train", "test"):
        assert _texts(joined, split) == _texts(mails, split) + _texts(messages, split)


@pytest.fixture
def enron(tmp_path, monkeypatch):
    """Two archives in the form of Enron-Spam, which share mails with each other and a corpus."""
    folder = tmp_path / "data" / "enron_spam"
    own = [(label, f"{label} of two {n}") for label in ("ham", "spam") for n in range(10)]
    shared = [("spam", f"shared {n}") for n in range(10)]
    made.as_enron(folder, 2, own + shared)
    made.as_enron(folder, 4, [(label, text.replace("two", "four")) for label, text in own] + shared)
    monkeypatch.setattr(enron_spam, "ENRON_FOLDERS", ((2, 10, 20), (4, 10, 20)))
    monkeypatch.setattr(enron_spam, "_SHA256", {})
    return folder


def test_enron_spam_is_read_from_the_archives_that_are_there(cache, enron):
    data.prepare("enron_spam", enron)
    whole = data.find("spam", "enron_spam").load("all")
    assert whole.counts() == {"ham": 20, "spam": 30}  # distinct ones
    assert "ham of two 0\nbody of ham of two 0" in list(whole.inputs)
    data.prepare("enron_spam/4", enron)
    assert data.find("spam", "enron_spam/4").load("all").counts() == {"ham": 10, "spam": 20}
    with pytest.raises(DataError, match=r"expected enron1\.tar\.gz"):
        data.prepare("enron_spam/1", enron)


def test_enron_spam_damaged(cache, enron, monkeypatch):
    monkeypatch.setattr(enron_spam, "_SHA256", {2: "0" * 64})
    with pytest.raises(DataError, match="not the official archive"):
        data.prepare("enron_spam", enron)
    monkeypatch.setattr(enron_spam, "ENRON_FOLDERS", ((2, 10, 21), (4, 10, 20)))
    with pytest.raises(DataError, match="10 ham and 20 spam; expected 10 and 21"):
        enron_spam.check(enron)
    (enron / "enron4.tar.gz").write_bytes(b"\x1f\x8b")
    (enron / "enron2.tar.gz").unlink()
    with pytest.raises(DataError, match="damaged"):
        enron_spam.check(enron)


def test_a_text_of_several_joined_sets_stands_on_one_side_once(cache, enron):
    for name in ("enron_spam/2", "enron_spam/4"):
        data.prepare(name, enron)
    joined = data.find("spam", "enron_spam/2+enron_spam/4")
    train, test = (list(map(joining.key, _texts(joined, split))) for split in ("train", "test"))
    assert len(train) + len(test) == len({*train, *test}) == 50
    for name in ("enron_spam/2", "enron_spam/4"):
        own = set(map(joining.key, _texts(data.find("spam", name), "test")))
        assert own <= set(test)  # so each set's own test set stays unseen
    with pytest.raises(ConfigError, match="joins a set with itself"):
        data.find("spam", "enron_spam+enron_spam/4")


def test_examples_of_joined_sets_know_which_they_are_from(cache, enron):
    for name in ("enron_spam/2", "enron_spam/4"):
        data.prepare(name, enron)
    joined = data.find("spam", "enron_spam/2+enron_spam/4")
    examples = joined.load("train")
    found = origins.origins(joined, examples.take(np.arange(len(examples))[::-1]), 0)
    assert found.names == ("enron_spam/2", "enron_spam/4")
    for text, place in zip(examples.inputs[::-1], found.of, strict=True):
        own = data.find("spam", found.names[place])
        assert joining.key(text) in set(map(joining.key, _texts(own, "train")))
    assert set(found.of.tolist()) == {0, 1}
    alone = data.find("spam", "enron_spam/2")
    assert origins.origins(alone, alone.load("train"), 0) is None


def test_the_key_of_joined_sets_is_of_letters_and_digits():
    assert joining.key("Get it FREE!  $100.") == joining.key("get it free ! $ 100 .")
    assert joining.key("!!!") != joining.key("???")


def test_training_on_joined_sets_never_opens_a_test_part(cache, enron):
    for name in ("enron_spam/2", "enron_spam/4"):
        data.prepare(name, enron)
    data.find("spam", "enron_spam/2+enron_spam/4")
    for file in cache.rglob("test.jsonl"):
        file.write_text("unreadable")
    assert len(data.find("spam", "enron_spam/2+enron_spam/4").load("train"))


def test_an_archive_of_other_mails_that_name_their_md5_is_refused(cache, corpus):
    path = next(corpus.glob("*easy_ham.tar.bz2"))
    with tarfile.open(path, "w:bz2") as archive:
        for number in range(6):
            raw = _mail(700 + number, "ham")
            member = tarfile.TarInfo(f"easy_ham/{number:05}.{hashlib.md5(raw).hexdigest()}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    with pytest.raises(DataError, match="not the official archive"):
        spamassassin.check(corpus)


def test_mails_missing_or_damaged(cache, corpus, monkeypatch):
    monkeypatch.setattr(spamassassin, "_EDITED", {hashlib.md5(_mail(1, "ham")).hexdigest(): "0"})
    with pytest.raises(DataError, match="MD5"):
        data.prepare("spamassassin", corpus)
    monkeypatch.undo()
    with pytest.raises(DataError, match="expected 2,500"):
        spamassassin.check(corpus)
    (corpus / "easy_ham.tar.bz2").write_bytes(b"BZh9")
    with pytest.raises(DataError, match="damaged"):
        spamassassin.check(corpus)
    (corpus / "spam_2.tar.bz2").unlink()
    with pytest.raises(DataError, match=r"missing.*spam_2"):
        spamassassin.check(corpus)


def test_finding_data_imports_nothing_heavy():
    code = (
        "import sys; from nnguide import data; from nnguide.cli import data as command; "
        "data.names(); data.state('mnist'); "
        "print([name for name in ('numpy', 'tensorflow', 'sklearn', 'tensorflow_datasets') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
