"""Hands the catalogue to the training function, beside what TFX hands it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tfx import types
from tfx.components.trainer import executor as tfx_executor
from tfx.components.trainer import fn_args_utils
from tfx.types import artifact_utils

from components.evaluator.baseline import BASELINE, SERVING_DIR, choose_baseline
from components.model_trainer.epochs import with_epochs

CATALOGUE: Final = "catalogue"
CONFIG: Final = "config"
EPOCHS: Final = "epochs"
WARM_START: Final = "warm_start_from"

Artifacts = dict[str, list[types.Artifact]]


class Executor(tfx_executor.GenericExecutor):  # type: ignore[misc]
    """Calls `run_fn(fn_args)` with `custom_config` holding three texts.

    `CONFIG` is the JSON of `GoalpathConfig`, `CATALOGUE` the URI of the folder with
    `catalogue.parquet`, `WARM_START` the folder of the version to begin from, or "".
    """

    def _GetFnArgs(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> fn_args_utils.FnArgs:
        fn_args = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        custom = {**(fn_args.custom_config or {})}
        custom[CATALOGUE] = artifact_utils.get_single_uri(input_dict[CATALOGUE])
        custom[CONFIG] = with_epochs(custom[CONFIG], int(exec_properties.get(EPOCHS) or 0))
        begin_from = choose_baseline(
            Path(exec_properties.get(SERVING_DIR) or ""), exec_properties.get(BASELINE) or ""
        )
        custom[WARM_START] = "" if begin_from is None else str(begin_from)
        fn_args.custom_config = custom
        return fn_args
