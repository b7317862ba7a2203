"""The options that several commands share, and JSON output."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from nnguide.config import groups
from nnguide.config.values import Typed
from nnguide.errors import ConfigError
from nnguide.files import parse_json, parse_toml, reading


class GivenPath(click.Path):
    """A path that is not empty.

    An unset variable gives an empty one, which would be the current folder.
    """

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if str(value) == "":
            self.fail("expected a path; got an empty one", param, ctx)
        return super().convert(value, param, ctx)


PATH = GivenPath(path_type=Path)
NAME_OR_PATH = GivenPath()
MAX_CONFIG = 2**24  # characters
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON (`nnguide docs json`).")

mails = click.option(
    "--mail",
    "mails",
    multiple=True,
    type=PATH,
    help="A mail, a mailbox, a folder of mail, or - for standard input.",
)
anyway = click.option(
    "--anyway", is_flag=True, help="Answer even for a kind of input that RUN was not trained on."
)
threshold = click.option("--threshold", type=float, help="For spam: overrides the run's threshold.")
force = click.option("--force", is_flag=True, help="Replace a folder that is not empty.")


def choice(values: Any) -> click.Choice:
    """Return the values of a setting as a command-line choice."""
    return click.Choice(get_args(values))


_Row = tuple[str, str, Any, str]  # option, key of the configuration, type, help

_COLUMNS: tuple[_Row, ...] = (
    ("--label-column", "data.label_column", str, "A table's column of labels. [label]"),
    ("--text-column", "data.text_column", str, "A table's column of texts. [text]"),
    ("--encoding", "data.encoding", str, "A table's text encoding. [utf-8]"),
)
_DATA: tuple[_Row, ...] = (
    ("--dataset", "data.dataset", str, "A data set's name, a path, or auto. [auto]"),
    *_COLUMNS,
)
_SETTINGS: tuple[_Row, ...] = (
    *_DATA,
    ("--epochs", "train.epochs", int, "Number of epochs."),
    ("--batch-size", "train.batch_size", str, "Batch size, or full."),
    ("--learning-rate", "train.learning_rate", float, "Highest learning rate of the schedule."),
    ("--optimizer", "train.optimizer", choice(groups.Optimizer), "Optimizer."),
    ("--schedule", "train.schedule", choice(groups.Schedule), "Learning-rate schedule."),
    ("--dropout", "model.dropout", float, "Fraction of units dropped in training."),
    ("--l1", "model.l1", float, "L1 regularization factor."),
    ("--l2", "model.l2", float, "L2 regularization factor."),
    ("--patience", "train.patience", int, "Early stopping: epochs without improvement; 0: off."),
    ("--seed", "train.seed", int, "Seed of the initial weights, shuffling and dropout."),
    (
        "--max-blocked-ham",
        "calibration.max_blocked_ham",
        float,
        "Fraction of ham that the threshold may block.",
    ),
    ("--precision", "runtime.precision", choice(groups.Precision), "Floating-point precision."),
    (
        "--strategy",
        "runtime.strategy",
        choice(groups.Strategy),
        "Distribution over GPUs or machines.",
    ),
)


def _add(command: Callable[..., Any], rows: tuple[_Row, ...]) -> Callable[..., Any]:
    for flag, _, kind, text in reversed(rows):
        command = click.option(flag, type=kind, default=None, help=text)(command)
    return command


def columns(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for the columns of a table of texts."""
    return _add(command, _COLUMNS)


def data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for the training data.

    `collect_data` reads them.
    """
    return _add(command, _DATA)


def data_of_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for the data that a run is measured on."""
    text = "A data set's name or a path. [the run's own data]"
    return _add(command, (("--dataset", "", str, text), *_COLUMNS))


def settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add every option of the configuration.

    `collect` makes settings of them.
    """
    return _add(command, _SETTINGS)


def collect(options: dict[str, Any], rows: tuple[_Row, ...] = _SETTINGS) -> dict[str, Any]:
    """Return the options that were set as nested settings.

    They are removed from `options`.
    """
    tree: dict[str, Any] = {}
    for flag, key, _, _ in rows:
        value = options.pop(flag.removeprefix("--").replace("-", "_"))
        if value is not None:
            group, _, name = key.partition(".")
            tree.setdefault(group, {})[name] = Typed(value) if isinstance(value, str) else value
    return tree


def collect_data(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of `data` as nested settings.

    They are removed from `options`, as by `collect`.
    """
    return collect(options, _DATA)


def read_config(path: Path) -> dict[str, Any]:
    """Read the settings in a TOML file or a run's config.json.

    Raises:
        ConfigError: no file, or neither TOML nor JSON.
    """
    try:
        with io.TextIOWrapper(reading.opened(path), "utf-8-sig") as file:
            content = file.read(MAX_CONFIG + 1)
        if len(content) > MAX_CONFIG:
            raise ConfigError(f"--config: expected at most {MAX_CONFIG:,} characters in {path}")
        tree = parse_json(content) if path.suffix == ".json" else parse_toml(content)
    except OSError as error:
        raise ConfigError(f"--config: cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        form = "JSON" if path.suffix == ".json" else "TOML"
        raise ConfigError(f"--config: {path} is not valid {form}: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"--config: {path} holds no settings")
    return tree


def print_json(command: str, answer: dict[str, Any]) -> None:
    """Print one JSON object on one line of stdout.

    `schema` and `command` come first.

    In ASCII, so that no terminal and no reader of lines can break it: U+2028 ends a line too.
    """
    click.echo(json.dumps({"schema": 1, "command": command, **answer}, allow_nan=False))
