"""Exercises on words, the embedding, a Keras model and the threshold.

They belong to step 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnguide.learn.exercises.exercise import Case, Exercise, Functions, Mistake

TEXTS = (
    ["Win a prize. A PRIZE!", "see you at 6, a bit late", "you win you win"],
    ["b a c", "B A", "b"],
    ["call 0800-123 now", "now... NOW?", "call me now"],
    ["win_now win_now", "Win_now café café café", "naïve win"],
)


def token_cases(random: np.random.Generator) -> Iterator[Case]:
    for texts in TEXTS:
        for size in (2, 5, 100):
            yield Case("vocabulary", (list(texts), size))
    words = {"you": 1, "win": 2, "a": 3, "prize": 4}
    for text in ("You WIN a prize", "win, win! you", "a nice prize", "win_a PRIZÉ"):
        yield Case("tokenise", (text, words))
    yield Case("tokenise", ("", words), "an empty text")


def use_tokens(functions: Functions, case: Case) -> Any:
    """Return a vocabulary as one text, ids as an array."""
    answer = functions[case.function](*case.args)
    if case.function == "vocabulary":
        return str(sorted((str(word), int(n)) for word, n in answer.items()))
    return np.asarray(list(answer), float)


TOKENISE = Exercise(
    "tokenise",
    "Words to numbers",
    "11-digits-and-spam-in-an-afternoon",
    "**Spam.** A message becomes a row of token ids: words, pairs of words and runs of letters. "
    "Each id",
    '''
"""A text is its words: runs of letters a-z and digits, after lower(). Words become ids from 1 up.

