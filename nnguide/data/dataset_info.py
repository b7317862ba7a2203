"""Facts about each data set: origin, terms and flaws."""

from __future__ import annotations

from dataclasses import dataclass, replace

DIGITS = tuple("0123456789")
MAIL = ("ham", "spam")
MEMORY = "memory:"  # begins the name of data that a program held; digits of its SHA-256 follow
TRAIN_AND_TEST = ("train", "test")
SPLITS = (*TRAIN_AND_TEST, "all")  # "all": the first, then the second
KINDS = ("messages", "mail")  # of texts: short messages without a header, and mail
KIND_NAMES = {"messages": "text messages", "mail": "mail"}


@dataclass(frozen=True)
class Facts:
    """One data set, as `nnguide data info` shows it.

    Attributes:
        name: what a user types; a part after the slash is another split of the same files.
        module: in nnguide.data, what reads it.
        builder: in nnguide.data, what prepares it with TensorFlow Datasets, if that is another.
        built_in: it comes with the package and needs no preparing.
        own_split: its publisher divided it, so the split seed changes nothing.
        kinds: which of KINDS its texts are; () for pictures.
        reading: rises when its texts are read differently, so that they are prepared again.
    """

    name: str
    task: str
    module: str
    title: str
    description: str
    origin: str
    terms: str
    labels: tuple[str, ...]
    flaws: tuple[str, ...]
    built_in: bool = False
    own_split: bool = False
    kinds: tuple[str, ...] = ()
    reading: int = 1
    builder: str = ""

    @property
    def set(self) -> str:
        """The folder of its files, for example "sms_spam" for "sms_spam/paper"."""
        return self.name.partition("/")[0]

    @property
    def variant(self) -> str:
        """Part after the slash, "" for most names."""
        return self.name.partition("/")[2]


_SMS = Facts(
    name="sms_spam",
    task="spam",
    module="sms_spam",
    builder="sms_spam_builder",
    title="the SMS Spam Collection",
    description=(
        "5,574 text messages, 747 of them spam. Each distinct text once (5,159), 80/20, stratified."
    ),
    origin="UCI machine learning repository, id 228 (Almeida, Gómez Hidalgo, Yamakami, 2011)",
    terms=(
        "Copyright Tiago Agostinho de Almeida and José María Gómez Hidalgo; free, with the "
        "copyright notice and without warranty; its authors ask to be cited"
    ),
    labels=MAIL,
    flaws=(
        "Compiled before 2012: spam is British, most ham is from students in Singapore, so a "
        "network can learn the dialect instead of spam.",
        "Links, phishing in the name of banks or parcels, and emoji are rare.",
        "309 rows have HTML entities left over, 35 a control character.",
    ),
    kinds=("messages",),
)

# Number, ham and spam as published.
ENRON_FOLDERS = (
    (1, 3_672, 1_500),
    (2, 4_361, 1_496),
    (3, 4_012, 1_500),
    (4, 1_500, 4_499),
    (5, 1_500, 3_675),
    (6, 1_500, 4_500),
)

_ENRON = Facts(
    name="enron_spam",
    task="spam",
    module="enron_spam",
    builder="enron_spam_builder",
    title="Enron-Spam",
    description=(
        "Mail of six Enron employees of 1999 to 2002 with spam of 2001 to 2005, preprocessed: "
        "lower case, tokens separated by spaces. Uses the folders 1 to 6 whose archives are there. "
        "Each distinct text once, 80/20, stratified."
    ),
    origin="Metsis, Androutsopoulos, Paliouras: Spam Filtering with Naive Bayes, CEAS 2006",
    terms=(
        "No licence stated; made available for research. The ham is of the public Enron corpus: "
        "real names occur"
    ),
    labels=MAIL,
    flaws=(
        "Ham and spam come from different years and people: a network can learn those.",
        "Some of its spam is in the SpamAssassin corpus too; a joined set keeps such a mail in one "
        "split.",
        "Its form, lower case with tokens apart, gives the corpus away beside raw mail.",
    ),
    kinds=("mail",),
)

