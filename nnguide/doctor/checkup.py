"""The cheap rules of the doctor, applied when a training starts.

They run no data through the network.
"""

from __future__ import annotations

import logging
from typing import Any

import keras

from nnguide.doctor import EVALUATED, rules
from nnguide.doctor.case import Case
from nnguide.doctor.data import Data, Pair

log = logging.getLogger(__name__)


class Checkup(keras.callbacks.Callback):
    """A callback that warns of each finding of the cheap rules.

    It does so when a training begins.

    Args:
        inputs: (n, …) training inputs as the data has them, before any preprocessing.
        targets: (n, nodes) labels as the loss takes them.
        batch_size: examples per update; None where it is not in question.
    """

    def __init__(self, inputs: Any, targets: Any, batch_size: int | None) -> None:
        super().__init__()
        self.data, self.batch_size = Data(Pair(inputs, targets)), batch_size

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        case = Case(self.model, batch_size=self.batch_size, shuffles=True, measures=EVALUATED)
        case.data = self.data  # only now: the model takes it preprocessed
        for finding in rules.examine(case, cheap=True).findings:
            log.warning(f"warning: {finding.id}: {finding.evidence}. {finding.fix} ({finding.doc})")
