"""What is counted and timed, for Prometheus."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS: Final = (
    0.001, 0.002, 0.004, 0.006, 0.008, 0.012, 0.016, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0,
)  # fmt: skip
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class GatewayMetrics:
    """One gateway's; nothing of it is shared with another in the process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "goalpath_requests",
            "Requests by route and status.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "goalpath_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ["route", "method"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._answers = Counter(
            "goalpath_answers",
            "Students answered, by version, its label and how.",
            ["version", "label", "prediction_method"],
            registry=self._registry,
        )
        self._of_version = Histogram(
            "goalpath_answer_seconds",
            "Until there was an answer about a student or a batch, by version.",
            ["version", "label"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._events = Counter(
            "goalpath_events", "Events posted, by outcome.", ["outcome"], registry=self._registry
        )
        self._there = Gauge(
            "goalpath_model_server_there",
            "1 while the model server answers for the version that is served.",
            registry=self._registry,
        )

    def saw_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request ended."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def saw_answer(
        self, version: int, label: str, method: str, seconds: float, students: int = 1
    ) -> None:
        """Students were answered."""
        self._answers.labels(str(version), label, method).inc(students)
        self._of_version.labels(str(version), label).observe(seconds)

    def saw_events(self, added: int, repeated: int) -> None:
        """Events were kept."""
        self._events.labels("added").inc(added)
        self._events.labels("repeated").inc(repeated)

    def text(self, model_server_there: bool) -> bytes:
        """All of it in Prometheus' text format."""
        self._there.set(int(model_server_there))
        return generate_latest(self._registry)
