"""The artifacts of the last run in an OUT folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline import executions, node_ids
from pipeline.executions import NodeExecution
from pipeline.output_folder import OutputFolder
from pipeline.settings import PIPELINE_NAME
from schemas import names
from schemas.config import GoalpathConfig, stored_config
from schemas.errors import InputError

_EXAMPLES_KEY: Final = "examples"
_BUNDLE_KEY: Final = "bundle"
_CATALOGUE_KEY: Final = "catalogue"
_TRANSFORM_KEY: Final = "transform_graph"


@dataclasses.dataclass(frozen=True)
class FinishedRun:
    """What there is to measure.

    Attributes:
      run_id: of the run.
      data: the data folder that was given to it.
      prepared: the folder of prepared tables.
      examples: folder of the Examples artifact.
      catalogue: folder of the Catalogue artifact.
      transform_graph: folder of Transform's output.
      saved_model: folder of the bundle's SavedModel.
      manifest: of the bundle.
      config: that the run used, whatever the data folder says by now.
    """

    run_id: str
    data: Path
    prepared: Path
    examples: Path
    catalogue: Path
    transform_graph: Path
    saved_model: Path
    manifest: Mapping[str, Any]
    config: GoalpathConfig

    def split_files(self, split: str) -> list[Path]:
        """The TFRecord files of a split, sorted."""
        return sorted((self.examples / f"Split-{split}").glob("data_tfrecord*"))

    def examples_digest(self) -> str:
        """SHA-256 of the Examples of all splits that have labels."""
        digest = hashlib.sha256()
        for split in names.SPLITS:
            for path in self.split_files(split):
                with path.open("rb") as file:
                    while chunk := file.read(1 << 20):
                        digest.update(chunk)
        return digest.hexdigest()


def find_run(out: Path) -> FinishedRun:
    """The last run in `out` that came to its end.

    Raises:
      InputError: there is none, or it has no Examples or no bundle.
    """
    folder = OutputFolder(out.absolute())
    if not folder.summary.is_file():
        raise InputError(
            "there must be a run that came to its end.",
            where=str(out),
            received="no run.json",
            remedy="run goalpath run --data DATA --out OUT first.",
        )
    summary = json.loads(folder.summary.read_text(encoding="utf-8"))
    run_id = str(summary["run_id"])
    store = executions.open_store(folder.metadata)
    nodes = executions.run_executions(store, PIPELINE_NAME, run_id)
    bundle = _output(nodes, node_ids.SERVING_BUNDLE, _BUNDLE_KEY, out)
    saved_model = bundle / "Format-Serving"
    manifest_file = saved_model / names.ASSETS_EXTRA / names.MANIFEST_FILE
    manifest = json.loads(manifest_file.read_text())
    return FinishedRun(
        run_id=run_id,
        data=Path(summary["inputs"]["data"]),
        prepared=folder.data,
        examples=_output(nodes, node_ids.EVENT_EXAMPLE_GEN, _EXAMPLES_KEY, out),
        catalogue=_output(nodes, node_ids.EVENT_EXAMPLE_GEN, _CATALOGUE_KEY, out),
        transform_graph=_output(nodes, node_ids.TRANSFORM, _TRANSFORM_KEY, out),
        saved_model=saved_model,
        manifest=manifest,
        config=stored_config(manifest["config"], where=str(manifest_file)),
    )


def _output(nodes: Mapping[str, NodeExecution], node: str, key: str, out: Path) -> Path:
    execution = nodes.get(node)
    if execution is None or not execution.done or key not in execution.outputs:
        raise InputError(
            f"the last run must have put out the {key} of {node}.",
            where=str(out),
            received="none",
            remedy="see its log, and run goalpath run again.",
        )
    return execution.outputs[key].uri
