"""Unpacks the artifacts of ModelValidator."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.model_validator.isolation import inspect_in_isolation
from components.model_validator.originals import originals
from components.model_validator.report import REPORT_FILE, TEXT_FILE, Report
from components.model_validator.request import Bounds

BUNDLE: Final = "bundle"
TRAINED_MODEL: Final = "trained_model"
TRANSFORM_GRAPH: Final = "transform_graph"
BLESSING: Final = "blessing"
MAX_LOAD_SECONDS: Final = "max_load_seconds"
MAX_MEGABYTES: Final = "max_megabytes"
TIMEOUT_SECONDS: Final = "timeout_seconds"
# As TFX's InfraValidator leaves them: Pusher and other tools read them.
_BLESSED: Final = "blessed"
_MARKERS: Final = {True: "INFRA_BLESSED", False: "INFRA_NOT_BLESSED"}

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Blesses a bundle that proves to be what was trained."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Inspects the bundle; a rejection is a blessing of 0, not an error.

        Args:
          input_dict: `bundle`, `trained_model` and `transform_graph`.
          output_dict: `blessing`, which gets the report.
          exec_properties: `max_load_seconds`, `max_megabytes` and `timeout_seconds`.
        """
        trained = Path(artifact_utils.get_single_uri(input_dict[TRAINED_MODEL]))
        bundle = Path(artifact_utils.get_single_uri(input_dict[BUNDLE]))
        transform = artifact_utils.get_single_uri(input_dict[TRANSFORM_GRAPH])
        report = inspect_in_isolation(
            Path(path_utils.serving_model_path(str(bundle))),
            trained_files=originals(
                Path(path_utils.serving_model_path(str(trained))), Path(transform)
            ),
            forbidden=(str(trained), str(bundle), transform),
            bounds=Bounds(exec_properties[MAX_LOAD_SECONDS], exec_properties[MAX_MEGABYTES]),
            timeout_seconds=exec_properties[TIMEOUT_SECONDS],
        )
        _write(artifact_utils.get_single_instance(output_dict[BLESSING]), report)


def _write(blessing: types.Artifact, report: Report) -> None:
    folder = Path(blessing.uri)
    folder.mkdir(parents=True, exist_ok=True)
    report.write(folder / REPORT_FILE)
    (folder / TEXT_FILE).write_text(report.text(), encoding="utf-8")
    (folder / _MARKERS[report.blessed]).touch()
    blessing.set_int_custom_property(_BLESSED, int(report.blessed))
    if not report.blessed:
        logging.warning("The bundle is rejected.\n%s", report.text())
