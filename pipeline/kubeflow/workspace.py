"""What runs and schedules on a server have in common: experiment, pipeline, version."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.kubeflow.compiled_file import CompiledFile
from pipeline.kubeflow.connection import Server, connect, speaking
from schemas.errors import InputError
from schemas.tfx_lines import create_pipeline

if TYPE_CHECKING:
    import kfp

Row = TypeVar("Row")
PAGE_SIZE = 100


@dataclasses.dataclass(frozen=True)
class Version:
    """A version of a pipeline on the server.

    Attributes:
      pipeline_id: of the pipeline.
      version_id: of the version.
      name: of the version.
      uploaded: now; else it was there.
    """

    pipeline_id: str
    version_id: str
    name: str
    uploaded: bool


class Workspace:
    """An experiment on a server."""

    def __init__(self, server: Server, experiment: str) -> None:
        """Connects.

        Args:
          server: to ask.
          experiment: that runs belong to.

        Raises:
          InputError, KubeflowServerError: see `connection.connect`.
        """
        self.server = server
        self.experiment = experiment
        self._client = connect(server)

    @property
    def client(self) -> kfp.Client:
        """KFP's own client; to be used within `speaking(workspace.server)`."""
        return self._client

    def experiment_id(self, *, make: bool) -> str:
        """The id of the experiment.

        Args:
          make: it, where there is none.

        Raises:
          InputError: there is none, and it is not to be made.
        """
        with speaking(self.server):
            if make:
                found = self._client.create_experiment(
                    self.experiment, namespace=self.server.namespace
                )
                return str(found.experiment_id)
            try:
                found = self._client.get_experiment(
                    experiment_name=self.experiment, namespace=self.server.namespace
                )
            except ValueError as error:
                raise InputError(
                    "the experiment must be on the server.",
                    where=self.server.endpoint,
                    received=repr(self.experiment),
                    remedy="start a run or a schedule first, or pass --experiment.",
                ) from error
            return str(found.experiment_id)

    def upload(self, compiled: CompiledFile) -> Version:
        """Uploads a version, or finds the one with the same content.

        Raises:
          InputError, KubeflowServerError: the server refuses it.
        """
        with speaking(self.server):
            pipeline_id = self._pipeline_id(compiled.pipeline)
            known = self._client.list_pipeline_versions(
                pipeline_id, page_size=PAGE_SIZE, filter=named(compiled.digest)
            )
            for version in known.pipeline_versions or []:
                if version.display_name == compiled.digest:
                    found = str(version.pipeline_version_id)
                    return Version(pipeline_id, found, compiled.digest, uploaded=False)
            new = self._client.upload_pipeline_version(
                str(compiled.path), compiled.digest, pipeline_id=pipeline_id
            )
            return Version(
                pipeline_id, str(new.pipeline_version_id), compiled.digest, uploaded=True
            )

    def link(self, kind: str, identity: str) -> str:
        """The page of a run or a schedule."""
        return f"{self.server.endpoint}/#/{kind}/details/{identity}"

    def _pipeline_id(self, name: str) -> str:
        listed = self._client.list_pipelines(
            namespace=self.server.namespace, page_size=PAGE_SIZE, filter=named(name)
        )
        for pipeline in listed.pipelines or []:
            if pipeline.display_name == name:
                return str(pipeline.pipeline_id)
        made = create_pipeline(self._client, name, self.server.namespace)
        return str(made.pipeline_id)


def named(name: str) -> str:
    """A filter for what has that name."""
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]})


def all_pages(
    ask: Callable[[str], Any], rows: Callable[[Any], list[Row] | None], most: int
) -> list[Row]:
    """The rows of all pages of a list, `most` at most.

    Args:
      ask: for the page that a token names; "" names the first.
      rows: of a page.
      most: rows.
    """
    found: list[Row] = []
    token = ""
    while len(found) < most:
        page = ask(token)
        found.extend(rows(page) or [])
        token = page.next_page_token or ""
        if not token:
            break
    return found[:most]
