"""What is wrong with the Examples, in words a person can act on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from tensorflow_metadata.proto.v0 import anomalies_pb2

from schemas.errors import DataError

_SHOWN: Final = 8
_DISTANCES: Final = frozenset(
    {
        anomalies_pb2.AnomalyInfo.COMPARATOR_L_INFTY_HIGH,
        anomalies_pb2.AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH,
    }
)
_ABSENCES: Final = frozenset(
    {
        anomalies_pb2.AnomalyInfo.SCHEMA_MISSING_COLUMN,
        anomalies_pb2.AnomalyInfo.FEATURE_TYPE_LOW_FRACTION_PRESENT,
        anomalies_pb2.AnomalyInfo.FEATURE_TYPE_LOW_NUMBER_PRESENT,
    }
)
_DISTANCE_REMEDY: Final = (
    "look at the feature in the data; where the change is real, raise the limit under "
    "`comparators` in goalpath.yaml, or set it to null to be told only."
)
_ABSENCE_REMEDY: Final = "check that the export still fills the column the feature comes from."
_OTHER_REMEDY: Final = (
    "mend the data, or the configuration where the new values are right; "
    "`validation: {on_anomaly: report}` lets the run go on."
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One anomaly of one feature in one split.

    Attributes:
      split: where it was found.
      feature: its key; "(data set)" where the split as a whole is meant.
      anomaly: what is wrong, with the values.
      remedy: what can be done.
      stops: it is an error and not a warning.
    """

    split: str
    feature: str
    anomaly: str
    remedy: str
    stops: bool


def find(split: str, anomalies: anomalies_pb2.Anomalies) -> list[Finding]:
    """The anomalies of a split, by feature."""
    found = [
        _finding(split, feature, info) for feature, info in sorted(anomalies.anomaly_info.items())
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        found.append(_finding(split, "(data set)", anomalies.dataset_anomaly_info))
    return found


def to_error(findings: Sequence[Finding]) -> DataError:
    """One error that names the features, their anomalies and the remedies.

    Args:
      findings: at least one.
    """
    shown = [f"{f.feature} in {f.split}: {f.anomaly}" for f in findings[:_SHOWN]]
    if len(findings) > _SHOWN:
        shown.append(f"and {len(findings) - _SHOWN} more, all of them in the log")
    remedies = list(dict.fromkeys(f.remedy for f in findings))
    return DataError(
        "the Examples must be as their schema, and the last pushed version, have them.",
        where=", ".join(sorted({f.split for f in findings})),
        received="; ".join(text.rstrip(".") for text in shown),
        remedy=" ".join(remedies),
    )


def empty_splits(example_counts: Mapping[str, int]) -> DataError:
    """The error for splits without Examples.

    Args:
      example_counts: Examples per split, at least one of them 0.
    """
    empty = sorted(split for split, count in example_counts.items() if count == 0)
    return DataError(
        "the splits to learn from and to evaluate on need Examples.",
        where=", ".join(empty),
        received=", ".join(f"{split}: {count}" for split, count in example_counts.items()),
        remedy="give more data, a longer window, or another `split` in goalpath.yaml.",
    )


def _finding(split: str, feature: str, info: anomalies_pb2.AnomalyInfo) -> Finding:
    kinds = {reason.type for reason in info.reason}
    remedy = _OTHER_REMEDY
    if kinds & _DISTANCES:
        remedy = _DISTANCE_REMEDY
    elif kinds & _ABSENCES:
        remedy = _ABSENCE_REMEDY
    return Finding(
        split=split,
        feature=feature,
        anomaly=info.description or info.short_description,
        remedy=remedy,
        stops=info.severity == anomalies_pb2.AnomalyInfo.ERROR,
    )