ALL = (
    Facts(
        name="mnist",
        task="digits",
        module="mnist",
        title="MNIST",
        description="60,000 and 10,000 handwritten digits, 28×28, white on black.",
        origin="Yann LeCun and Corinna Cortes, from NIST; through TensorFlow Datasets",
        terms="Creative Commons Attribution-ShareAlike 3.0 (as the Keras documentation says)",
        labels=DIGITS,
        flaws=(
            "A few labels are wrong or undecidable.",
            "Every digit fills a 20×20 box and is centred by mass: pictures that are not "
            "brought to that form look foreign to a network that saw only these.",
        ),
        own_split=True,
    ),
    Facts(
        name="optdigits",
        task="digits",
        module="optdigits",
        title="1,797 scanned digits",
        description=(
            "1,797 handwritten digits of 8×8 from scikit-learn, brought to MNIST's form: "
            "28×28, in a 20×20 box, centred by mass. 80/20, stratified."
        ),
        origin="Optical Recognition of Handwritten Digits, UCI, its test set (Alpaydin, Kaynak)",
        terms="Creative Commons Attribution 4.0 (UCI); part of scikit-learn",
        labels=DIGITS,
        flaws=(
            "Small, and enlarged from 8×8: softer than a real scan.",
            "Its 13 writers appear in both the training set and the test set.",
        ),
        built_in=True,
    ),
    Facts(
        name="qmnist",
        task="digits",
        module="qmnist",
        title="QMNIST",
        description=(
            "60,000 digits to train, and 50,000 to test that MNIST's makers had and left out of "
            "its test set; 28×28, in MNIST's form."
        ),
        origin="C. Yadav, L. Bottou: Cold Case: The Lost MNIST Digits, NeurIPS 2019",
        terms="BSD-style licence of its repository",
        labels=DIGITS,
        flaws=("Its training digits are MNIST's, made again: do not join the two.",),
        own_split=True,
    ),
    Facts(
        name="emnist/digits",
        task="digits",
        module="emnist",
        title="EMNIST's digits",
        description="240,000 and 40,000 handwritten digits of NIST in MNIST's form, 28×28.",
        origin="G. Cohen and others: EMNIST, an extension of MNIST to handwritten letters, 2017",
        terms="No licence stated; of NIST's special database 19",
        labels=DIGITS,
        flaws=(
            "Some of its digits are MNIST's: a network that learned MNIST has seen those.",
            "Enlarged and blurred by another method than MNIST's.",
        ),
        own_split=True,
    ),
    Facts(
        name="usps",
        task="digits",
        module="usps",
        title="USPS",
        description=(
            "7,291 and 2,007 digits from American envelopes, 16×16, brought to MNIST's form: "
            "28×28, in a 20×20 box, centred by mass."
        ),
        origin="J. J. Hull: A database for handwritten text recognition research, 1994",
        terms="No licence stated",
        labels=DIGITS,
        flaws=(
            "Each digit was stretched to a square, so that a 1 can be as wide as a 0.",
            "Known for wrong labels in its test set: people err at 2.5 % of it.",
        ),
        own_split=True,
    ),
    Facts(
        name="ardis",
        task="digits",
        module="ardis",
        title="ARDIS",
        description="6,600 and 1,000 digits from Swedish church records, 1895 to 1970, 28×28.",
        origin="H. Kusetogullari and others: ARDIS, a Swedish historical digit dataset, 2019",
        terms="Free for research, as its authors say",
        labels=DIGITS,
        flaws=("Old hands and steel pens: ones with long upstrokes, crossed sevens.",),
        own_split=True,
    ),
    _SMS,
    Facts(
        name="sms_spam/paper",
        task="spam",
        module="sms_spam",
        builder="sms_spam_builder",
        title="the SMS Spam Collection, split as in its paper",
        description=(
            "5,574 text messages, 747 of them spam. The first 1,674 rows train, the other "
            "3,900 test, duplicates kept."
        ),
        origin=_SMS.origin,
        terms=_SMS.terms,
        labels=MAIL,
        flaws=(
            "206 of its test messages are verbatim in its training set, so its metrics are too "
            "good; compare them with the paper only.",
            *_SMS.flaws,
        ),
        own_split=True,
        kinds=_SMS.kinds,
    ),
    Facts(
        name="spamassassin",
        task="spam",
        module="spamassassin",
        builder="spamassassin_builder",
        title="the SpamAssassin corpus",
        description=(
            "6,047 raw mails of 2002, 1,897 of them spam: subject and the text a reader sees, no "
            "other header. Each distinct text once (5,915), 80/20, stratified."
        ),
        origin="SpamAssassin public mail corpus, release 20030228",
        terms=(
            "Copyright of the texts remains with their senders; offered to developers of spam "
            "filters. Do not send them through a live mail system. Real names occur"
        ),
        labels=MAIL,
        flaws=(
            "spam_2/00529 is a ham: the publisher removed it in 2005, and so does nnguide.",
            "Ham is mostly plain text of technical mailing lists, spam mostly HTML.",
            "Collected around 2002: today's spam reads differently.",
        ),
        kinds=("mail",),
        reading=3,
    ),
    _ENRON,
    *(
        replace(
            _ENRON,
            name=f"enron_spam/{number}",
            title=f"folder {number} of Enron-Spam",
            description=f"Folder {number} of Enron-Spam alone: {ham:,} ham, {spam:,} spam.",
        )
        for number, ham, spam in ENRON_FOLDERS
    ),
    Facts(
        name="spam_sample",
        task="spam",
        module="spam_sample",
        title="messages written for this project",
        description=(
            "Short messages and mail texts, half of them spam, all written for this project: "
            "no real person received any. 80/20, stratified."
        ),
        origin="nnguide; names, numbers and links are reserved ones, such as example.org",
        terms="The licence of nnguide",
        labels=MAIL,
        flaws=(
            "Made up: metrics on it show that the program works, not how well a network filters "
            "real mail.",
        ),
        built_in=True,
        kinds=KINDS,
    ),
)

BY_NAME = {facts.name: facts for facts in ALL}

# task -> the real set that `--dataset auto` looks for, and the built-in one in its place.
AUTO = {"digits": ("mnist", "optdigits"), "spam": ("sms_spam", "spam_sample")}
