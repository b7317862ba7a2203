"""Learning from a few corrections without forgetting the rest.

Twenty pictures alone would pull a network away from all it knows. So a training that starts from
a run and learns from a folder of corrections rehearses: it sees a part of that run's own training
set, too, and each correction many times among it, at a low rate. Half of that part is written as
the writer of the corrections writes (see writer.py). What it learns of that part are the run's own
answers to the pictures as they were (Li & Hoiem, Learning without forgetting, 2016), and
normalization statistics are measured on such pictures. In the end its weights are mixed with those
it began with (Wortsman et al., Robust fine-tuning of zero-shot models, 2022), which keeps what was
learned and gives back what it cost.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nnguide import data
from nnguide.config import Config
from nnguide.data import corrections
from nnguide.data.catalogue import Source
from nnguide.data.examples import Examples
from nnguide.data.splits import training_and_validation
from nnguide.errors import ConfigError
from nnguide.evaluation.calibration import apply_temperature
from nnguide.models import saving
from nnguide.runs import Run
from nnguide.training import starting, writer
from nnguide.training.samples import Taught

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

REHEARSED = 12_000  # examples of the run's own training set
SHARE = 0.1  # of what is learned from that the corrections make up, repeated
REPEATED = 50  # times at most
RATE = 0.07  # of the learning rate that a training from random weights has
EPOCHS = 3
WRITTEN = 0.5  # of the rehearsed pictures, in the hand of the corrections' writer
STRENGTHS = (0.5, 1.6)  # how much of that hand; mistakes alone show it a little too weak
LEARNED = 0.5  # weight in the average of what training found; the rest is of the run's own


def is_asked(source: Source) -> bool:
    """Return whether a data set is a folder of corrections."""
    return source.path is not None and bool(corrections.labels_of(Path(source.path)))


def gentle(config: Config, chosen: set[str]) -> Config:
    """Return the configuration with a low learning rate, few epochs.

    It ends with the last epoch: the validation set has no picture of the writer's, so the best
    epoch there is often the first, in which little was learned of the hand. What the user chose
    stays.
    """
    train = config.train
    if "train.learning_rate" not in chosen:
        train = dataclasses.replace(train, learning_rate=RATE * train.learning_rate)
    if "train.epochs" not in chosen:
        train = dataclasses.replace(train, epochs=EPOCHS)
    if "train.restore_best" not in chosen:
        train = dataclasses.replace(train, restore_best=False)
    return dataclasses.replace(config, train=train)


class Rehearsed(NamedTuple):
    """Sets of a training on corrections.

    Attributes:
        training: rehearsed examples, followed by repeated corrections.
        validation: examples of the run's own training set that are not rehearsed.
        taught: the run's answers to the rehearsed examples.
    """

    training: Examples
    validation: Examples | None
    taught: Taught


def sets(config: Config, corrected: Examples) -> Rehearsed:
    """Return what a training on corrections learns from, and is followed on.

    Raises:
        ConfigError: the training starts from no run.
        DataError: the run's own data is not available.
        InputError: the corrections are of a model with other labels.
        RunError: the run is an ensemble.
    """
    if not config.train.start_from:
        raise ConfigError(
            "corrections are learned beside what a run knows: say which, as in "
            "nnguide train digits --from digits --dataset corrections/"
        )
    run = starting.source(config.train.start_from)
    starting.layers_of(run)
    own = data.of(run.config)
    known = own.load("train")
    drawn = np.random.default_rng(config.train.seed).permutation(len(known))[:REHEARSED]
    training, validation = training_and_validation(config, known.take(np.sort(drawn)))
    times = int(SHARE / (1 - SHARE) * len(training) / len(corrected))
    times = min(max(times, 1), REPEATED)
    log.info(
        f"{len(corrected):,} corrections, {times} times each, beside {len(training):,} examples "
        f"of {own.name}, which {run.folder} learned from"
    )
    repeated = corrected.take(np.tile(np.arange(len(corrected)), times))
    everything = training.join(repeated)
    hand = writer.find(
        functools.partial(saving.outputs, starting.network(run)),
        np.asarray(corrected.inputs),
        corrected.labels,
        config.train.seed,
    )
    log.info(f"half of those in the hand of the corrections: {hand}")
    taught = Taught(_targets(config, run, training, repeated), training.inputs)
    inputs = np.array(everything.inputs)
    random = np.random.default_rng(config.train.seed)
    for place in np.flatnonzero(random.random(len(training)) < WRITTEN):
        inputs[place] = hand.times(random.uniform(*STRENGTHS)).write(inputs[place])
    return Rehearsed(dataclasses.replace(everything, inputs=inputs), validation, taught)


def _targets(config: Config, run: Run, rehearsed: Examples, repeated: Examples) -> np.ndarray:
    """Return what to learn, (n, labels): the run's answers, and the corrections.

    Its answers are those before calibration, which a training goes on from; where one is wrong,
    halfway to the label. Label smoothing comes later, in the loss, and must give back the answers.
    """
    from nnguide.training.calibrate import logits

    head = run.task.head(len(run.labels))
    smoothing = config.train.label_smoothing
    answers = apply_temperature(logits(starting.network(run), rehearsed), 1.0)
    answers = (answers - smoothing / len(run.labels)) / (1 - smoothing)
    labels = head.targets(rehearsed.labels)
    wrong = answers.argmax(axis=1) != rehearsed.labels
    answers[wrong] = (answers[wrong] + labels[wrong]) / 2
    return np.concatenate([answers, head.targets(repeated.labels)]).astype(np.float32)


def average(network: keras.Model, config: Config) -> None:
    """Average the trained weights with those at the start.

    The latter are those of the run that the training started from.

    Args:
        network: raw inputs to probabilities, not yet calibrated.
        config: names the run in `train.start_from`.
    """
    theirs = starting.network(starting.source(config.train.start_from)).get_layer("core")
    for layer in starting.transferable(network.get_layer("core")):
        pairs = zip(layer.get_weights(), theirs.get_layer(layer.name).get_weights(), strict=True)
        layer.set_weights([LEARNED * mine + (1 - LEARNED) * other for mine, other in pairs])
