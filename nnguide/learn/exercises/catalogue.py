"""All exercises, in the order of the guide."""

from __future__ import annotations

from pathlib import Path

from nnguide.config.values import unknown
from nnguide.errors import ConfigError
from nnguide.learn.exercises import (
    activation_exercises,
    application_exercises,
    backward_exercises,
    forward_exercises,
    loss_exercises,
    optimizer_exercises,
    overfitting_exercises,
    training_exercises,
)
from nnguide.learn.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    *forward_exercises.NEURONS,
    *activation_exercises.EXERCISES,
    *forward_exercises.NETWORKS,
    *loss_exercises.EXERCISES,
    *backward_exercises.EXERCISES,
    *optimizer_exercises.EXERCISES,
    *training_exercises.EXERCISES,
    *overfitting_exercises.EXERCISES,
    *application_exercises.EXERCISES,
)
BY_NAME = {exercise.name: exercise for exercise in EXERCISES}


def file_name(exercise: Exercise) -> str:
    """Return the exercise's file name, such as 04_sigmoid.py."""
    return f"{EXERCISES.index(exercise) + 1:02d}_{exercise.name}.py"


def find(name: str) -> Exercise:
    """Return the exercise of a name, a number or a file.

    A file is called 04_sigmoid.py or the like.

    Raises:
        ConfigError: there is none; the message names what is nearest.
    """
    word = Path(name).name.removesuffix(".py")
    number, _, rest = word.partition("_")
    if number.isdecimal():
        if not rest and 1 <= int(number) <= len(EXERCISES):
            return EXERCISES[int(number) - 1]
        word = rest
    if word not in BY_NAME:
        raise ConfigError(unknown(word or name, list(BY_NAME), "exercise"))
    return BY_NAME[word]
