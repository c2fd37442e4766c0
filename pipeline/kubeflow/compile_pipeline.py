"""From configuration to the YAML that Kubeflow Pipelines takes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from tfx.orchestration import data_types
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline.beam_options import beam_args
from pipeline.create_pipeline import create_pipeline
from pipeline.kubeflow.command_line import ENTRYPOINT_COMMAND, FAIL_FLAG
from pipeline.kubeflow.finish_spec import container_of, finish_spec
from pipeline.kubeflow.platform_spec import platform_spec
from pipeline.kubeflow.run_parameters import INTEGER, RunParameter, Value, run_parameters
from pipeline.node_ids import MODEL_PUSHER
from pipeline.settings import PipelineSettings
from schemas import names
from schemas.config import GoalpathConfig
from schemas.kubeflow_config import KubeflowConfig
from schemas.version import __version__

_TYPES: Final[Mapping[str, type[Value]]] = {INTEGER: int}
# The artifact root is a setting of the server or of a run, and in the bare spec nowhere.
_ROOT: Final = "/goalpath-pipeline-root"


def compile_pipeline(config: GoalpathConfig, kubeflow: KubeflowConfig) -> list[dict[str, Any]]:
    """Compiles.

    Args:
      config: of the data set; it is compiled in.
      kubeflow: the settings.

    Returns:
      The two documents: pipeline spec 2.1.0 and platform spec.

    Raises:
      ConfigError: the settings name a node that the pipeline does not have.
    """
    parameters = run_parameters(config, kubeflow)
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            use_pipeline_spec_2_1=True,
            default_image=kubeflow.image,
            default_commands=list(ENTRYPOINT_COMMAND),
        )
    )
    job = runner.run(create_pipeline(_settings(config, kubeflow, parameters)), write_out=False)
    spec = finish_spec(job["pipelineSpec"], parameters, kubeflow)
    if kubeflow.fail_when_not_blessed:
        container_of(spec, MODEL_PUSHER)["args"].append(FAIL_FLAG)
    return [spec, platform_spec(spec, kubeflow)]


def to_yaml(documents: Sequence[Mapping[str, Any]]) -> str:
    """The text of the file to upload."""
    head = f"# goalpath {__version__}: made by `goalpath kubeflow compile`.\n"
    return head + yaml.safe_dump_all(documents, sort_keys=True, allow_unicode=True, width=1000)


def write_yaml(documents: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Writes the file to upload: the whole of it, or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(to_yaml(documents))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _settings(
    config: GoalpathConfig, kubeflow: KubeflowConfig, parameters: Sequence[RunParameter]
) -> PipelineSettings:
    at_run = {
        each.name: data_types.RuntimeParameter(
            name=each.name, default=each.default, ptype=_TYPES.get(each.kind, str)
        )
        for each in parameters
    }
    # The identity of the code and the fingerprint of the data tell a cache what changed.
    # Here there is no cache, the code is that of the image, and the data are those that
    # the first node finds.
    return PipelineSettings(
        config=config,
        data_dir=at_run[names.DATA_DIR_PARAMETER],
        schema_file="",
        fingerprint="",
        code="",
        pipeline_root=_ROOT,
        serving_dir=at_run[names.SERVING_DIR_PARAMETER],
        states_dir=at_run[names.STATES_DIR_PARAMETER],
        as_of=at_run[names.AS_OF_PARAMETER],
        window_days=at_run[names.WINDOW_DAYS_PARAMETER],
        beam_args=beam_args(kubeflow.beam_args),
        prepare_in_node=True,
        max_bad_rows=at_run[names.MAX_BAD_ROWS_PARAMETER],
        epochs=at_run[names.TRAINING_EPOCHS_PARAMETER],
        enable_cache=False,
        name=kubeflow.pipeline_name,
    )