The most frequent word has the id 1, words that are equally frequent go by the alphabet; 0 is for
words that are not in the vocabulary.
"""

import re
from collections import Counter


def vocabulary(texts, size):
    """A list of texts -> a dict word: id of the `size` most frequent words, ids from 1."""
    counts = Counter(word for text in texts for word in re.findall("[a-z0-9]+", text.lower()))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: id for id, word in enumerate(ranked[:size], 1)}


def tokenise(text, words):
    """A text and a vocabulary -> a list of ids, 0 for unknown words."""
    return [words.get(word, 0) for word in re.findall("[a-z0-9]+", text.lower())]
''',
    token_cases,
    (
        Mistake("ids begin at 0, which is for unknown words", "enumerate(ranked[:size], 1)", "enumerate(ranked[:size])"),
        Mistake("capital letters make other words: lower() is missing", 'text.lower()))\n', "text))\n"),
        Mistake("words are split at white space: the punctuation stays on them", 're.findall("[a-z0-9]+", text.lower()))\n', "text.lower().split())\n"),
        Mistake("the rarest words come first", "-counts[word], word", "counts[word], word"),
        Mistake("words are in alphabetical order, not by frequency", "(-counts[word], word)", "word"),
        Mistake("the size is ignored", "ranked[:size]", "ranked"),
        Mistake("one word too few: the size counts words, not ids", "ranked[:size]", "ranked[: size - 1]"),
        Mistake("equally frequent words are in reverse alphabetical order", "sorted(counts, key=lambda word: (-counts[word], word))", "sorted(counts, key=lambda word: (counts[word], word), reverse=True)"),
        Mistake("digits are left out: they belong to words", '"[a-z0-9]+", text.lower()))', '"[a-z]+", text.lower()))'),
        Mistake("unknown words are left out instead of 0", 'word in re.findall("[a-z0-9]+", text.lower())]', 'word in re.findall("[a-z0-9]+", text.lower()) if word in words]'),
        Mistake("capital letters make other words: lower() is missing", "text.lower())]", "text)]"),
        Mistake("words are split at white space: the punctuation stays on them", 're.findall("[a-z0-9]+", text.lower())]', "text.lower().split()]"),
        Mistake("each word counts once: repetitions are lost", '[words.get(word, 0) for word in re.findall("[a-z0-9]+", text.lower())]', '[words.get(word, 0) for word in dict.fromkeys(re.findall("[a-z0-9]+", text.lower()))]'),
        Mistake('capital letters make other words: lower() is missing', 're.findall("[a-z0-9]+", text.lower())]', 're.findall("[A-Za-z0-9]+", text)]'),
        Mistake('capital letters make other words: lower() is missing', 'Counter(word for text in texts for word in re.findall("[a-z0-9]+", text.lower()))', 'Counter(word for text in texts for word in re.findall("[A-Za-z0-9]+", text))'),
        Mistake('equally frequent words go by the texts, not by the alphabet', 'sorted(counts, key=lambda word: (-counts[word], word))', '[word for word, _ in counts.most_common()]'),
        Mistake('\\w takes _ and letters of other alphabets too: a-z and digits are wanted', 'Counter(word for text in texts for word in re.findall("[a-z0-9]+", text.lower()))', 'Counter(word for text in texts for word in re.findall(r"\\w+", text.lower()))'),
        Mistake('\\w takes _ and letters of other alphabets too: a-z and digits are wanted', 're.findall("[a-z0-9]+", text.lower())]', 're.findall(r"\\w+", text.lower())]'),
        Mistake('texts are counted, not words: a word counts once in each text', 'Counter(word for text in texts for word in re.findall("[a-z0-9]+", text.lower()))', 'Counter(word for text in texts for word in set(re.findall("[a-z0-9]+", text.lower())))'),
        Mistake('ids begin at 2', 'enumerate(ranked[:size], 1)', 'enumerate(ranked[:size], 2)'),
        Mistake('each letter is a word: the + is missing', '"[a-z0-9]+", text.lower())]', '"[a-z0-9]", text.lower())]'),
        Mistake('unknown words get the id after the last, not 0', 'words.get(word, 0)', 'words.get(word, len(words) + 1)'),
        Mistake('letters are counted, not words', 'Counter(word for text in texts for word in re.findall("[a-z0-9]+", text.lower()))', 'Counter("".join(texts).lower())'),
        Mistake('the counts are given, not the ids', '{word: id for id, word in enumerate(ranked[:size], 1)}', '{word: counts[word] for word in ranked[:size]}'),
        Mistake('unknown words raise KeyError instead of 0', 'words.get(word, 0)', 'words[word]'),
        Mistake('ids are keys and words are values: turned round', '{word: id for', '{id: word for'),
    ),
    (
        're.findall("[a-z0-9]+", text.lower()) gives the words.',
        "collections.Counter counts; sort by (-count, word).",
        "enumerate(…, 1) counts from 1; dict.get(word, 0) gives 0 for an unknown word.",
    ),
    use=use_tokens,
)  # fmt: skip


def embedding_cases(random: np.random.Generator) -> Iterator[Case]:
    for words, size, ids in ((6, 3, [1, 4, 2]), (4, 4, [3, 3, 0, 3]), (9, 2, [8])):
        E, δ = random.normal(size=(words, size)), random.normal(size=size)
        yield Case("embed", (np.array(ids), E))
        yield Case(
            "embed_back",
            (np.array(ids), E, δ),
            "repeated words" if len(set(ids)) < len(ids) else "",
        )
    E, δ, none = random.normal(size=(5, 3)), random.normal(size=3), np.array([], int)
    yield Case("embed", (none, E), "no words")
    yield Case("embed_back", (none, E, δ), "no words")


EMBEDDING = Exercise(
    "embedding",
    "The embedding and its gradient",
    "11-digits-and-spam-in-an-afternoon",
    "is looked up as a vector (an *embedding*), the vectors are pooled, a hidden layer looks for",
    '''
"""A bag of embeddings: a text is the mean of its words' vectors, rows of E; 0 where it has no words.

