"""ExampleValidator on statistics of small tables: anomalies, drift, skew, environments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas import names
from schemas.config import GoalpathConfig
from schemas.errors import DataError

pytestmark = pytest.mark.slow

TRAIN = {"stage": ["First"] * 6 + ["Second"] * 4, "label": [0.0, 1.0] * 5}
SERVED = {"stage": ["First"] * 6 + ["Second"] * 4}
GOOD = {"train": TRAIN, "calibration": TRAIN, "eval": TRAIN, "serving": SERVED}
SCHEMA = """
default_environment: "TRAINING"
default_environment: "SERVING"
feature {
  name: "stage" type: BYTES
  presence { min_fraction: 1.0 min_count: 1 }
  shape { dim { size: 1 } }
  string_domain { name: "stage" value: "First" value: "Second" }
  drift_comparator { infinity_norm { threshold: 0.3 } }
  skew_comparator { infinity_norm { threshold: 0.3 } }
}
feature {
  name: "label" type: FLOAT
  presence { min_fraction: 1.0 min_count: 1 }
  shape { dim { size: 1 } }
  not_in_environment: "SERVING"
}
"""

Validate = Callable[..., Any]


@pytest.fixture
def validate(tmp_path: Path) -> Validate:
    def run(
        tables: dict[str, dict[str, list[Any]]],
        previous: dict[str, list[Any]] | None = None,
        on_anomaly: str = "stop",
    ) -> Any:
        return _execute(tmp_path, tables, previous, on_anomaly)

    return run


def _statistics(table: dict[str, list[Any]]) -> Any:
    import pandas as pd
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import statistics_pb2

    if not table["stage"]:
        empty = statistics_pb2.DatasetFeatureStatisticsList()
        empty.datasets.add(num_examples=0)
        return empty
    return tfdv.generate_statistics_from_dataframe(pd.DataFrame(table))


def _execute(folder: Path, tables, previous, on_anomaly: str):
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import io_utils

    from components.example_validator.executor import Executor

    def artifact(kind: Any, name: str, splits: list[str]) -> Any:
        made = kind()
        made.uri = str(folder / name)
        if splits:
            made.split_names = artifact_utils.encode_split_names(splits)
        return made

    for split, table in tables.items():
        path = folder / "statistics" / f"Split-{split}" / "FeatureStats.pb"
        io_utils.write_bytes_file(str(path), _statistics(table).SerializeToString())
    io_utils.write_string_file(str(folder / "schema" / "schema.pbtxt"), SCHEMA)
    if previous is not None:
        version = folder / "serving" / "3"
        io_utils.write_bytes_file(
            str(version / names.ASSETS_EXTRA / names.STATISTICS_FILE),
            _statistics(previous).SerializeToString(),
        )
        (version / "saved_model.pb").touch()
    settings = GoalpathConfig(
        name="tiny",
        stages=("First", "Second"),
        default_goal="Second",
        validation={"on_anomaly": on_anomaly},
    )
    anomalies = artifact(standard_artifacts.ExampleAnomalies, "anomalies", [])
    Executor().Do(
        {
            "statistics": [
                artifact(standard_artifacts.ExampleStatistics, "statistics", list(tables))
            ],
            "schema": [artifact(standard_artifacts.Schema, "schema", [])],
        },
        {"anomalies": [anomalies]},
        {
            "config": settings.model_dump_json(),
            "serving_dir": str(folder / "serving"),
            "baseline": "latest",
        },
    )
    return anomalies


def test_good_examples_pass_and_labels_may_be_absent_from_what_is_served(
    validate: Validate,
) -> None:
    anomalies = validate(GOOD)
    assert anomalies.get_json_value_custom_property("blessed") == dict.fromkeys(GOOD, 1)
    for split in GOOD:
        assert (Path(anomalies.uri) / f"Split-{split}" / "SchemaDiff.pb").is_file()


def test_a_label_absent_from_training_stops_the_run(validate: Validate) -> None:
    with pytest.raises(DataError, match=r"label in train: .*") as caught:
        validate({**GOOD, "train": SERVED})
    assert caught.value.where == names.TRAIN
    assert "still fills the column" in caught.value.remedy


def test_an_unknown_value_stops_the_run_and_is_named(validate: Validate) -> None:
    strange = {**TRAIN, "stage": ["Third", *TRAIN["stage"][1:]]}
    with pytest.raises(DataError) as caught:
        validate({**GOOD, "eval": strange})
    assert caught.value.where == names.EVAL
    assert "stage in eval" in caught.value.received
    assert "Third" in caught.value.received


def test_an_anomaly_is_only_reported_where_that_is_configured(validate: Validate) -> None:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    strange = {**TRAIN, "stage": ["Third", *TRAIN["stage"][1:]]}
    anomalies = validate({**GOOD, "eval": strange}, on_anomaly="report")
    assert anomalies.get_json_value_custom_property("blessed") == {
        **dict.fromkeys(GOOD, 1),
        "eval": 0,
    }
    written = (Path(anomalies.uri) / "Split-eval" / "SchemaDiff.pb").read_bytes()
    assert list(anomalies_pb2.Anomalies.FromString(written).anomaly_info) == ["stage"]


@pytest.mark.parametrize(("second", "drifts"), [(5, False), (9, True)])
def test_drift_against_the_last_version(validate: Validate, second: int, drifts: bool) -> None:
    # Now .4 are Second. Before: .5, a distance of .1; or .9, a distance of .5.
    before = {"stage": ["First"] * (10 - second) + ["Second"] * second, "label": [0.0, 1.0] * 5}
    if not drifts:
        validate(GOOD, previous=before)
        return
    with pytest.raises(DataError, match="stage in train") as caught:
        validate(GOOD, previous=before)
    assert "0.5" in caught.value.received
    assert "raise the limit under `comparators`" in caught.value.remedy


def test_skew_between_training_and_what_is_served(validate: Validate) -> None:
    with pytest.raises(DataError, match=r"stage in train.*serving"):
        validate({**GOOD, "serving": {"stage": ["Second"] * 10}})


def test_nobody_left_to_serve_is_no_anomaly(validate: Validate) -> None:
    anomalies = validate({**GOOD, "serving": {"stage": []}})
    assert set(anomalies.get_json_value_custom_property("blessed")) == set(names.SPLITS)


def test_an_empty_split_to_learn_from_is_refused(validate: Validate) -> None:
    with pytest.raises(DataError, match="need Examples") as caught:
        validate({**GOOD, "calibration": {"stage": [], "label": []}})
    assert caught.value.where == names.CALIBRATION
