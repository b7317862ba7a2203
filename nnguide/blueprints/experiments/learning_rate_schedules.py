"""The learning rate over time, and the loss under each schedule."""

from __future__ import annotations

from typing import Any

from nnguide.blueprints import optimizers, toy_data, training_loop
from nnguide.blueprints.network2 import NumpyNet
from nnguide.blueprints.settings import SCHEDULES, Settings


def schedules(learning_rate: float = 0.05, epochs: int = 30, seed: int = 0) -> dict[str, Any]:
    """Train with Adam under each learning-rate schedule.

    Returns the learning rate of every update, and the loss that is reached.
    """
    X, y = toy_data.spirals(400, seed)
    curves = []
    for schedule in SCHEDULES:
        settings = Settings(
            (16, 16),
            schedule=schedule,
            learning_rate=learning_rate,
            epochs=epochs,
            seed=seed,
        )
        steps = epochs * training_loop.updates_per_epoch(len(X), settings.batch_size)
        network = NumpyNet(2, 1, settings, "float64")
        history = network.fit(X, y)
        curves.append(
            {
                "schedule": schedule,
                "rates": [
                    optimizers.learning_rate(schedule, learning_rate, s, steps)
                    for s in range(steps)
                ],
                "losses": [record["loss"] for record in history],
                "final_loss": network.loss(X, y),
            }
        )
    return {"updates_per_epoch": steps // epochs, "curves": curves}