Backward each word gets an equal fraction of δ = ∂L/∂(mean); a word that occurs twice gets it twice.
"""

import numpy as np


def embed(ids, E):
    """ids (length,) whole numbers, E (words, size) -> (size,), the mean of the rows."""
    if len(ids) == 0:
        return np.zeros(E.shape[1])
    return E[ids].mean(axis=0)


def embed_back(ids, E, δ):
    """ids (length,), E (words, size), δ (size,) -> ∂L/∂E (words, size)."""
    dE = np.zeros(E.shape)
    for id in ids:
        dE[id] += δ / len(ids)
    return dE
''',
    embedding_cases,
    (
        Mistake("the sum stands where the mean belongs: too large by the length", ".mean(axis=0)", ".sum(axis=0)"),
        Mistake("no words give NaN, not 0", "    if len(ids) == 0:\n        return np.zeros(E.shape[1])\n", ""),
        Mistake("the mean runs over the vector, not over the words", ".mean(axis=0)", ".mean(axis=1)"),
        Mistake("each word counts once: repetitions are lost", "E[ids].mean(axis=0)", "E[np.unique(ids)].mean(axis=0)"),
        Mistake("columns of E are taken where rows belong", "E[ids].mean(axis=0)", "E[:, ids].mean(axis=1)"),
        Mistake("the largest stands where the mean belongs", ".mean(axis=0)", ".max(axis=0)"),
        Mistake("a repeated word gets its gradient once: += on an index does not add up", "    for id in ids:\n        dE[id] += δ / len(ids)\n", "    if len(ids):\n        dE[ids] += δ / len(ids)\n"),
        Mistake("not divided by the length: too large by exactly n", "δ / len(ids)", "δ"),
        Mistake("every word gets a gradient, also those that are not there", "    for id in ids:\n        dE[id] += δ / len(ids)\n", "    dE += δ / max(len(ids), 1)\n"),
        Mistake("divided by the size of the vector, not by the number of words", "δ / len(ids)", "δ / len(δ)"),
        Mistake("divided by the size of the vocabulary, not by the number of words", "δ / len(ids)", "δ / len(E)"),
        Mistake("the sign is flipped", "+= δ", "-= δ"),
        Mistake('divided by the size of the vocabulary, not by the number of words', 'E[ids].mean(axis=0)', 'E[ids].sum(axis=0) / len(E)'),
        Mistake('each word counts once: repetitions are lost', '    for id in ids:\n        dE[id] += δ / len(ids)\n', '    for id in set(ids.tolist()):\n        dE[id] += δ / len(set(ids.tolist()))\n'),
        Mistake('ids are taken to begin at 1', 'E[ids].mean(axis=0)', 'E[ids - 1].mean(axis=0)'),
        Mistake('a text with no words has one number, not a vector of zeros', 'return np.zeros(E.shape[1])', 'return 0.0'),
        Mistake('divided by the square root of the length', 'E[ids].mean(axis=0)', 'E[ids].sum(axis=0) / np.sqrt(len(ids))'),
        Mistake('only the first word is taken', 'E[ids].mean(axis=0)', 'E[ids[0]]'),
        Mistake('the rows are multiplied, not averaged', 'E[ids].mean(axis=0)', 'E[ids].prod(axis=0)'),
        Mistake('a row for each word of the text, not for each of the vocabulary', '    return dE\n', '    return np.tile(δ / max(len(ids), 1), (len(ids), 1))\n'),
    ),
    (
        "E[ids] takes the rows of all words at once: (length, size).",
        "The mean gives each of n words δ / n.",
        "Add word by word, or with np.add.at: dE[ids] += … adds a repeated word only once.",
    ),
)  # fmt: skip


def keras_cases(random: np.random.Generator) -> Iterator[Case]:
    for inputs, classes in ((5, 2), (4, 3), (784, 10)):
        where = "two classes" if classes == 2 else "more than two classes"
        yield Case("build", (inputs, classes), where)


def use_keras(functions: Functions, case: Case) -> Any:
    """Return in words how the learner's network ends.

    It has the nodes, the activation with the loss, and the hidden layers.
    """
    model = functions["build"](*case.args)
    last = model.layers[-1]
    shown = getattr(last, "activation", None)
    end = getattr(shown, "__name__", None) or type(last).__name__.lower()
    loss = getattr(model, "loss", None)
    logits = bool(getattr(loss, "from_logits", False))
    if loss is None:
        name = "none: not compiled"
    elif isinstance(loss, str):
        name = loss
    else:
        name = getattr(loss, "name", None) or loss.__name__
    name = {"bce": "binary_crossentropy"}.get(name, name)
    single = tuple(model.output_shape)[-1] == 1
    belongs = "linear" if logits else "sigmoid" if single else "softmax"
    ending = "fits" if end == belongs else f"{end} with from_logits={logits}"
    dense = [layer for layer in model.layers[:-1] if type(layer).__name__ == "Dense"]
    bends = {getattr(layer.activation, "__name__", "") for layer in dense} - {"linear"}
    bends |= {type(layer).__name__ for layer in model.layers[:-1]} & {
        "ReLU",
        "LeakyReLU",
        "Activation",
    }
    return (
        f"takes {tuple(model.input_shape)[1:]}",
        f"outputs: {tuple(model.output_shape)[1:]}",
        f"the last activation: {ending}",
        f"loss: {name}",
        f"an activation in between: {bool(bends)}",
    )


KERAS = Exercise(
    "keras_model",
    "A Keras model with the right head and loss",
    "11-digits-and-spam-in-an-afternoon",
    "patterns in them, and one node gives the probability of spam. That node also sees the pooled",
    '''
"""A compiled Keras classifier with a hidden ReLU layer: head and loss belong together.

