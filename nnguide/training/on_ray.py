"""Training on the workers of a Ray cluster.

Workers that die are started again. Ray Train's TensorflowTrainer starts the workers, sets TF_CONFIG
for each and calls the same training as the command line does. A worker that is lost ends the
others, Ray starts all again, and they go on from the checkpoint of the last whole epoch.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnguide import logs
from nnguide.config import Config, Settings, each
from nnguide.errors import ConfigError, ExtraError, NnguideError, WorkError
from nnguide.files import sha256, workspace, writing_to
from nnguide.runs import MANIFEST, Run
from nnguide.training import resume as resuming
from nnguide.training.cluster import WorkerLostError
from nnguide.training.configure import configure
from nnguide.training.meeting import ANNOUNCED, ERRORS, WAIT

RESTARTS = 20  # how often Ray starts lost workers again
TRIES = 3  # how often Ray tries to start all of them, in the seconds of --wait
MEMORY = 2**27  # bytes that a Ray of our own shares between processes: the least that it needs
LINES = "lines.jsonl"  # what the chief says, beside Ray's own files
SHOWN = ("loss", "accuracy", "val_loss", "val_accuracy")
LOST = "lost"  # what a worker answers of a training that is worth starting again

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """Arguments that every worker gets.

    Attributes:
        task, preset, config, settings, force, resume, wait: arguments of `train`.
        out: the run's folder, absolute.
        before: the SHA-256 of the manifest of the run that was there; "": none was.
        started_in: the folder that relative paths start from.
    """

    task: str
    preset: str
    config: Mapping[str, Any]
    settings: Any
    out: str
    force: bool
    resume: bool
    wait: float
    before: str
    started_in: str

    @property
    def goes_on(self) -> bool:
        """Whether part of this training is there already.

        It may be this very training, or one that it resumes.
        """
        folder = Path(self.out)
        left = resuming.place(folder, self.force).waits
        return self.resume or left or _manifest(folder) not in ("", self.before)

    @property
    def shared(self) -> Path:
        """Folder of Ray's files while it trains.

        All workers see it.
        """
        return _shared(Path(self.out))


def train(
    task: str,
    workers: int,
    *,
    preset: str = "default",
    config: Config | Mapping[str, Any] | None = None,
    settings: Settings = (),
    out: Path | str | None = None,
    force: bool = False,
    resume: bool = False,
    wait: float = WAIT,
) -> Run:
    """Train a network on `workers` processes of Ray.

    The finished run is returned. It joins the Ray cluster of RAY_ADDRESS, or one that runs on this
    machine, else it starts Ray here for as long as it trains.

    Args:
        task, preset, config, settings, force, resume, wait: as for `train.train`.
        workers: how many processes train together, one CPU or GPU each.
        out: the run's folder, on storage that all machines of the cluster see.
    Raises:
        ExtraError: Ray is not installed.
        WorkError: workers were lost more than RESTARTS times, or never came.
        NnguideError: the training's own.
    """
    tree = config.to_dict() if isinstance(config, Config) else config or {}
    settings = each(settings)
    settled = configure(task, preset=preset, config=tree, settings=settings)
    if workers < 1:
        raise ConfigError(f"--workers with --on ray is how many, 1 or more; got {workers}")
    if settled.runtime.strategy not in ("auto", "multi_worker"):
        raise ConfigError(
            f"--on ray joins its workers, which runtime.strategy {settled.runtime.strategy} does "
            "not. Use auto, or leave --on away."
        )
    if out is None:
        raise ConfigError("the workers train into one folder, which all of them see: give --out.")
    if not 0 < wait < 1e6:
        raise ConfigError(f"--wait takes seconds, above 0; got {wait:g}")
    ray = _installed(wait)
    folder = Path(out).absolute()
    space = resuming.place(folder, force)
    resuming.check(space, resume)
    with _storage(folder) as shared:
        if space.waits and not resume:  # --force starts over
            with workspace.locked(space.place):
                workspace.remove(space.path)
        asked = Asked(
            *(task, preset, tree, settings, str(folder), force, resume, wait),
            *(_manifest(folder), str(Path.cwd())),
        )
        log.info(f"training on {workers} workers of Ray")
        with _joined(ray, workers):
            _fit(ray, asked, workers, shared)
    return Run.open(folder)


def _installed(wait: float) -> Any:
    """Import Ray without usage reports or a change of folder."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"
    os.environ["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"] = str(wait / TRIES)
    if importlib.util.find_spec("ray") is None:
        raise ExtraError.missing("ray[train]", "ray")
    logs.tensorflow()  # which Ray would import with its noise
    try:
        import ray
        import ray.train.tensorflow
    except ImportError as error:
        raise ExtraError.missing("ray[train]", "ray") from error
    return ray


