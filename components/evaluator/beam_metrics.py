"""The list and probability metrics as TFMA metrics.

Every metric of a head shares one pass over the Examples: a private computation
(TFMA drops names that start with `_` from the results) keeps the sums, and each
metric is derived from them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Generic, Protocol, TypeVar

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.probability_metrics import PROBABILITY_METRICS, ProbabilitySums
from components.evaluator.ranking_metrics import MEASURES, Floats, cut_padding
from schemas import names

LISTS: str = "lists"


class Sums(Protocol):
    """What a pass over Examples keeps."""

    def observe(self, label: Floats, prediction: Floats, weight: float) -> None:
        """Counts one Example."""

    def combine(self, other: Sums) -> None:
        """Adds what another pass kept."""

    def results(self) -> Mapping[str, float]:
        """Metric name -> value."""


S = TypeVar("S", bound=Sums)


@dataclasses.dataclass
class RankingSums:
    """Weighted sums of list metrics over the lists that have a positive.

    Attributes:
      top_k: places that count.
      totals: measure -> weighted sum.
      weight: of the lists counted.
    """

    top_k: int
    totals: dict[str, float] = dataclasses.field(
        default_factory=lambda: dict.fromkeys(MEASURES, 0.0)
    )
    weight: float = 0.0

    def observe(self, label: Floats, prediction: Floats, weight: float) -> None:
        """Counts one list; one of weight 0 or without a positive is left out.

        Args:
          label: grades, of shape `(N,)`.
          prediction: scores, of shape `(M,)`, M at least N, padded.
          weight: of the Example.
        """
        if weight == 0 or not np.any(label > 0):
            return
        scores = cut_padding(prediction, len(label), pad_score=names.PAD_SCORE)
        for name, measure in MEASURES.items():
            self.totals[name] += weight * measure(scores, label, self.top_k)
        self.weight += weight

    def combine(self, other: RankingSums) -> None:
        """Adds what another pass kept."""
        for name, total in other.totals.items():
            self.totals[name] += total
        self.weight += other.weight

    def results(self) -> Mapping[str, float]:
        """`<measure>_at_<k>` -> mean over the lists, and the weight of the lists."""
        means = {
            f"{name}_at_{self.top_k}": total / self.weight if self.weight else float("nan")
            for name, total in self.totals.items()
        }
        return {**means, LISTS: self.weight}


@dataclasses.dataclass
class ProbabilityPass(ProbabilitySums):
    """`ProbabilitySums` fed with TFMA's arrays."""

    def observe(self, label: Floats, prediction: Floats, weight: float) -> None:
        """Counts one Example whose label and prediction have one value each."""
        self.add(float(label.item()), float(prediction.item()), weight)

    def combine(self, other: ProbabilityPass) -> None:
        """Adds what another pass kept."""
        self.merge(other)

    def results(self) -> Mapping[str, float]:
        """Metric name -> value."""
        return self.metrics()


@beam.typehints.with_output_types(object)
class _Combiner(beam.CombineFn, Generic[S]):  # type: ignore[misc]
    """Runs one pass for one model and one head."""

    def __init__(
        self,
        new_sums: functools.partial[S],
        eval_config: config_pb2.EvalConfig | None,
        key: metric_types.MetricKey,
    ) -> None:
        self._new_sums = new_sums
        self._eval_config = eval_config
        self._key = key

    def create_accumulator(self) -> S:
        return self._new_sums()

    def add_input(self, accumulator: S, element: metric_types.StandardMetricInputs) -> S:
        rows = metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=self._key.model_name,
            output_name=self._key.output_name,
            example_weighted=bool(self._key.example_weighted),
            flatten=False,
            squeeze=False,
            allow_none=True,
            require_single_example_weight=True,
        )
        for label, prediction, weight in rows:
            accumulator.observe(
                np.asarray(label, np.float64).reshape(-1),
                np.asarray(prediction, np.float64).reshape(-1),
                float(weight.item()),
            )
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[S]) -> S:
        merged = self._new_sums()
        for accumulator in accumulators:
            merged.combine(accumulator)
        return merged

    def extract_output(self, accumulator: S) -> dict[metric_types.MetricKey, object]:
        return {self._key: dict(accumulator.results())}


def _pick(
    results: Mapping[metric_types.MetricKey, Mapping[str, float]],
    *,
    source: metric_types.MetricKey,
    key: metric_types.MetricKey,
) -> dict[metric_types.MetricKey, float]:
    return {key: results[source][key.name]}


def _computations(
    new_sums: functools.partial[S],
    shared_name: str,
    name: str,
    eval_config: config_pb2.EvalConfig | None,
    model_names: list[str] | None,
    output_names: list[str] | None,
    example_weighted: bool,
) -> metric_types.MetricComputations:
    computations: metric_types.MetricComputations = []
    for model_name in model_names or [""]:
        for output_name in output_names or [""]:
            source, key = (
                metric_types.MetricKey(
                    each, model_name, output_name, example_weighted=example_weighted
                )
                for each in (shared_name, name)
            )
            combiner = _Combiner(new_sums, eval_config, source)
            computations.append(metric_types.MetricComputation([source], None, combiner))
            picked = functools.partial(_pick, source=source, key=key)
            computations.append(metric_types.DerivedMetricComputation([key], picked))
    return computations


def _probability_computations(
    name: str,
    eval_config: config_pb2.EvalConfig | None = None,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    sums = functools.partial(ProbabilityPass)
    shared = "_probability"
    return _computations(
        sums, shared, name, eval_config, model_names, output_names, example_weighted
    )


def _ranking_computations(
    name: str,
    top_k: int,
    eval_config: config_pb2.EvalConfig | None = None,
    model_names: list[str] | None = None,
    output_names: list[str] | None = None,
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    sums = functools.partial(RankingSums, top_k)
    shared = f"_ranking_at_{top_k}"
    return _computations(
        sums, shared, name, eval_config, model_names, output_names, example_weighted
    )


class ProbabilityMetric(tfma.metrics.Metric):  # type: ignore[misc]
    """One metric of `PROBABILITY_METRICS` for a head that gives a probability.

    Args:
      name: which one.

    Raises:
      ValueError: there is no such metric.
    """

    def __init__(self, name: str) -> None:
        if name not in PROBABILITY_METRICS:
            raise ValueError(f"name must be one of {PROBABILITY_METRICS}. Received: {name!r}.")
        super().__init__(_probability_computations, name=name)


class RankingMetric(tfma.metrics.Metric):  # type: ignore[misc]
    """`ndcg_at_<top_k>`, `recall_at_<top_k>`, or the weight of the lists counted.

    Args:
      name: which one.
      top_k: places that count.

    Raises:
      ValueError: there is no such metric at `top_k`.
    """

    def __init__(self, name: str, top_k: int) -> None:
        known = (*(f"{measure}_at_{top_k}" for measure in MEASURES), LISTS)
        if name not in known:
            raise ValueError(f"name must be one of {known}. Received: {name!r}.")
        super().__init__(_ranking_computations, name=name, top_k=top_k)


tfma.metrics.register_metric(ProbabilityMetric)
tfma.metrics.register_metric(RankingMetric)
