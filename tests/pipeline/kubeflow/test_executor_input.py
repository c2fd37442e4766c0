"""What KFP hands to a container, and what TFX then reads.

The messages are those of KFP's driver as its source has them; the types and properties
that TFX makes of them are checked with TFX itself in tests/e2e/kubeflow.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from pipeline.kubeflow.executor_input import (
    ExecutorInputError,
    output_paths,
    readable_input,
    reported_output,
)
from pipeline.kubeflow.storage_paths import to_path, to_uri

ROOT = Path("/")
RUN = "minio://mlpipeline/v2/artifacts/goalpath/run-1"
SCHEMA_OF_EXAMPLES = "title: tfx.Examples\ntype: object\nproperties:\n  span:\n    type: integer\n"
INPUTS_SPEC = {
    "artifacts": {
        "examples": {"artifactType": {"instanceSchema": SCHEMA_OF_EXAMPLES}},
        "states": {
            "artifactType": {"instanceSchema": "title: goalpath.StudentStates\ntype: object\n"}
        },
    },
    "parameters": {"as_of": {"parameterType": "STRING"}},
}


def _artifact(uri: str, artifact_type: dict[str, str], **metadata: object) -> dict[str, Any]:
    return {"artifacts": [{"name": "7", "uri": uri, "type": artifact_type, "metadata": metadata}]}


def _from_driver() -> dict[str, Any]:
    return {
        "inputs": {
            "artifacts": {
                "examples": _artifact(f"{RUN}/Gen/examples", {"instanceSchema": ""}, span=0.0),
                "states": _artifact(f"{RUN}/Gen/states", {"schemaTitle": ""}),
            },
            "parameterValues": {"as_of": "", "folder": "minio://not/an/artifact"},
        },
        "outputs": {
            "artifacts": {
                "bundle": _artifact(
                    f"{RUN}/Bundle/bundle", {"instanceSchema": "title: tfx.Model\n"}
                ),
                "catalogue": _artifact(
                    f"{RUN}/Bundle/catalogue", {"instanceSchema": "title: goalpath.Catalogue\n"}
                ),
                "executor-logs": _artifact(
                    f"{RUN}/Bundle/executor-logs", {"schemaTitle": "system.Artifact"}
                ),
            },
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }


def test_tfx_gets_what_it_can_read() -> None:
    given = _from_driver()
    before = copy.deepcopy(given)
    message = readable_input(given, INPUTS_SPEC, ROOT)
    assert given == before
    local = "/minio/mlpipeline/v2/artifacts/goalpath/run-1"
    assert message == {
        "inputs": {
            "artifacts": {
                "examples": _artifact(
                    f"{local}/Gen/examples", {"schemaTitle": "tfx.Examples"}, span=0.0
                ),
                "states": _artifact(
                    f"{local}/Gen/states", {"schemaTitle": "components.artifacts.StudentStates"}
                ),
            },
            # Parameters are the user's, and stay what they are.
            "parameterValues": {"as_of": "", "folder": "minio://not/an/artifact"},
        },
        "outputs": {
            "artifacts": {
                "bundle": _artifact(f"{local}/Bundle/bundle", {"schemaTitle": "tfx.Model"}),
                "catalogue": _artifact(
                    f"{local}/Bundle/catalogue", {"schemaTitle": "components.artifacts.Catalogue"}
                ),
            },
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }
    assert output_paths(message) == {
        "bundle": Path(f"{local}/Bundle/bundle"),
        "catalogue": Path(f"{local}/Bundle/catalogue"),
    }


def test_any_output_of_kfps_own_types_is_dropped() -> None:
    given = _from_driver()
    outputs = given["outputs"]["artifacts"]
    outputs["metrics"] = _artifact(f"{RUN}/metrics", {"schemaTitle": "system.Metrics"})
    outputs["executor-logs"] = _artifact(f"{RUN}/logs", {})
    assert set(readable_input(given, INPUTS_SPEC, ROOT)["outputs"]["artifacts"]) == {
        "bundle",
        "catalogue",
    }


def test_a_type_that_was_handed_over_is_kept() -> None:
    given = _from_driver()
    examples = given["inputs"]["artifacts"]["examples"]["artifacts"][0]
    examples["type"] = {"schemaTitle": "tfx.TransformGraph"}
    message = readable_input(given, INPUTS_SPEC, ROOT)
    kept = message["inputs"]["artifacts"]["examples"]["artifacts"][0]["type"]
    assert kept == {"schemaTitle": "tfx.TransformGraph"}


def test_an_input_without_any_type_is_named() -> None:
    with pytest.raises(ExecutorInputError, match="examples: every artifact must have a type"):
        readable_input(_from_driver(), {}, ROOT)


def test_a_node_without_inputs_and_an_input_without_artifacts() -> None:
    given = _from_driver()
    del given["inputs"]["artifacts"]
    assert "artifacts" not in readable_input(given, {}, ROOT)["inputs"]
    given["inputs"]["artifacts"] = {"tables": {"artifacts": []}}
    assert readable_input(given, {}, ROOT)["inputs"]["artifacts"] == {"tables": {"artifacts": []}}


def test_the_launcher_gets_addresses_back() -> None:
    pushed = {"pushed": 1.0, "pushed_destination": "/goalpath/out/serving/goalpath/17"}
    output = {
        "artifacts": {
            "pushed_model": _artifact("/minio/b/run/pushed", {}, **pushed),
            "blessing": _artifact("/s3/b/blessing", {}, current_model="/s3/b/bundle", blessed=1.0),
        }
    }
    assert reported_output(output, ROOT) == {
        "artifacts": {
            "pushed_model": _artifact("minio://b/run/pushed", {}, **pushed),
            "blessing": _artifact(
                "s3://b/blessing", {}, current_model="s3://b/bundle", blessed=1.0
            ),
        }
    }


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://bucket/a/b", "/minio/bucket/a/b"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("gs://bucket/a", "/gcs/bucket/a"),
        ("/goalpath/root/a", "/goalpath/root/a"),
        ("https://host/a", "https://host/a"),
        ("/minio2/a", "/minio2/a"),
    ],
)
def test_addresses_and_paths_are_each_others_inverse(uri: str, path: str) -> None:
    assert to_path(uri) == path
    assert to_uri(path) == uri


def test_the_root_can_be_elsewhere() -> None:
    assert to_path("gs://b/k", Path("/tmp/root")) == "/tmp/root/gcs/b/k"
    assert to_uri("/tmp/root/gcs/b/k", Path("/tmp/root")) == "gs://b/k"
    assert to_uri("/gcs/b/k", Path("/tmp/root")) == "/gcs/b/k"
