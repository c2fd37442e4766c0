"""Counters and distributions with the names and the text that TF Serving's have."""

from __future__ import annotations

import bisect
import re
import threading
from collections.abc import Sequence
from typing import Final

from serving.model_server.json_numbers import six_digits

DEFAULT_PATH: Final = "/monitoring/prometheus/metrics"
_PREFIX: Final = "/tensorflow/serving/"
_NO_NAME: Final = re.compile("[^a-zA-Z0-9_]")


def exponential_limits(scale: float, growth: float, count: int) -> tuple[float, ...]:
    """Upper limits of `count` buckets, the last of which has none: scale * growth**i."""
    return tuple(scale * growth**step for step in range(count - 1))


LATENCY_LIMITS: Final = exponential_limits(10, 1.8, 33)  # microseconds, to about 20 minutes
EXAMPLE_LIMITS: Final = exponential_limits(1, 2, 15)


class Counter:
    """A number for each set of label values, which only grows."""

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        self.name = name
        self._labels = tuple(labels)
        self._cells: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def add(self, *values: str, by: int = 1) -> None:
        """Counts under these label values."""
        with self._lock:
            self._cells[values] = self._cells.get(values, 0) + by

    def lines(self) -> list[str]:
        """In Prometheus's text format."""
        name = _metric_name(self.name)
        with self._lock:
            cells = sorted(self._cells.items())
        return [f"# TYPE {name} counter"] + [
            f"{name}{{{_label_text(self._labels, values)}}} {count}" for values, count in cells
        ]


class Distribution:
    """Counts by bucket for each set of label values."""

    def __init__(self, name: str, labels: Sequence[str], limits: Sequence[float]) -> None:
        self.name = name
        self._labels = tuple(labels)
        self._limits = tuple(limits)
        self._cells: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
        self._lock = threading.Lock()

    def add(self, value: float, *values: str) -> None:
        """Takes a value; at a limit it belongs to the bucket above."""
        with self._lock:
            counts, total = self._cells.setdefault(values, ([0] * (len(self._limits) + 1), [0.0]))
            counts[bisect.bisect_right(self._limits, value)] += 1
            total[0] += value

    def lines(self) -> list[str]:
        """In Prometheus's text format."""
        name = _metric_name(self.name)
        with self._lock:
            cells = [
                (values, list(counts), total[0])
                for values, (counts, total) in sorted(self._cells.items())
            ]
        out = [f"# TYPE {name} histogram"]
        for values, counts, total in cells:
            labels = _label_text(self._labels, values)
            start, running = f"{name}_bucket{{{labels}", 0
            for limit, count in zip((*self._limits, None), counts, strict=True):
                running += count
                bound = "+Inf" if limit is None else six_digits(limit)
                out.append(f'{start}{"," if labels else ""}le="{bound}"}} {running}')
            out.append(f"{name}_sum{{{labels}}} {six_digits(total)}")
            out.append(f"{name}_count{{{labels}}} {running}")
        return out


class Metrics:
    """What the server counts.

    Attributes:
      request_count: by model and status.
      request_latency: microseconds of requests that succeeded, by model, API and entrance.
      example_counts: Examples in a request.
      example_count_total: Examples in all.
      warmup_latency: microseconds, by folder and status.
    """

    def __init__(self) -> None:
        self.request_count = Counter(_PREFIX + "request_count", ("model_name", "status"))
        self.request_latency = Distribution(
            _PREFIX + "request_latency", ("model_name", "API", "entrypoint"), LATENCY_LIMITS
        )
        self.example_counts = Distribution(
            _PREFIX + "request_example_counts", ("model",), EXAMPLE_LIMITS
        )
        self.example_count_total = Counter(_PREFIX + "request_example_count_total", ("model",))
        self.warmup_latency = Distribution(
            _PREFIX + "model_warmup_latency", ("model_path", "status"), LATENCY_LIMITS
        )

    def page(self) -> str:
        """All of it, in Prometheus's text format."""
        parts = sorted(vars(self).values(), key=lambda metric: str(metric.name))
        return "".join(f"{line}\n" for part in parts for line in part.lines())


def _metric_name(name: str) -> str:
    return _NO_NAME.sub(":", name)


def _label_text(labels: Sequence[str], values: Sequence[str]) -> str:
    pairs = zip(labels, values, strict=True)
    return ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
