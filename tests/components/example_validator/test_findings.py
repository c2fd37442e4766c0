"""Anomalies in words: feature, what is wrong, what to do."""

from __future__ import annotations

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.example_validator.findings import Finding, empty_splits, find, to_error

Info = anomalies_pb2.AnomalyInfo


def info(kind: int, text: str, severity: int = Info.ERROR) -> anomalies_pb2.AnomalyInfo:
    made = Info(description=text, short_description="short", severity=severity)
    made.reason.add(type=kind)
    return made


def test_each_kind_of_anomaly_has_its_remedy() -> None:
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["b"].CopyFrom(info(Info.COMPARATOR_L_INFTY_HIGH, "moved by 0.4"))
    anomalies.anomaly_info["a"].CopyFrom(info(Info.SCHEMA_MISSING_COLUMN, "gone"))
    anomalies.anomaly_info["c"].CopyFrom(
        info(Info.ENUM_TYPE_UNEXPECTED_STRING_VALUES, "", Info.WARNING)
    )
    anomalies.dataset_anomaly_info.CopyFrom(info(Info.DATASET_LOW_NUM_EXAMPLES, "few"))
    found = find("train", anomalies)
    assert [(f.feature, f.anomaly, f.stops) for f in found] == [
        ("a", "gone", True),
        ("b", "moved by 0.4", True),
        ("c", "short", False),
        ("(data set)", "few", True),
    ]
    assert "still fills the column" in found[0].remedy
    assert "raise the limit under `comparators`" in found[1].remedy
    assert "on_anomaly: report" in found[2].remedy


def test_no_anomaly_no_finding() -> None:
    assert find("train", anomalies_pb2.Anomalies()) == []


def test_the_error_names_features_splits_and_every_remedy_once() -> None:
    error = to_error(
        [
            Finding("train", "a", "gone.", "look.", stops=True),
            Finding("eval", "a", "gone.", "look.", stops=True),
            Finding("train", "b", "moved", "raise it.", stops=True),
        ]
    )
    assert error.exit_code == 2
    assert error.where == "eval, train"
    assert error.received == "a in train: gone; a in eval: gone; b in train: moved"
    assert error.remedy == "look. raise it."


def test_a_long_list_is_cut_and_counted() -> None:
    error = to_error([Finding("train", f"f{i}", "gone", "look.", stops=True) for i in range(11)])
    assert "f7 in train: gone" in error.received
    assert "f8" not in error.received
    assert error.received.endswith("and 3 more, all of them in the log")


def test_empty_splits_are_named_with_the_counts_of_all() -> None:
    error = empty_splits({"train": 10, "calibration": 0, "eval": 0})
    assert error.where == "calibration, eval"
    assert error.received == "train: 10, calibration: 0, eval: 0"
