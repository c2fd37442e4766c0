"""The model card: what the model is for, what its numbers mean, where it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from schemas import names
from schemas.config import GoalpathConfig


def model_card(
    config: GoalpathConfig,
    summary: Mapping[str, object],
    *,
    created: dt.datetime,
    library_versions: Mapping[str, str],
) -> dict[str, object]:
    """The card, after Mitchell et al., "Model Cards for Model Reporting" (2019).

    Args:
      config: of the data set.
      summary: of the Examples: `as_of`, and counts and label rates a split.
      created: when the version was made.
      library_versions: package -> version.
    """
    return {
        "model": config.serving.model_name,
        "data_set": config.name,
        "created": created.isoformat(timespec="seconds"),
        "intended_use": {
            "for": "ranking what to offer a student next, and telling counsellors whom to "
            "look after; a person decides.",
            "not_for": "admission, grading, or any decision about a student taken without "
            "a person.",
        },
        "outputs": _outputs(config),
        "features": _features(config),
        "data": dict(summary),
        "training": config.training.model_dump(mode="json"),
        "evaluated_slices": [names.Q_STAGE, *config.evaluation.slices],
        "limitations": [
            "What is given an engagement is conditional on the student meeting it, under the "
            "sending policy of the past; it is no causal effect.",
            "Where the funnel, the catalogue or the sending policy changes, the numbers hold "
            "only after a new run.",
            "Engagements and students without history are scored by their attributes alone.",
        ],
        "library_versions": dict(library_versions),
    }


def _outputs(config: GoalpathConfig) -> dict[str, str]:
    horizons, window = config.horizons, config.ranking.window_days
    return {
        names.RANKING_SCORE: "orders engagements by the response expected within "
        f"{window} days; no probability, and not comparable between students.",
        names.LIKELIHOOD: "probability that the student advances at least one stage within "
        f"{horizons.likelihood_days} days.",
        names.RISK: "probability that the student is lost, or has no active event, within "
        f"{horizons.risk_days} days.",
        names.LIKELIHOOD_GIVEN: "likelihood, were this engagement what the student meets next.",
        names.RISK_GIVEN: "risk, were this engagement what the student meets next.",
        names.GOAL_LIKELIHOOD: "probability that each stage or a later one is reached within "
        f"{horizons.goal_days} days; {names.GOAL_LOWER} and {names.GOAL_UPPER} hold, "
        f"{config.goals.interval_level:.0%} of the time, the share that reaches it among "
        f"{config.goals.group_size} students alike.",
    }


def _features(config: GoalpathConfig) -> dict[str, dict[str, str]]:
    return {
        "profile": {c: kind.value for c, kind in config.tables.students.features.items()},
        "engagement": {c: kind.value for c, kind in config.tables.engagements.features.items()},
    }
