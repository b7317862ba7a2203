"""Progress of a training: a bar on a terminal, a plain line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

LINES = 40  # at most, of a training that shows its epochs


def progress(title: str = "") -> list[Any]:
    """The callbacks that show a training, on stderr; none with --quiet.

    Args:
        title: of a training beside the run's own, which shows a bar on a terminal and no epochs.
    """
    context = click.get_current_context(silent=True)
    if context and (context.find_root().obj or {}).get("quiet"):
        return []
    from nnguide import framework_logs

    framework_logs.tensorflow()
    import keras

    class Progress(keras.callbacks.Callback):
        """Epoch, figures, examples a second and the time that is left."""

        def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
            self.started = self.drawn = time.perf_counter()
            self.first: int | None = None
            self.live = sys.stderr.isatty()
            self.title = f"{title}, " if title else ""
            self.every = -(-self.params["epochs"] // LINES)  # rounded up

        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            self.first = epoch if self.first is None else self.first
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            now = time.perf_counter()
            if not self.live or now - self.drawn < 0.1:
                return
            self.drawn = now
            share = (batch + 1) / self.params["steps"]
            bar = "#" * round(20 * share)
            loss = (logs or {}).get("loss", float("nan"))
            steps = (self.epoch - (self.first or 0)) * self.params["steps"] + batch + 1
            click.echo(
                f"\r\x1b[K{self.title}epoch {self.epoch + 1}/{self.params['epochs']} [{bar:<20}] "
                f"{steps / (now - self.started):,.0f} steps/s  {self._left(share)} left  "
                f"loss {loss:.4f}",
                err=True,
                nl=False,
            )

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            logs = logs or {}
            last = epoch + 1 == self.params["epochs"]
            if title or (epoch % self.every and not last):
                if self.live and last:
                    click.echo("\r\x1b[K", err=True, nl=False)
                return
            figures = "  ".join(
                f"{name} {logs[name]:.4f}"
                for name in ("loss", "accuracy", "val_loss", "val_accuracy")
                if name in logs
            )
            click.echo(
                ("\r\x1b[K" if self.live else "")
                + f"epoch {epoch + 1}/{self.params['epochs']}  {figures}  {self._left(1.0)} left",
                err=True,
            )

        def _left(self, share: float) -> str:
            """The time to the last epoch's end, at the pace so far."""
            done = self.epoch - (self.first or 0) + share
            rest = self.params["epochs"] - self.epoch - share
            seconds = round((time.perf_counter() - self.started) / max(done, 1e-9) * rest)
            return f"{seconds // 60}:{seconds % 60:02d}"

    return [Progress()]
