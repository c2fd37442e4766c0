"""Everything a pipeline is built from."""

from __future__ import annotations

import dataclasses
from typing import Final

from schemas.config import GoalpathConfig

PIPELINE_NAME: Final = "goalpath"


@dataclasses.dataclass(frozen=True)
class PipelineSettings:
    """What `create_pipeline` is told; paths may be local or mounted in a pod.

    Attributes:
      config: of the data set.
      data_dir: folder of the prepared tables.
      schema_file: the TFMD schema, under a name that changes with its content.
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
      enable_cache: take results of an earlier run where nothing changed.
      metadata_file: SQLite file of ML Metadata; None where the runner has its own.
      name: of the pipeline.
    """

    config: GoalpathConfig
    data_dir: str
    schema_file: str
    fingerprint: str
    code: str
    pipeline_root: str
    serving_dir: str
    states_dir: str
    as_of: str = ""
    window_days: int = 0
    inputs: str = ""
    baseline: str = "latest"
    beam_args: tuple[str, ...] = ()
    enable_cache: bool = True
    metadata_file: str | None = None
    name: str = PIPELINE_NAME
