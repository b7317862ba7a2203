"""The layers of a saved network, from its light form.

LiteRT keeps the output of each operation. TensorFlow and Keras are not needed: the network of a
run's folder is opened a second time, so that every array between its input and its answer can be
read.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnguide import data, logs, runs, tasks
from nnguide.data import catalogue, preparation, prepared
from nnguide.data.dataset_info import Facts
from nnguide.errors import ConfigError, ExtraError, RunError
from nnguide.explain import occlusion, subjects, words
from nnguide.explain.score import Score
from nnguide.files import workspace
from nnguide.inference import LIGHT_FILES, litert
from nnguide.preprocessing.tokens import Tokeniser
from nnguide.runs import MANIFEST, Run, registry, schema

SHIPPED = "shipped/"  # before the name of a run that comes with nnguide
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
MOVES = ("SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE")  # operations that compute nothing
PART = re.compile(r"_(norm|pool|relu|leaky_relu|tanh|sigmoid|elu|gelu|silu|swish|split|order)$")
SQUARE = 4  # pixels: side of what is hidden of a picture
KEPT = 4  # runs that stay open
MOST_KNOWN = 400  # training digits among which the nearest are looked for
BUILT_IN = "optdigits"


class Layer(NamedTuple):
    """A layer's output for one input.

    It is (maps, rows, columns), or (units,).
    """

    name: str
    values: np.ndarray


class Known(NamedTuple):
    """Labelled pictures of a data set with last-layer inputs.

    The pictures are (n, …); each has what the last layer is given for it.
    """

    dataset: str
    pictures: np.ndarray
    labels: list[str]
    features: np.ndarray


class Opened:
    """A run whose layers can be inspected.

    Threads may share it: they take turns.
    """

    def __init__(self, run: Run) -> None:
        """Open the light form of a run.

        Raises:
            RunError: the run has none, or it is damaged.
            ExtraError: LiteRT's runtime is not installed.
        """
        self.run = run
        self.subject = subjects.subject(run)
        self._front: Any = run.light.front
        self._turn = threading.Lock()
        self._network, self._operations = _interpreter(run.folder / LIGHT_FILES[0])
        self._input = self._network.get_input_details()[0]["index"]

    def layers(self, checked: Any) -> list[Layer]:
        """Return the output of every layer for one checked input.

        They go from the first layer to the sums before the last activation.
        """
        with self._turn:
            ((_, batch),) = self._front(self.subject.kind.stacked([checked]))
            self._feed(batch)
            by_name: dict[str, Layer] = {}
            for operation in self._operations:
                index = int(operation["outputs"][0])
                values = self._network.get_tensor(index)
                if operation["op_name"] in (*MOVES, "SOFTMAX", "LOGISTIC"):
                    continue
                if values.dtype == np.float32 and values.ndim in (2, 4):
                    name = self._names[index]
                    by_name.pop(name, None)  # a layer's last operation is what it gives
                    first = values[0]
                    by_name[name] = Layer(
                        name, first.transpose(2, 0, 1) if first.ndim == 3 else first
                    )
            return list(by_name.values())

    def features(self, checked: Any) -> np.ndarray:
        """Return the last layer's inputs for some checked inputs.

        The result is (n, features).
        """
        last = [
            operation for operation in self._operations if operation["op_name"] == "FULLY_CONNECTED"
        ][-1]
        by_place: dict[int, np.ndarray] = {}
        with self._turn:
            for places, batch in self._front(checked):
                self._feed(batch)
                rows = self._network.get_tensor(int(last["inputs"][0])).reshape(len(batch), -1)
                by_place |= dict(zip(np.arange(len(checked))[places], rows, strict=True))
        return np.stack([by_place[i] for i in range(len(checked))])

    @functools.cached_property
    def known(self) -> Known:
        """Digits that the network learned from.

        Where their files are not on this machine, they are those that come with nnguide.
        """
        return _known(self)

    @functools.cached_property
    def kernels(self) -> np.ndarray:
        """The first layer's weights as pictures.

        They are (kernels, channels, rows, columns) of a convolution, (units, 1, 28, 28) of
        a dense layer over pixels.

        Raises:
            ConfigError: the first layer has no weights of pixels.
        """
        for operation in self._operations:
            if operation["op_name"] in WEIGHTED:
                with self._turn:
                    weights = self._network.get_tensor(int(operation["inputs"][1]))
                if operation["op_name"] == "CONV_2D":
                    return weights.transpose(0, 3, 1, 2)
                if operation["op_name"] == "FULLY_CONNECTED" and weights.shape[1] == 784:
                    return weights.reshape(-1, 1, 28, 28)
                break
        raise ConfigError(f"the first layer of {self.run.folder} has no weights of pixels")

    @functools.cached_property
    def embedding(self) -> np.ndarray:
        """The vector of each token id, (tokens, dimensions).

        Raises:
            ConfigError: the network has none.
        """
        for operation in self._operations:
            if operation["op_name"] in ("GATHER", "EMBEDDING_LOOKUP"):
                with self._turn:
                    tables = [self._network.get_tensor(int(i)) for i in operation["inputs"]]
                return next(
                    table for table in tables if table.ndim == 2 and table.dtype.kind == "f"
                )
        raise ConfigError(f"{self.run.folder} has no embedding")

    def score(self, checked: Any, label: int) -> Any:
        """Return a function from masks of an input to log-odds.

        Masks are (n, parts) of what stays, the log-odds of the label (n,).
        """
        size = SQUARE if self.run.task.kind.is_drawn else 1
        parts = self.subject.parts(checked, size)
        score = Score(self.subject.output, label, len(self.subject.labels))

        def answer(masks: np.ndarray) -> np.ndarray:
            return score(self.subject.sums(parts.keep(np.asarray(masks, bool))))[0]

        return answer

    def words(self, checked: str) -> list[str]:
        """Return the words of a text that the run reads."""
        return [word.word for word in words.read(self.tokeniser, checked)[0].words]

    @property
    def tokeniser(self) -> Tokeniser:
        """The tokeniser of a run of texts."""
        tokeniser: Tokeniser = self._front.tokeniser
        return tokeniser

    def log_odds(self, checked: Any, label: int) -> float:
        """Return the log-odds of a label for one checked input."""
        sums = self.subject.sums(self.subject.kind.stacked([checked]))
        return float(Score(self.subject.output, label, len(self.subject.labels))(sums)[0][0])

    def hidden(self, checked: Any, label: int) -> np.ndarray:
        """Return how far a label's log-odds fall without each part.

        For each pixel the part is its square, (28, 28); else it is a word, (words,).
        """
        parts = self.subject.parts(checked, SQUARE if self.run.task.kind.is_drawn else 1)
        scores = occlusion.of_parts(self.score(checked, label), len(parts.differs))
        return parts.spread(scores) if hasattr(parts, "spread") else scores

    @functools.cached_property
    def _names(self) -> dict[int, str]:
        """The Keras layer name of each array."""
        return {
            tensor["index"]: _layer(tensor["name"]) for tensor in self._network.get_tensor_details()
        }

    def _feed(self, batch: np.ndarray) -> None:
        self._network.resize_tensor_input(self._input, batch.shape)
        self._network.allocate_tensors()
        self._network.set_tensor(self._input, batch)
        self._network.invoke()


def _layer(name: str) -> str:
    """Return stage_1_1 for core_1/stage_1_1_relu_1/Relu;…."""
    steps = [step for step in name.split(";")[0].split("/") if not re.match(r"core(_\d+)?$", step)]
    return PART.sub("", PART.sub("", re.sub(r"_\d+$", "", steps[0])))


def _interpreter(path: Path) -> tuple[Any, list[dict[str, Any]]]:
    if not litert.available():
        raise ExtraError("to look inside a run takes ai-edge-litert: pip install ai-edge-litert")
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        with logs.stderr_diverted():
            network = Interpreter(
                model_content=litert.content(path),
                num_threads=1,
                experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            network.allocate_tensors()
            return network, network._get_ops_details()
    except (OSError, ValueError, RuntimeError) as error:
        raise RunError(f"{path} cannot be loaded as a LiteRT network: {error}") from error


def opened(name: str) -> Opened:
    """Return the run of a folder, opened for its layers.

    It may be one that comes with nnguide, as shipped/digits. The last ones stay open.

    Raises:
        RunError: there is none, it is damaged, or it has no light form.
    """
    run = Run.open(folder_of(name))
    return _opened(run.folder, json.dumps(run.manifest["files"]))


@functools.lru_cache(maxsize=KEPT)
def _opened(folder: Path, files: str) -> Opened:
    return Opened(Run.open(folder))


def folder_of(name: str) -> Path:
    """Return the folder of a run.

    It may be one that comes with nnguide, as shipped/digits.
    """
    if name.startswith(SHIPPED):
        return runs.shipped("digits").with_name(name.removeprefix(SHIPPED))
    return Path(name)


def saved(kind: str) -> dict[str, str]:
    """Return the runs whose inputs are pictures or texts.

    `kind` says which of them. The result is name -> what to call it.

    Those that come with nnguide, those below saved_models/runs, the newest first, and those that
    are remembered.
    """
    choices = {}
    shipped = [folder for task in tasks.names() for folder in runs.all_shipped(task)]
    own = [*_folders(), *registry.remembered()]
    for folder in [*dict.fromkeys(shipped), *dict.fromkeys(own)]:
        with contextlib.suppress(RunError, ConfigError, KeyError, TypeError):
            task = tasks.get(schema.read(folder / MANIFEST, {"task": schema.TEXT})["task"])
            if task.kind.name == kind and (folder / LIGHT_FILES[0]).is_file():
                if folder in shipped:
                    choices[f"{SHIPPED}{folder.name}"] = f"{folder.name}, shipped"
                else:
                    choices[str(folder)] = f"yours: {'/'.join(folder.parts[-2:])}"
    return choices


def _folders() -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(workspace.folders(runs.ROOT), reverse=True)
    return []


def _known(of: Opened) -> Known:
    """Return the first digits that a run learned from.

    No data set is downloaded for it.
    """
    facts = [catalogue.BY_NAME.get(name) for name in str(of.run.manifest["dataset"]).split("+")]
    here = all(fact and _is_here(fact, of.run.config.data.split_seed) for fact in facts)
    source = data.of(of.run.config) if here else data.find("digits", BUILT_IN)
    examples = source.load("train")
    keep = np.flatnonzero(examples.labels < len(of.run.labels))[:MOST_KNOWN]
    pictures = examples.inputs[keep]
    names = of.run.labels if here else [str(k) for k in range(10)]
    labels = [names[int(k)] for k in examples.labels[keep]]
    return Known(source.name, pictures, labels, of.features(of.run.check(pictures)))


def _is_here(facts: Facts, split_seed: int) -> bool:
    """Return whether a data set is on this machine.

    Nothing is downloaded for it then.
    """
    return (
        facts.built_in
        or preparation.in_data_dir(facts) is not None
        or prepared.is_intact(preparation.folder(facts, split_seed))
    )
