"""The model on the command line as a case.

It is a run, a .keras file, or FILE.py:function.
"""

from __future__ import annotations

import ast
import contextlib
import logging
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnguide import logs, runs
from nnguide.doctor import EVALUATED
from nnguide.errors import ConfigError, DataError, InputError, NnguideError, RunError
from nnguide.models import saving
from nnguide.runs import Run

if TYPE_CHECKING:
    from nnguide.doctor.case import Case

log = logging.getLogger(__name__)

MAX_SOURCE = 4 << 20  # bytes of a .py file


def load(
    target: str,
    *,
    data: str | None = None,
    history: Path | None = None,
    batch_size: int | None = None,
    label_column: str | None = None,
    trust: bool = False,
) -> Case:
    """Load the case that `nnguide doctor TARGET` means.

    Args:
        target: a run's folder or a task, FILE.keras, or FILE.py:function; that file is executed.
        data: an .npz, a CSV file or the name of a data set, in the place of the target's own.
        history: a CSV file of figures per epoch, in the place of a run's own.
        batch_size: of training, where the target does not say.
        label_column: of a CSV file; None is "label".
        trust: whether a model file may hold code, and be an .h5 file.
    Raises:
        ConfigError: a target of no known form, no such function, no such data set.
        DataError: the data is not available.
        InputError: the file fails when it is executed, or returns no model; bad data.
        RunError: a run or model that is missing or damaged, or has layers of an unknown kind.
    """
    path, _, function = target.rpartition(":")
    if path.endswith(".py"):
        model, own = execute(Path(path), function)
        facts: dict[str, Any] = {}
    elif target.endswith(".py"):
        raise ConfigError(f"expected FILE.py:FUNCTION; got {target}.{_functions(Path(target))}")
    elif target.endswith((".keras", ".h5", ".hdf5")):
        model, own, facts = keras_file(Path(target), trust=trust), None, {}
    elif (Path(target) / "saved_model.pb").exists():
        raise RunError(
            f"{target} was not loaded: a SavedModel is a graph without Keras's layers, and code. "
            "Expected a run's folder, or a .keras file as model.save('model.keras') writes it."
        )
    else:
        return _of_run(runs.load(target), data, history, batch_size, label_column)
    from nnguide.doctor import case

    if data is not None:
        from nnguide.doctor.tables import own_data

        own = own_data(data, model, label_column)
    return case.read(model, own, history, batch_size=batch_size, **facts)


def keras_file(path: Path, *, trust: bool = False) -> Any:
    """Load the model in a file, compiled as it was saved.

    Args:
        trust: whether code in it may run; then an .h5 file is loaded too.
    Raises:
        RunError: missing, damaged, or with what only a trusted file may hold.
    """
    if not path.is_file():
        raise RunError(f"there is no model at {path}. Check the path.")
    own = "If it has layers or losses of your own, give the code: nnguide doctor FILE.py:function"
    if not trust:
        if path.suffix != ".keras":
            raise RunError(
                f"{path} was not loaded: a model file is code, and this form cannot be checked. "
                "Expected a .keras file, as model.save('model.keras') writes it. "
                "If you trust who made it: --trust"
            )
        try:
            return saving.load(path, run=False)
        except RunError as error:
            raise RunError(f"{error} {own}. If you trust who made the file: --trust") from error
    logs.tensorflow()
    import keras

    saving.register_layers()
    try:
        with logs.stderr_diverted():
            return keras.models.load_model(path, safe_mode=False)
    except Exception as error:  # Keras raises whatever its parts raise
        text = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise RunError(
            f"{path} cannot be loaded as a Keras model: {text.strip()[:300].rstrip('.')}. {own}"
        ) from error


