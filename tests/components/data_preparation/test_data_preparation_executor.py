"""DataPreparation writes what `goalpath run` prepares, and says what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.config import load_config
from schemas.errors import DataError
from schemas.prepare import prepare_data
from schemas.tables import read_table
from tests.e2e import small_data

pytestmark = pytest.mark.slow


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data.write_small_data(tmp_path_factory.mktemp("prepare") / "data")


def _prepare(data: Path, out: Path, bad_rows: int) -> dict[str, object]:
    from tfx.types import standard_artifacts

    from components.artifacts import PreparedTables
    from components.data_preparation.executor import Executor

    tables, schema = PreparedTables(), standard_artifacts.Schema()
    tables.uri, schema.uri = str(out / "tables"), str(out / "schema")
    Executor().Do(
        {},
        {"tables": [tables], "schema": [schema]},
        {
            "data_dir": str(data),
            "config": load_config(data).model_dump_json(),
            "max_bad_rows": bad_rows,
        },
    )
    return {"fingerprint": tables.get_string_custom_property("fingerprint")}


def test_it_is_what_a_run_here_prepares(data: Path, tmp_path: Path) -> None:
    import datetime as dt

    from schemas.example_schema import example_schema, load_schema

    config = load_config(data)
    here = prepare_data(
        data,
        config,
        tmp_path / "here",
        now=dt.datetime.now(dt.timezone.utc),
        max_bad_rows=small_data.BAD_ROWS,
    )
    found = _prepare(data, tmp_path / "node", small_data.BAD_ROWS)
    assert found == {"fingerprint": here.fingerprint}
    for table in ("students", "engagements", "events", "stage_changes"):
        ours = read_table(tmp_path / "node" / "tables", config, table)
        assert ours.height > 0
        assert ours.equals(read_table(here.folder, config, table)), table
    # Where there is no file, the schema would be equal, too.
    assert (tmp_path / "node" / "schema" / "schema.pbtxt").is_file()
    assert load_schema(tmp_path / "node" / "schema", config) == example_schema(config)


def test_every_problem_is_in_the_log(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import absl.logging

    absl.logging.get_absl_logger().addHandler(caplog.handler)
    with pytest.raises(DataError, match="2 rows would be set aside, and 0 may be"):
        _prepare(data, tmp_path, 0)
    absl.logging.get_absl_logger().removeHandler(caplog.handler)
    assert any("E9999" in record.getMessage() for record in caplog.records)
