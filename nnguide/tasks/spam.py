"""Spam: a text in, one probability out: that it is spam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnguide.config import (
    CalibrationConfig,
    Config,
    DenseConfig,
    EmbeddingConfig,
    TokensConfig,
    TrainConfig,
)
from nnguide.tasks import Task

if TYPE_CHECKING:
    import keras
    import numpy as np
    from keras_tuner import HyperParameters

    from nnguide.data.examples import Examples
    from nnguide.models.heads import Head

HAM_READ = 5_000  # messages whose words may be appended
FEWEST_WORDS = 5


def preprocessor(config: Config, inputs: Any) -> keras.layers.Layer:
    from nnguide.preprocessing.text import Tokens
    from nnguide.preprocessing.tokens import Tokeniser

    assert config.tokens is not None
    return Tokens(Tokeniser.adapt(inputs, **vars(config.tokens)), name="tokens")


def feed(layer: Any, inputs: np.ndarray) -> tuple[Any, keras.layers.Layer | None]:
    """Return the ids of texts, in memory or by batch.

    The NumPy version of the layer makes them, which is faster. JAX and PyTorch have no rows of
    unequal length: theirs are padded.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return layer.tokeniser(inputs), None
    import tensorflow as tf

    from nnguide.data.records import Records
    from nnguide.preprocessing.token_rows import TokenRows

    if isinstance(inputs, Records):
        return TokenRows(layer.tokeniser, inputs), None
    ids, lengths = layer.tokeniser.ragged(inputs)
    return tf.RaggedTensor.from_row_lengths(ids, lengths), None


def draw(config: Config, training: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Return copies of the spam, with words of ham appended, and targets.

    So spam is known whatever innocent words stand behind it: train.innocent_words at most, drawn
    as often as they occur in ham.
    """
    import numpy as np

    random = np.random.default_rng(config.train.seed)
    most = config.train.innocent_words
    spam = np.flatnonzero(training.labels == 1) if most else np.zeros(0, int)
    ham = random.permutation(np.flatnonzero(training.labels == 0))[:HAM_READ]
    words = [word for row in ham if len(spam) for word in training.inputs[row].split()]
    copies = np.empty(len(spam) if words else 0, object)
    for place in range(len(copies)):
        count = random.integers(min(FEWEST_WORDS, most), most + 1)
        chosen = random.integers(len(words), size=count)
        copies[place] = " ".join([training.inputs[spam[place]], *(words[n] for n in chosen)])
    return copies, np.ones((len(copies), 1), np.float32)


def build(config: Config, layer: Any, labels: int) -> keras.Model:
    from nnguide.models import text

    known = layer.tokeniser
    if isinstance(config.model, DenseConfig):
        return text.build_dense(config.model, ids=known.size, head=head(labels))
    assert isinstance(config.model, EmbeddingConfig)
    return text.build(
        config.model,
        ids=known.size,
        first_gram=known.first_gram,
        head=head(labels),
        boundaries=[known.first_pair, known.first_opening] if config.model.apart else [],
    )


def adapt(core: keras.Model, layer: Any, rows: Any) -> None:
    """Set each token's learning speed by how rare it is."""
    import numpy as np

    from nnguide.models.text import MaskedPool, TokenEmbedding

    embedding = core.get_layer("embedding")
    if isinstance(embedding, TokenEmbedding):
        size = layer.tokeniser.size
        if isinstance(rows, np.ndarray):  # padded, and padding says nothing of id 0
            seen = np.bincount(rows[rows > 0], minlength=size)
        elif hasattr(rows, "counts"):  # read when they are needed
            seen = rows.counts()
        else:
            seen = np.bincount(rows.flat_values.numpy(), minlength=size)
        pools = [pool.first for pool in core.layers if isinstance(pool, MaskedPool)]
        embedding.adapt(seen, rows.shape[0], sorted(pools)[1:])


def head(labels: int) -> Head:
    from nnguide.models.heads import Sigmoid

    return Sigmoid()


def space(hp: HyperParameters, base: Config) -> None:
    """Declare the hyperparameters that a search changes.

    Lists are written as `--set` takes them.
    """
    hp.Choice("tokens.grams", ["3,4,5", "3,4", "2,3,4", "4,5,6"])  # lengths of the n-grams
    hp.Choice("tokens.buckets", [0, 4096, 8192, 16384], default=8192)  # 0: no n-grams
    hp.Choice("tokens.pairs", [0, 4096, 8192], default=4096)
    if isinstance(base.model, EmbeddingConfig):
        hp.Choice("model.embedding", [8, 16, 32], default=16)
        hp.Float("model.word_dropout", 0.0, 0.4, step=0.1, default=0.2)
        hp.Choice("model.hidden", ["[]", "16", "32", "64", "32,32"], default="32")
    else:
        hp.Choice("model.hidden", ["16", "32", "64", "32,32"], default="32")
    hp.Float("model.dropout", 0.0, 0.6, step=0.1, default=0.5)
    hp.Choice("model.l1", [0.0, 1e-6, 1e-5])
    hp.Choice("model.l2", [0.0, 1e-6, 1e-5, 1e-4])
    hp.Choice("train.optimizer", ["momentum", "sgd", "adam", "adamw"])
    hp.Float("train.learning_rate", 1e-3, 0.3, sampling="log", default=0.1)
    hp.Choice("train.schedule", ["onecycle", "cosine", "constant"])
    hp.Choice("train.batch_size", [16, 32, 64, 128], default=32)


TASK = Task(
    name="spam",
    title="whether a message is spam",
    inputs="texts",
    labels=("ham", "spam"),
    preprocessor=preprocessor,
    feed=feed,
    draw=draw,
    augment=None,
    build=build,
    adapt=adapt,
    head=head,
    space=space,
    models={"embedding": {}, "dense": {"hidden": [32], "dropout": 0.5}},
    defaults=Config(
        task="spam",
        model=EmbeddingConfig(),
        tokens=TokensConfig(),
        train=TrainConfig(),
        calibration=CalibrationConfig(on="folds"),  # its validation set alone is too small
    ),
    threshold=0.5,
    intended=(
        "Sorting a person's own messages into ham and spam, where what is blocked can be read.",
        "Learning, teaching and comparing filters.",
    ),
    limits=(
        "Spam changes: what was learned goes out of date, and spammers test their messages against "
        "filters.",
        "It reads words, not links, senders or attachments: a short message from a stranger with "
        "an innocent text and a bad link passes.",
        "Only the beginning of a long message is read.",
        "Languages, dialects and topics missing from the training data are judged by accidental "
        "similarity. Anyone who writes so may be blocked more often than others.",
        "Not for deleting messages unseen, and not for judging people by what they write.",
    ),
)
