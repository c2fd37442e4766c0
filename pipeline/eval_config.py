"""What Evaluator measures and what blocks a blessing: three heads in one run."""

from __future__ import annotations

import json
from typing import Final

from google.protobuf.wrappers_pb2 import DoubleValue

# TFMA 0.52 (TFX 1.21) no longer has these classes at its top; here they are on both lines.
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.probability_metrics import AUC, PROBABILITY_METRICS, SKILL
from components.evaluator.ranking_metrics import TOP_K
from schemas import names
from schemas.config import EvaluationConfig, GoalpathConfig

CANDIDATE_MODEL: Final = "candidate"
BASELINE_MODEL: Final = "baseline"
NDCG: Final = f"ndcg_at_{TOP_K}"
RECALL: Final = f"recall_at_{TOP_K}"
LISTS: Final = "lists"

LABEL_KEYS: Final = {
    names.RANKING_SCORE: names.C_GRADE,
    names.LIKELIHOOD: names.LIKELIHOOD_LABEL,
    names.RISK: names.RISK_LABEL,
}
WEIGHT_KEYS: Final = {
    names.RANKING_SCORE: names.RANKING_WEIGHT,
    names.LIKELIHOOD: names.LIKELIHOOD_WEIGHT,
    names.RISK: names.RISK_WEIGHT,
}
_OWN_METRICS: Final = "components.evaluator.beam_metrics"


def slice_keys(config: GoalpathConfig) -> tuple[str, ...]:
    """The features that metrics are sliced by, the stage first."""
    columns = config.evaluation.slices
    return (names.Q_STAGE, *(names.PROFILE_PREFIX + column for column in columns))


def build_eval_config(config: GoalpathConfig) -> config_pb2.EvalConfig:
    """The TFMA configuration: metrics per head, slices, thresholds.

    Thresholds hold for the whole evaluation split, not for each slice. TFX drops the
    baseline and every change threshold where there is no baseline model.
    """
    slices = [config_pb2.SlicingSpec()]
    slices.extend(config_pb2.SlicingSpec(feature_keys=[key]) for key in slice_keys(config))
    thresholds = config.evaluation
    return config_pb2.EvalConfig(
        model_specs=[_model_spec(CANDIDATE_MODEL), _model_spec(BASELINE_MODEL)],
        slicing_specs=slices,
        metrics_specs=[
            _ranking_spec(thresholds),
            _probability_spec(names.LIKELIHOOD, thresholds.min_likelihood_auc, thresholds),
            _probability_spec(names.RISK, thresholds.min_risk_auc, thresholds),
        ],
    )


def _model_spec(name: str) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        is_baseline=name == BASELINE_MODEL,
        signature_name=names.SIGNATURE_DEFAULT,
        label_keys=LABEL_KEYS,
        example_weight_keys=WEIGHT_KEYS,
    )


def _ranking_spec(thresholds: EvaluationConfig) -> config_pb2.MetricsSpec:
    metrics = [_own("RankingMetric", name, top_k=TOP_K) for name in (RECALL, LISTS)]
    ndcg = _own("RankingMetric", NDCG, top_k=TOP_K)
    _require(ndcg, at_least=thresholds.min_ndcg_at_10, drop_at_most=thresholds.max_ndcg_drop)
    return _head_spec(names.RANKING_SCORE, [ndcg, *metrics])


def _probability_spec(
    head: str, min_auc: float, thresholds: EvaluationConfig
) -> config_pb2.MetricsSpec:
    own = {name: _own("ProbabilityMetric", name) for name in PROBABILITY_METRICS}
    _require(own[AUC], at_least=min_auc, drop_at_most=thresholds.max_auc_drop)
    if thresholds.min_log_loss_skill is not None:
        _require(own[SKILL], at_least=thresholds.min_log_loss_skill)
    return _head_spec(head, list(own.values()))


def _head_spec(head: str, metrics: list[config_pb2.MetricConfig]) -> config_pb2.MetricsSpec:
    return config_pb2.MetricsSpec(
        output_names=[head],
        example_weights=config_pb2.ExampleWeightOptions(weighted=True),
        metrics=metrics,
    )


def _own(class_name: str, name: str, **options: int) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name=class_name,
        module=_OWN_METRICS,
        config=json.dumps({"name": name, **options}),
    )


def _require(
    metric: config_pb2.MetricConfig, *, at_least: float, drop_at_most: float | None = None
) -> None:
    threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(lower_bound=DoubleValue(value=at_least))
    )
    if drop_at_most is not None:
        threshold.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        threshold.change_threshold.absolute.value = -drop_at_most
    # A threshold outside `per_slice_thresholds` would hold for every slice.
    metric.per_slice_thresholds.append(
        config_pb2.PerSliceMetricThreshold(
            slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
        )
    )
