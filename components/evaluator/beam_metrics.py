"""The list and probability metrics as TFMA metrics.

TFMA hands an Example to every metric once for each slice it is in, and looks up
label, prediction and weight each time. Here each head looks them up once, before
slicing, and all its metrics are derived from one pass (TFMA drops metrics whose name
begins with `_` from its results).
"""

from __future__ import annotations

import array
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.probability_metrics import PROBABILITY_METRICS, probability_metrics
from components.evaluator.ranking_metrics import MEASURES, cut_padding
from schemas import names

LISTS: Final = "lists"

Extracts = Mapping[str, Any]  # TFMA's own type: text to nested arrays.
Columns = list["array.array[float]"]


def ranking_metric_names(top_k: int) -> tuple[str, ...]:
    """The metrics of a ranking head: the measures at `top_k`, and the lists counted."""
    return (*(f"{measure}_at_{top_k}" for measure in MEASURES), LISTS)


class HeadValues(tfma.metrics.Preprocessor):  # type: ignore[misc]
    """Label, prediction and weight of one head, looked up once for each Example.

    Args:
      name: tells the preprocessors of one run apart.
      model_name: "" where there is one model.
      head: name of the output.
    """

    def __init__(self, name: str, model_name: str, head: str) -> None:
        super().__init__(name=f"{name}:{model_name}:{head}")
        self._model_name = model_name
        self._head = head

    def process(self, extracts: Extracts) -> Iterator[tuple[float, ...]]:
        """Yields one row for an Example of positive weight, else nothing.

        Raises:
          ValueError: label or prediction of the head are missing, or do not fit.
        """
        weight = float(self._vector(extracts, tfma.EXAMPLE_WEIGHTS_KEY).item())
        if weight == 0:
            return
        label = self._vector(extracts, tfma.LABELS_KEY)
        yield from self.rows(label, self._vector(extracts, tfma.PREDICTIONS_KEY), weight)

    def _vector(self, extracts: Extracts, kind: str) -> NDArray[np.float64]:
        values = extracts[kind]
        # Kept per model only where there are two.
        value = values.get(self._model_name, values)[self._head]
        # A list that is empty in every Example of a batch arrives as None.
        return np.asarray([] if value is None else value, np.float64).reshape(-1)

    def rows(
        self, label: NDArray[np.float64], prediction: NDArray[np.float64], weight: float
    ) -> Iterator[tuple[float, ...]]:
        """What the metrics need to know of one Example."""
        raise NotImplementedError


class ProbabilityValues(HeadValues):
    """(label, probability, weight)."""

    def rows(
        self, label: NDArray[np.float64], prediction: NDArray[np.float64], weight: float
    ) -> Iterator[tuple[float, ...]]:
        """One row an Example."""
        yield float(label.item()), float(prediction.item()), weight


class RankingValues(HeadValues):
    """(value of each measure, weight) of a list.

    Args:
      model_name: "" where there is one model.
      head: name of the output.
      top_k: places that count.
    """

    def __init__(self, name: str, model_name: str, head: str, top_k: int) -> None:
        super().__init__(name, model_name, head)
        self._top_k = top_k

    def rows(
        self, label: NDArray[np.float64], prediction: NDArray[np.float64], weight: float
    ) -> Iterator[tuple[float, ...]]:
        """One row for a list with a positive; a list without one is left out."""
        if not np.any(label > 0):
            return
        scores = cut_padding(prediction, len(label), pad_score=names.PAD_SCORE)
        yield (*(measure(scores, label, self._top_k) for measure in MEASURES.values()), weight)