def execute(path: Path, function: str) -> tuple[Any, Any]:
    """Run a Python file and its function; return model and data.

    The data is None if there is none.

    What the file prints goes to stderr.

    Raises:
        RunError: no such file.
        ConfigError: no such function in it.
        InputError: the file or the function fails, or gives no Keras model.
    """
    source = _source(path)
    logs.tensorflow()
    import keras

    module = types.ModuleType(f"_doctor_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # what dataclasses and Keras look classes up in
    sys.path.insert(0, str(path.parent.absolute()))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            with _told(str(path)):
                exec(compile(source, str(path), "exec"), module.__dict__)
            make = getattr(module, function, None)
            if not callable(make):
                raise ConfigError(f"{path} has no function {function!r}.{_functions(path)}")
            with _told(f"{path}:{function}"):
                answer = make()
    finally:
        sys.path.remove(str(path.parent.absolute()))
    model, data = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
    if not isinstance(model, keras.Model):
        raise InputError(
            f"expected {path}:{function} to return a Keras model, or (model, data); "
            f"got {type(answer).__name__}"
        )
    return model, data


def _source(path: Path) -> bytes:
    if not path.is_file():
        raise RunError(f"there is no file {path}. Check the path.")
    if path.stat().st_size > MAX_SOURCE:
        raise InputError(f"{path}: expected at most {MAX_SOURCE >> 20} MB of Python; got more")
    return path.read_bytes()


@contextlib.contextmanager
def _told(what: str) -> Any:
    """Convert errors of the user's code to an InputError.

    It names the line of the code.
    """
    try:
        yield
    except NnguideError:
        raise
    except (Exception, SystemExit) as error:
        trace = error.__traceback__
        line = getattr(error, "lineno", None)
        name = what.partition(".py")[0] + ".py"
        while trace:
            if trace.tb_frame.f_code.co_filename == name:
                line = trace.tb_lineno
            trace = trace.tb_next
        first = next(iter(str(error).strip().splitlines()), "")
        where = f" in line {line}" if line else ""
        raise InputError(f"{what} fails{where}: {type(error).__name__}: {first[:300]}") from error


def _functions(path: Path) -> str:
    """Return a hint with the file's functions that take no arguments.

    Nothing is executed.
    """
    try:
        tree = ast.parse(_source(path))
    except (SyntaxError, ValueError, NnguideError):
        return ""
    names = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and len(node.args.args) + len(node.args.posonlyargs) == len(node.args.defaults)
    ]
    return f" Functions in it that take nothing: {', '.join(names)}." if names else ""


def _of_run(
    run: Run,
    data: str | None,
    history: Path | None,
    batch_size: int | None,
    label_column: str | None,
) -> Case:
    """Return the case of a run with its history and data.

    It is compiled as its training was.
    """
    logs.tensorflow()  # before anything imports Keras
    from nnguide.doctor import case

    log.info(f"run: {run.folder}")
    config, model = run.config, run.model
    own_data: Any = None
    if data is None:
        try:
            own_data = _own_data(run)
        except (DataError, ConfigError) as error:
            log.info(f"note: the run's own data is not available: {error}")
    else:
        from nnguide.doctor.tables import own_data as read

        own_data = read(data, model, label_column)
    size = config.train.batch_size
    rows = len(own_data.train) if own_data is not None else run.metrics.get("n_train")
    _compile(run, model, rows or 1)
    return case.read(
        model,
        own_data,
        history or run.folder / "history.csv",
        batch_size=batch_size or (rows if size == "full" else int(size)),
        shuffles=data is None,
        trained=True,
        measures=EVALUATED,
    )


def _compile(run: Run, model: Any, rows: int) -> None:
    from nnguide.models.optimizers import optimizer

    config = run.config
    head = run.task.head(len(run.labels))
    size = config.train.batch_size
    steps = 1 if size == "full" else max(rows // int(size), 1)
    model.compile(
        optimizer(config.train, steps), head.loss(config.train.label_smoothing), head.metrics()
    )


def _own_data(run: Run) -> Any:
    """Load the training, validation and test set of a run."""
    from nnguide import data
    from nnguide.data.splits import training_and_validation
    from nnguide.doctor.data import Data, Pair
    from nnguide.evaluation.evaluate import own_dataset

    config = run.config
    source = data.find(
        run.task.name,
        own_dataset(run),
        split_seed=config.data.split_seed,
        label_column=config.data.label_column or None,
        text_column=config.data.text_column or None,
        encoding=config.data.encoding or None,
    )
    head = run.task.head(len(run.labels))

    def pair(examples: Any) -> Pair:
        return Pair(examples.inputs, head.targets(examples.labels))

    training, validation = training_and_validation(config, source.load("train"))
    held = None if validation is None else pair(validation)
    return Data(pair(training), held, pair(source.load("test")))
