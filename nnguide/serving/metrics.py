"""What /metrics tells Prometheus, in a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The counters of one server. The model of a request that names no known one is ""."""

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
            "Instances that went through the model at once.",
            ("model",),
            buckets=_ROWS,
            registry=own,
        )
        self.waiting = Gauge(
            "nnguide_waiting_requests", "Taken on and not yet answered.", registry=own
        )
        self.version = Gauge(
            "nnguide_model_version", "The version that serves.", ("model",), registry=own
        )
        self.swaps = Counter("nnguide_model_swaps", "Versions replaced.", ("model",), registry=own)

    def page(self) -> bytes:
        """All of it in Prometheus's text form."""
        return generate_latest(self._registry)
