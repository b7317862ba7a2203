"""The progress of a training: a bar, or a line an epoch.

The bar is for a terminal.
"""

from __future__ import annotations

import time
from typing import Any

from nnguide import cli
from nnguide.cli import _terminal

LINES = 40  # at most, of a training that shows its epochs
REDRAW = 0.1  # seconds between two drawings of the bar
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")


def progress(display: _terminal.Display, title: str = "") -> list[Any]:
    """Return the callbacks that show a training on stderr.

    There are none with --quiet.

    Args:
        display: where the bar is drawn.
        title: of a training beside the run's own, which shows a bar on a terminal and no epochs.
    """
    if cli.is_quiet():
        return []
    from nnguide import logs

    logs.tensorflow()
    import keras

    class Progress(keras.callbacks.Callback):
        """A callback that shows epoch, metrics, speed and remaining time."""

        def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
            self.started = self.drawn = time.perf_counter()
            self.first: int | None = None
            self.every = -(-self.params["epochs"] // LINES)  # rounded up

        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            self.first = epoch if self.first is None else self.first
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            now = time.perf_counter()
            if not display.can_draw or now - self.drawn < REDRAW:
                return
            self.drawn = now
            share = (batch + 1) / self.params["steps"]
            steps = (self.epoch - (self.first or 0)) * self.params["steps"] + batch + 1
            before = [f"epoch {self.epoch + 1}/{self.params['epochs']}"]
            after = (
                f"{steps / (now - self.started):,.0f} steps/s",
                f"{self._left(share)} left",
                f"loss {(logs or {}).get('loss', float('nan')):.4f}",
            )
            before = [title, *before] if title else before
            display.draw(_terminal.bar(before, share, after, display.width))

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            last = epoch + 1 == self.params["epochs"]
            if last:
                display.end()
            if title or (epoch % self.every and not last):
                return
            logs = logs or {}
            figures = "  ".join(f"{name} {logs[name]:.4f}" for name in FIGURES if name in logs)
            cli.show_line(
                f"epoch {epoch + 1}/{self.params['epochs']}  {figures}  {self._left(1.0)} left"
            )

        def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
            display.end()

        def _left(self, share: float) -> str:
            """Return the time to the end of the last epoch.

            It assumes the speed so far.
            """
            done = self.epoch - (self.first or 0) + share
            rest = self.params["epochs"] - self.epoch - share
            seconds = round((time.perf_counter() - self.started) / max(done, 1e-9) * rest)
            return f"{seconds // 60}:{seconds % 60:02d}"

    return [Progress()]
