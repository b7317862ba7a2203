"""The Prometheus metrics of /metrics.

They are in a registry of their own; those of several workers are added up.
"""

from __future__ import annotations

import os
from collections import Counter as Counts
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client looks there when it is imported

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_CONFIDENCE = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The metrics of one server.

    The model of a request that names no known one is "".
    """

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self.requests = Counter(
            "nnguide_requests",
            "Requests answered.",
            ("model", "method", "status"),
            registry=own,
        )
        self.seconds = Histogram(
            "nnguide_request_seconds",
            "From a request's header to its answer.",
            ("model", "method"),
            buckets=_SECONDS,
            registry=own,
        )
        self.rows = Histogram(
            "nnguide_batch_rows",
            "Instances per call of the model.",
            ("model",),
            buckets=_ROWS,
            registry=own,
        )
        self.waiting = Gauge(
            "nnguide_waiting_requests",
            "Requests accepted and not yet answered.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self.version = Gauge(
            "nnguide_model_version",
            "The version being served.",
            ("model",),
            registry=own,
            multiprocess_mode="livemax",
        )
        self.swaps = Counter("nnguide_model_swaps", "Versions replaced.", ("model",), registry=own)

        self.answers = Counter(
            "nnguide_answers", "Inputs that were given a label.", ("model", "label"), registry=own
        )
        self.confidence = Histogram(
            "nnguide_answer_confidence",
            "Probability of the label that was given.",
            ("model",),
            buckets=_CONFIDENCE,
            registry=own,
        )

    def answered(self, model: str, labels: Sequence[str], sure: Sequence[float]) -> None:
        """Count answers.

        Args:
            labels: that were given.
            sure: the probability of each.
        """
        for label, count in Counts(labels).items():
            self.answers.labels(model, label).inc(count)
        confidence = self.confidence.labels(model)
        for probability in sure:
            confidence.observe(probability)

    def page(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        if MULTIPROCESS not in os.environ:
            return generate_latest(self._registry)
        merged = CollectorRegistry()
        MultiProcessCollector(merged)
        return generate_latest(merged)