Two classes: ONE sigmoid node with binary cross-entropy, labels 0 and 1. More: a softmax node a class,
labels 0, 1, 2, … as whole numbers (not one-hot).
"""

import keras


def build(inputs, classes):
    """inputs features, classes of 2 or more -> a compiled keras.Model of (batch, inputs)."""
    x = features = keras.Input((inputs,))
    x = keras.layers.Dense(16, activation="relu")(x)
    if classes == 2:
        head, loss = keras.layers.Dense(1, activation="sigmoid"), "binary_crossentropy"
    else:
        head, loss = keras.layers.Dense(classes, activation="softmax"), "sparse_categorical_crossentropy"
    model = keras.Model(features, head(x))
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model
''',
    keras_cases,
    (
        Mistake("a softmax over one node is always 1", '(1, activation="sigmoid")', '(1, activation="softmax")'),
        Mistake("two softmax nodes where one sigmoid node belongs", '(1, activation="sigmoid"), "binary_crossentropy"', '(2, activation="softmax"), "sparse_categorical_crossentropy"'),
        Mistake("the sigmoid is missing, and the loss expects probabilities", '(1, activation="sigmoid")', "(1)"),
        Mistake("sigmoid nodes where a softmax belongs", 'classes, activation="softmax"', 'classes, activation="sigmoid"'),
        Mistake("the softmax is missing, and the loss expects probabilities", '(classes, activation="softmax")', "(classes)"),
        Mistake("this loss wants one-hot labels, and they are whole numbers", '"sparse_categorical_crossentropy"', '"categorical_crossentropy"'),
        Mistake("mean squared error stands where cross-entropy belongs", 'loss=loss', 'loss="mse"'),
        Mistake("binary cross-entropy with more than two classes", '"sparse_categorical_crossentropy"', '"binary_crossentropy"'),
        Mistake("the model is not compiled", '    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])\n', ""),
        Mistake("no activation in between: the layers are one linear layer", 'Dense(16, activation="relu")', "Dense(16)"),
        Mistake("ReLU on the last layer: nothing there is a probability", '(1, activation="sigmoid")', '(1, activation="relu")'),
        Mistake("the softmax is applied twice: the loss has from_logits=True", '"sparse_categorical_crossentropy"', "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"),
        Mistake("one node for many classes", "Dense(classes", "Dense(1"),
    ),
    (
        "How a network ends depends on the number of classes: 1 node or one for each.",
        "One sigmoid node goes with binary_crossentropy.",
        "A softmax and whole numbers as labels go with sparse_categorical_crossentropy.",
    ),
    use=use_keras,
    keras=True,
)  # fmt: skip


def threshold_cases(random: np.random.Generator) -> Iterator[Case]:
    for n, most in ((40, 0.1), (60, 0.05), (50, 0.0), (30, 0.34)):
        labels = np.arange(n) % 3 // 2
        probabilities = np.clip(0.3 + 0.35 * labels + random.normal(0, 0.2, n), 0.01, 0.99)
        yield Case("threshold", (probabilities, labels, most))
    p, y = np.array([0.9, 0.7, 0.7, 0.7, 0.2, 0.8, 0.6]), np.array([1, 0, 0, 1, 0, 1, 1])
    yield Case("threshold", (p, y, 0.4), "equal probabilities")


def use_threshold(functions: Functions, case: Case) -> Any:
    """Return the ham blocked and spam caught by the threshold.

    Any threshold with these counts is correct.
    """
    probabilities, labels, _ = case.args
    spam = probabilities > float(functions["threshold"](*case.args))
    return f"{spam[labels == 0].sum()} ham blocked", f"{spam[labels == 1].sum()} spam caught"


THRESHOLD = Exercise(
    "threshold",
    "A threshold that keeps a bound",
    "11-digits-and-spam-in-an-afternoon",
    "**The threshold is yours.** Above 0.5 is a choice, not a law. Who must not lose mail says how "
    "much",
    '''
"""A message is spam when its probability is strictly above the threshold.

