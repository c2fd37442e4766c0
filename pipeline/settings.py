"""Everything a pipeline is built from."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, TypeAlias, Union

from schemas.config import GoalpathConfig

if TYPE_CHECKING:
    from tfx.orchestration.data_types import RuntimeParameter

# A value, or one that is known when a run starts.
Text: TypeAlias = Union[str, "RuntimeParameter"]
Number: TypeAlias = Union[int, "RuntimeParameter"]

PIPELINE_NAME: Final = "goalpath"


@dataclasses.dataclass(frozen=True)
class PipelineSettings:
    """What `create_pipeline` is told; paths may be local or mounted in a pod.

    Attributes:
      config: of the data set.
      data_dir: folder of the prepared tables; with `prepare_in_node`, of the
        institution's own.
      schema_file: the TFMD schema, under a name that changes with its content; "" with
        `prepare_in_node`.
      fingerprint: of the data, so that the cache knows them.
      code: identity of the code, likewise; see `schemas.code_identity`.
      pipeline_root: where the artifacts go.
      serving_dir: folder of the versions of the model.
      states_dir: folder of the student states of each version.
      as_of: ISO 8601; rows at or after it do not exist. "": from the data.
      window_days: snapshots of so many days before `as_of`; 0: all.
      inputs: name of all that the model is made from; "" where it is not known.
      baseline: version to compare with: its number, "latest", or "" for none.
      beam_args: of every node that runs a Beam pipeline.
      prepare_in_node: check and prepare the data in the first node.
      max_bad_rows: rows that node may set aside before it refuses the data.
      epochs: in place of the configured ones; 0: as configured.
      enable_cache: take results of an earlier run where nothing changed.
      metadata_file: SQLite file of ML Metadata; None where the runner has its own.
      name: of the pipeline.
    """

    config: GoalpathConfig
    data_dir: Text
    schema_file: str
    fingerprint: str
    code: str
    pipeline_root: str
    serving_dir: Text
    states_dir: Text
    as_of: Text = ""
    window_days: Number = 0
    inputs: str = ""
    baseline: str = "latest"
    beam_args: tuple[str, ...] = ()
    prepare_in_node: bool = False
    max_bad_rows: Number = 0
    epochs: Number = 0
    enable_cache: bool = True
    metadata_file: str | None = None
    name: str = PIPELINE_NAME
