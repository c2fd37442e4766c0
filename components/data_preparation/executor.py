"""Unpacks the artifacts of DataPreparation."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.data_preparation.data_folder import (
    other_config,
    reported_problems,
    require_data_folder,
)
from schemas.config import GoalpathConfig
from schemas.errors import DataError
from schemas.example_schema import SCHEMA_FILE, load_schema, write_schema
from schemas.prepare import prepare_data

TABLES: Final = "tables"
SCHEMA: Final = "schema"
DATA_DIR: Final = "data_dir"
CONFIG: Final = "config"
MAX_BAD_ROWS: Final = "max_bad_rows"
FINGERPRINT: Final = "fingerprint"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Executor of `DataPreparation`."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Checks the data folder, writes its accepted rows and the schema.

        Args:
          input_dict: empty.
          output_dict: `tables`, that also gets the property `fingerprint`, and `schema`.
          exec_properties: `data_dir`, `config` and `max_bad_rows`.

        Raises:
          DataError: there is no such folder, or its tables are refused.
          ConfigError: the folder's schema does not fit the configuration.
        """
        config = GoalpathConfig.model_validate_json(exec_properties[CONFIG])
        data_dir = require_data_folder(exec_properties[DATA_DIR])
        if difference := other_config(data_dir, config):
            logging.warning("%s", difference)
        tables = artifact_utils.get_single_instance(output_dict[TABLES])
        schema = Path(artifact_utils.get_single_uri(output_dict[SCHEMA]))
        schema.mkdir(parents=True, exist_ok=True)
        write_schema(load_schema(data_dir, config), schema / SCHEMA_FILE)
        fingerprint = prepare_into(
            data_dir, config, Path(tables.uri), max_bad_rows=int(exec_properties[MAX_BAD_ROWS])
        )
        tables.set_string_custom_property(FINGERPRINT, fingerprint)


def prepare_into(data_dir: Path, config: GoalpathConfig, target: Path, *, max_bad_rows: int) -> str:
    """Prepares `data_dir` in place of what is in `target`; returns the fingerprint.

    Raises:
      DataError: the tables are refused. Every problem is in the log, since `target` goes
        with the pod.
    """
    try:
        prepared = prepare_data(
            data_dir,
            config,
            target,
            now=dt.datetime.now(dt.timezone.utc),
            max_bad_rows=max_bad_rows,
        )
    except DataError:
        for line in reported_problems(target):
            logging.error("%s", line)
        raise
    aside = {each.table: each.set_aside for each in prepared.report.tables if each.set_aside}
    logging.info("Rows set aside: %s", aside or "none")
    return prepared.fingerprint
