"""Options that several commands share, and how results are printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from nnguide import config
from nnguide.errors import ConfigError

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON (docs/json.md).")


def dashed(choices: Any) -> click.Choice:
    """The values of a setting as a choice on the command line."""
    return click.Choice(get_args(choices))


class _Settings:
    """The command-line options that are settings of the configuration, each by its key."""

    table: tuple[tuple[str, str, Any, str], ...] = (
        ("--dataset", "data.dataset", str, "A set's name, a path, or auto. [auto]"),
        ("--epochs", "train.epochs", int, "Passes over the training part."),
        ("--batch-size", "train.batch_size", str, "Examples an update, or full."),
        ("--learning-rate", "train.learning_rate", float, "The schedule's highest rate."),
        ("--optimizer", "train.optimizer", dashed(config.Optimizer), "Update rule."),
        ("--schedule", "train.schedule", dashed(config.Schedule), "Course of the rate."),
        ("--dropout", "model.dropout", float, "Fraction of units zeroed in training."),
        ("--l1", "model.l1", float, "Weight of sum(|w|) in the loss."),
        ("--l2", "model.l2", float, "Weight of sum(w**2) in the loss."),
        ("--patience", "train.patience", int, "Epochs without gain before stopping; 0: never."),
        ("--seed", "train.seed", int, "Seed of weights, order and dropout."),
        (
            "--max-blocked-ham",
            "calibration.max_blocked_ham",
            float,
            "Share of ham that the threshold may block.",
        ),
        ("--precision", "runtime.precision", dashed(config.Precision), "Number format."),
        ("--strategy", "runtime.strategy", dashed(config.Strategy), "How GPUs share the work."),
    )


def settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every option of the configuration; `collect` makes settings of them."""
    for flag, _, kind, text in reversed(_Settings.table):
        command = click.option(flag, type=kind, default=None, help=text)(command)
    return command


def collect(given: dict[str, Any]) -> list[str]:
    """KEY=VALUE words for the options that were given; they are taken out of `given`."""
    words = []
    for flag, key, _, _ in _Settings.table:
        value = given.pop(flag.removeprefix("--").replace("-", "_"))
        if value is not None:
            words.append(f"{key}={json.dumps(value) if not isinstance(value, str) else value}")
    return words


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a TOML file or in a run's config.json.

    Raises:
        ConfigError: no file, or neither TOML nor JSON.
    """
    import tomllib

    try:
        content = path.read_text(encoding="utf-8")
        tree = json.loads(content) if path.suffix == ".json" else tomllib.loads(content)
    except OSError as error:
        raise ConfigError(f"--config: cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        form = "JSON" if path.suffix == ".json" else "TOML"
        raise ConfigError(f"--config: {path} is not valid {form}: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"--config: {path} holds no settings")
    return tree


def print_json(command: str, answer: dict[str, Any]) -> None:
    """One JSON object on stdout, with `schema` and `command` first."""
    whole = {"schema": 1, "command": command, **answer}
    click.echo(json.dumps(whole, ensure_ascii=False, allow_nan=False))