Catch as much spam as possible, while at most the fraction `most` of the ham is blocked.
"""

import numpy as np


def threshold(probabilities, labels, most):
    """probabilities (n,) of spam, labels (n,) 0 ham and 1 spam, most in [0, 1) -> one number."""
    ham = probabilities[labels == 0]
    for t in np.unique([0, *probabilities]):
        if np.mean(ham > t) <= most:
            return t
''',
    threshold_cases,
    (
        Mistake("the fraction of all messages is bounded, not that of the ham", "np.mean(ham > t)", "np.sum(ham > t) / len(labels)"),
        Mistake("the spam is bounded, not the ham", "labels == 0", "labels == 1"),
        Mistake("too careful: ham at the threshold is not blocked, only ham above it", "ham > t", "ham >= t"),
        Mistake("always 0.5, whatever the bound", "        if np.mean(ham > t) <= most:\n            return t\n", "        return 0.5\n"),
        Mistake("the highest threshold that keeps the bound: no spam is caught", "for t in np.unique([0, *probabilities]):", "for t in np.unique([0, *probabilities])[::-1]:"),
        Mistake("no ham is blocked at all, though the bound allows some", "        if np.mean(ham > t) <= most:\n            return t\n", "        return ham.max()\n"),
        Mistake("the fraction of the blocked messages is bounded, not that of the ham", "np.mean(ham > t)", "np.sum(ham > t) / max(np.sum(probabilities > t), 1)"),
        Mistake("the probability is 1 - most: the bound is no threshold", "        if np.mean(ham > t) <= most:\n            return t\n", "        return 1 - most\n"),
        Mistake("the bound is passed: the threshold below the right one", "        if np.mean(ham > t) <= most:\n            return t\n", "        if np.mean(ham > t) <= most:\n            return np.max(probabilities[probabilities < t], initial=0) - 1e-9\n"),
        Mistake('below the right one by a hair: a message at the threshold itself is no spam', '            return t\n', '            return t - 1e-9\n'),
        Mistake('the spam is bounded, not the ham', '        if np.mean(ham > t) <= most:\n            return t\n', '        return np.quantile(probabilities[labels == 1], 1 - most)\n'),
        Mistake('a fraction of the spam is caught, whatever the ham: the bound is on the ham', '        if np.mean(ham > t) <= most:\n            return t\n', '        return np.quantile(probabilities, 1 - most)\n'),
        Mistake('strictly below the bound: at most means that the bound itself is allowed', '<= most', '< most or np.mean(ham > t) == 0'),
        Mistake('the threshold of the highest accuracy, whatever the bound', 'for t in np.unique([0, *probabilities]):\n        if np.mean(ham > t) <= most:\n            return t\n', 'ts = np.unique([0, *probabilities])\n    return ts[np.argmax([np.mean((probabilities > t) == labels) for t in ts])]\n'),
        Mistake('the middle between the two means, whatever the bound', '        if np.mean(ham > t) <= most:\n            return t\n', '        return (ham.mean() + probabilities[labels == 1].mean()) / 2\n'),
        Mistake('a quantile between two ham: less spam is caught than the bound allows', '        if np.mean(ham > t) <= most:\n            return t\n', '        return np.quantile(ham, 1 - most)\n'),
    ),
    (
        "The lower the threshold, the more spam is caught and the more ham is blocked.",
        "Try the probabilities themselves as thresholds, from the lowest up.",
        "Take the first at which np.mean(ham > t) <= most.",
    ),
    use=use_threshold,
)  # fmt: skip

EXERCISES = (TOKENISE, EMBEDDING, KERAS, THRESHOLD)