@contextlib.contextmanager
def _storage(folder: Path) -> Iterator[Path]:
    """Make a folder for Ray's files beside the run's.

    It is for this process alone.
    """
    shared = _shared(folder)
    with writing_to(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with workspace.locked(shared):
        try:
            with writing_to(folder):
                shutil.rmtree(shared, ignore_errors=True)
                shared.mkdir()
            yield shared
        finally:
            shutil.rmtree(shared, ignore_errors=True)


def _shared(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.ray")


def _manifest(folder: Path) -> str:
    """Return the SHA-256 of a run's manifest.

    It differs from run to run; "" where there is none.
    """
    try:
        return sha256(folder / MANIFEST)
    except OSError:
        return ""


@contextlib.contextmanager
def _joined(ray: Any, workers: int) -> Iterator[None]:
    """Join an existing Ray cluster, else start one here."""
    mine = {name: value for name, value in os.environ.items() if name.startswith("NNGUIDE_")}
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        try:
            ray.init("auto", runtime_env={"env_vars": mine}, **quiet)
        except ConnectionError as error:
            if address := os.environ.get("RAY_ADDRESS"):
                raise ConfigError(
                    f"RAY_ADDRESS names {address}, where no Ray cluster answers. Start it, or take "
                    "the variable away to train on this machine."
                ) from error
            ray.init(
                "local",
                num_cpus=workers,
                object_store_memory=MEMORY,
                include_dashboard=False,
                **quiet,
            )
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():  # Ray has put its own there
                signal.signal(number, handler)
        yield
    finally:
        ray.shutdown()


def _fit(ray: Any, asked: Asked, workers: int, shared: Path) -> None:
    """Let Ray train, and log what the chief logs.

    Raises:
        NnguideError: the chief's own, or what became of Ray.
    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.tensorflow import TensorflowTrainer

    logging.getLogger("ray").setLevel(logging.CRITICAL)
    trainer = TensorflowTrainer(
        _work,
        train_loop_config={"asked": asked},
        scaling_config=ScalingConfig(
            num_workers=workers, use_gpu=ray.cluster_resources().get("GPU", 0) >= workers
        ),
        run_config=RunConfig(
            name="train",
            storage_path=str(shared),
            failure_config=FailureConfig(max_failures=RESTARTS, controller_failure_limit=TRIES - 1),
        ),
    )
    ended: list[Any] = []

    def fit() -> None:
        try:
            ended.append(trainer.fit().return_value)
        except Exception as error:  # of Ray, of many kinds
            ended.append(error)

    # Not in the main thread, where Ray would take Ctrl-C for itself.
    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    logged, began, announced = 0, time.monotonic(), 0.0
    while thread.is_alive():
        thread.join(0.2)
        logged = _log_on(shared / LINES, logged)
        if not logged and (passed := time.monotonic() - began) // ANNOUNCED > announced:
            announced = passed // ANNOUNCED
            log.info(
                f"waiting for Ray to start the workers: {passed:.0f} s of at most {asked.wait:g} s"
            )
    outcome = ended[0]
    if isinstance(outcome, Exception):
        raise of_ray(outcome, asked) from outcome
    if outcome is not None:
        status, words = outcome
        if status == 1:
            raise RuntimeError(words)
        raise ERRORS.get(status, WorkError)(words)


def _log_on(path: Path, logged: int) -> int:
    """Log the new lines of a file, and return their number.

    `logged` lines were logged before.
    """
    try:
        whole, _, _ = path.read_text("utf-8").rpartition("\n")
    except OSError:
        return logged
    lines = whole.splitlines()
    for line in lines[logged:]:
        words = json.loads(line)
        log.log(words["level"], words["text"], extra=words["extra"])
    return len(lines)


def of_ray(error: Exception, asked: Asked) -> NnguideError:
    """Return the error for a training that Ray gave up."""
    words = str(error)
    if LOST in words:
        return WorkError(
            f"workers were lost {RESTARTS + 1} times. Start again with --resume once they last."
        )
    if "storage" in words.lower():
        return ConfigError(
            f"not all machines of the Ray cluster see {asked.shared.parent}. Give an --out on "
            "storage that they share."
        )
    if "No module named 'nnguide" in words:
        return ConfigError(
            "a machine of the Ray cluster cannot import nnguide. Install the same version on all."
        )
    if "timed out" in words.lower() or "timeout" in words.lower():
        return WorkError(
            f"Ray could not start the workers within {asked.wait:g} s: it has too few CPUs or GPUs "
            "that are free. Ask for fewer --workers, or give them more time with --wait."
        )
    last = [line for line in words.splitlines() if line.strip()][-1:]
    return WorkError(f"Ray gave the training up: {' '.join(last) or type(error).__name__}")


# What each worker does.


def _work(config: dict[str, Asked]) -> tuple[int, str] | None:
    """Train as one of the workers.

    The status and words of an error that would come again are returned.

    Raises:
        WorkerLostError: another worker was lost: Ray is to start all again.
    """
    from ray.train import get_context

    from nnguide.training.train import train as train_here

    asked = config["asked"]
    os.environ.pop("TF_USE_LEGACY_KERAS", None)  # Ray's, for another Keras
    with contextlib.suppress(OSError):  # it is not on every machine
        os.chdir(asked.started_in)
    is_chief = get_context().get_world_rank() == 0
    try:
        with _logged_to(asked.shared / LINES) if is_chief else logs.warnings_alone():
            train_here(
                asked.task,
                preset=asked.preset,
                config=asked.config,
                settings=asked.settings,
                out=asked.out,
                force=asked.force,
                resume=asked.goes_on,
                watch=_watch,
                wait=asked.wait,
            )
    except WorkerLostError as error:
        raise WorkerLostError(f"{LOST}: {error}") from error
    except NnguideError as error:
        return error.exit_code, str(error)
    except Exception as error:
        if type(error).__module__.startswith("tensorflow") and not isinstance(error, TypeError):
            raise WorkerLostError(f"{LOST}: {error}") from error
        return 1, "".join(traceback.format_exception(error))
    return None


@contextlib.contextmanager
def _logged_to(path: Path) -> Iterator[None]:
    """Append what is logged to a file that the driver reads."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            extra = {"left_out": record.left_out} if hasattr(record, "left_out") else {}
            line = {"level": record.levelno, "text": record.getMessage(), "extra": extra}
            with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(line)}\n")

    handler, level = Handler(), logs.LOG.level
    logs.LOG.addHandler(handler)
    logs.LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        logs.LOG.removeHandler(handler)
        logs.LOG.setLevel(level)


def _watch(title: str) -> Sequence[Any]:
    """Return a callback that logs a line an epoch.

    Other trainings than the run's own have none.
    """
    import keras

    def show(epoch: int, values: Mapping[str, float]) -> None:
        shown = "  ".join(f"{name} {values[name]:.4f}" for name in SHOWN if name in values)
        log.info(f"epoch {epoch + 1}  {shown}")

    return [] if title else [keras.callbacks.LambdaCallback(on_epoch_end=show)]