@beam.typehints.with_output_types(dict[metric_types.MetricKey, Any])
class _Summary(beam.CombineFn):  # type: ignore[misc]
    """Collects rows as columns, 8 bytes a value for each slice, and sums them up."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        width: int,
        summarise: Callable[..., Mapping[str, float]],
    ) -> None:
        self._key = key
        self._width = width
        self._summarise = summarise

    def create_accumulator(self) -> Columns:
        return [array.array("d") for _ in range(self._width)]

    def add_input(self, accumulator: Columns, element: tuple[float, ...]) -> Columns:
        for column, value in zip(accumulator, element, strict=True):
            column.append(value)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Columns]) -> Columns:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            for column, more in zip(merged, accumulator, strict=True):
                column.extend(more)
        return merged

    def extract_output(
        self, accumulator: Columns
    ) -> dict[metric_types.MetricKey, Mapping[str, float]]:
        columns = (np.asarray(column, np.float64) for column in accumulator)
        return {self._key: self._summarise(*columns)}


class _HeadMetric(tfma.metrics.Metric):  # type: ignore[misc]
    """One metric of a head, picked from the summary that all of them share."""

    def __init__(self, known: tuple[str, ...], name: str, **options: int) -> None:
        if name not in known:
            raise ValueError(f"name must be one of {known}. Received: {name!r}.")
        super().__init__(self._create, name=name, **options)

    def values(self, model_name: str, head: str) -> HeadValues:
        """The preprocessor of one model and head."""
        raise NotImplementedError

    def summary(self, key: metric_types.MetricKey) -> _Summary:
        """The combiner that writes to `key`."""
        raise NotImplementedError

    def _create(
        self,
        name: str,
        model_names: list[str] | None = None,
        output_names: list[str] | None = None,
        example_weighted: bool = False,
        **options: int,
    ) -> metric_types.MetricComputations:
        computations: metric_types.MetricComputations = []
        for model_name in model_names or [""]:
            for head in output_names or [""]:
                values = self.values(model_name, head)
                new_key = functools.partial(
                    metric_types.MetricKey,
                    model_name=model_name,
                    output_name=head,
                    example_weighted=example_weighted,
                )
                source, key = new_key(f"_{type(self).__name__}"), new_key(name)
                computations += [
                    metric_types.MetricComputation([source], [values], self.summary(source)),
                    metric_types.DerivedMetricComputation(
                        [key], functools.partial(_pick, source=source, key=key)
                    ),
                ]
        return computations


def _pick(
    results: Mapping[metric_types.MetricKey, Mapping[str, float]],
    *,
    source: metric_types.MetricKey,
    key: metric_types.MetricKey,
) -> dict[metric_types.MetricKey, float]:
    return {key: results[source][key.name]}


class ProbabilityMetric(_HeadMetric):
    """One metric of `PROBABILITY_METRICS` for a head that gives a probability.

    Args:
      name: which one.

    Raises:
      ValueError: there is no such metric.
    """

    def __init__(self, name: str) -> None:
        super().__init__(PROBABILITY_METRICS, name)

    def values(self, model_name: str, head: str) -> HeadValues:
        """Label, probability and weight."""
        return ProbabilityValues(type(self).__name__, model_name, head)

    def summary(self, key: metric_types.MetricKey) -> _Summary:
        """All metrics of `PROBABILITY_METRICS`."""
        return _Summary(key, 3, probability_metrics)


class RankingMetric(_HeadMetric):
    """One metric of `ranking_metric_names(top_k)` for a head that orders candidates.

    Args:
      name: which one.
      top_k: places that count; one value for all metrics of a head.

    Raises:
      ValueError: there is no such metric at `top_k`.
    """

    def __init__(self, name: str, top_k: int) -> None:
        self._top_k = top_k
        super().__init__(ranking_metric_names(top_k), name, top_k=top_k)

    def values(self, model_name: str, head: str) -> HeadValues:
        """The measures of a list, and its weight."""
        return RankingValues(type(self).__name__, model_name, head, self._top_k)

    def summary(self, key: metric_types.MetricKey) -> _Summary:
        """The weighted mean of each measure."""
        summarise = functools.partial(_mean_measures, top_k=self._top_k)
        return _Summary(key, len(MEASURES) + 1, summarise)


def _mean_measures(*columns: NDArray[np.float64], top_k: int) -> dict[str, float]:
    *measures, weights = columns
    total = float(weights.sum())
    *measure_names, lists = ranking_metric_names(top_k)
    means = {
        name: float(np.average(values, weights=weights)) if total else float("nan")
        for name, values in zip(measure_names, measures, strict=True)
    }
    return {**means, lists: total}
