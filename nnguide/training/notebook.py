"""Progress of a training in a notebook.

It is one element that is drawn again, not a line an epoch.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from nnguide import pages

EVERY = 0.5  # seconds between two drawings
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")


def is_running() -> bool:
    """Return whether this is the kernel of a notebook.

    A notebook shows what is displayed.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


class Board:
    """Display of a training: its messages and its progress."""

    def __init__(self) -> None:
        """Show an empty board in the cell that runs."""
        from IPython.display import HTML, display

        self._html = HTML
        self._lines: list[str] = []
        self._words, self._share, self._drawn = "", 0.0, 0.0
        self._handle = display(HTML(self._drawing()), display_id=True)

    def say(self, line: str) -> None:
        """Show a line for the user."""
        self._lines.append(line)
        self._draw()

    def watch(self, title: str) -> list[Any]:
        """Return the Keras callbacks that show a training.

        `title` is that of a training beside the run's own.
        """
        import keras

        board = self

        class Progress(keras.callbacks.Callback):
            """Display of epoch, metrics and the time that is left."""

            def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
                self.started = time.perf_counter()
                self.first: int | None = None

            def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
                self.first = epoch if self.first is None else self.first
                self.epoch = epoch

            def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
                if time.perf_counter() - board._drawn >= EVERY:
                    self._tell((batch + 1) / (self.params["steps"] or batch + 1), logs)

            def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
                self._tell(1.0, logs)

            def _tell(self, fraction: float, logs: dict[str, Any] | None) -> None:
                epochs = self.params["epochs"]
                done = self.epoch - (self.first or 0) + fraction
                ahead = epochs - self.epoch - fraction
                left = (time.perf_counter() - self.started) / done * ahead
                figures = [f"{name} {logs[name]:.4f}" for name in FIGURES if logs and name in logs]
                start = f"{title}, " if title else ""
                words = [f"{start}epoch {self.epoch + 1}/{epochs}", *figures]
                words.append(f"{round(left) // 60}:{round(left) % 60:02d} left")
                board._tell((self.epoch + fraction) / epochs, " · ".join(words))

        return [Progress()]

    def _tell(self, share: float, words: str) -> None:
        self._share, self._words = share, words
        self._draw()

    def _draw(self) -> None:
        self._drawn = time.perf_counter()
        self._handle.update(self._html(self._drawing()))

    def _drawing(self) -> str:
        share = f"{self._share:.3f}"
        return pages.render("progress.html", lines=self._lines, share=share, words=self._words)
