"""Each trap, laid into a pipeline that has none, is found and named; and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.kubeflow.check_spec import check_documents, check_file
from pipeline.kubeflow.traps import Trap
from tests.pipeline.kubeflow.golden import GOLDEN, golden_documents

Break = Callable[[dict[str, Any], dict[str, Any]], object]


def _container(spec: dict[str, Any], node: str) -> dict[str, Any]:
    return spec["deploymentSpec"]["executors"][f"{node}_executor"]["container"]


def _task(spec: dict[str, Any], node: str) -> dict[str, Any]:
    return spec["root"]["dag"]["tasks"][node]


def _kubernetes(platform: dict[str, Any], node: str) -> dict[str, Any]:
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][f"{node}_executor"]


def _parameters(spec: dict[str, Any]) -> dict[str, Any]:
    return spec["root"]["inputDefinitions"]["parameters"]


def _rename_node(spec: dict[str, Any], _: object) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    tasks["Model_Pusher"] = tasks.pop("ModelPusher")


def _drop_input_types(spec: dict[str, Any], _: object) -> None:
    arguments = _container(spec, "Evaluator")["args"]
    place = arguments.index("--json_serialized_inputs_spec_args")
    del arguments[place : place + 2]


def _empty_input_type(spec: dict[str, Any], _: object) -> None:
    arguments = _container(spec, "ModelPusher")["args"]
    place = arguments.index("--json_serialized_inputs_spec_args") + 1
    arguments[place] = '{"artifacts": {"model": {"artifactType": {"schemaTitle": ""}}}}'


def _resolver(spec: dict[str, Any], _: object) -> None:
    spec["deploymentSpec"]["executors"]["Latest_executor"] = {"resolver": {}}


def _driver(spec: dict[str, Any], _: object) -> None:
    _container(spec, "EventExampleGen")["lifecycle"] = {"preCacheCheck": {"command": ["python"]}}


def _module_file(spec: dict[str, Any], _: object) -> None:
    _task(spec, "Transform")["inputs"]["parameters"]["module_file"] = {
        "runtimeValue": {"constant": "/home/me/preprocessing.py"}
    }


def _packed_module(spec: dict[str, Any], _: object) -> None:
    _task(spec, "Transform")["inputs"]["parameters"]["module_path"] = {
        "runtimeValue": {"constant": "preprocessing@/tmp/_wheels/tfx_user_code.whl"}
    }


def _cached(node: str) -> Break:
    return lambda spec, _: _task(spec, node).update(cachingOptions={"enableCache": True})


CASES: list[tuple[str, Trap, Break, str]] = [
    (
        "schema 2.0.0",
        Trap.SCHEMA_VERSION,
        lambda spec, _: spec.update(schemaVersion="2.0.0"),
        "schemaVersion",
    ),
    (
        "no schema version",
        Trap.SCHEMA_VERSION,
        lambda spec, _: spec.pop("schemaVersion"),
        "schemaVersion",
    ),
    ("a resolver", Trap.RESOLVER, _resolver, "Latest_executor"),
    ("an underscore", Trap.NODE_ID, _rename_node, "Model_Pusher"),
    (
        "TFX's entrypoint",
        Trap.ENTRYPOINT,
        lambda spec, _: _container(spec, "Trainer").update(
            command=[
                "python",
                "-m",
                "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
            ]
        ),
        "Trainer_executor",
    ),
    (
        "no command",
        Trap.ENTRYPOINT,
        lambda spec, _: _container(spec, "Trainer").pop("command"),
        "Trainer_executor",
    ),
    (
        "no executor input",
        Trap.ENTRYPOINT,
        lambda spec, _: _container(spec, "Trainer")["args"].remove("{{$}}"),
        "Trainer_executor",
    ),
    ("no types of inputs", Trap.INPUT_TYPES, _drop_input_types, "Evaluator"),
    ("empty types of inputs", Trap.INPUT_TYPES, _empty_input_type, "ModelPusher"),
    ("a driver", Trap.DRIVER, _driver, "EventExampleGen_executor"),
    ("a module file", Trap.MODULE_FILE, _module_file, "Transform.module_file"),
    ("a packed module", Trap.MODULE_FILE, _packed_module, "Transform.module_path"),
    ("a cached push", Trap.CACHED_SIDE_EFFECT, _cached("ModelPusher"), "ModelPusher"),
    ("a cached reading", Trap.CACHED_SIDE_EFFECT, _cached("DataPreparation"), "DataPreparation"),
    ("a cached evaluation", Trap.CACHED_SIDE_EFFECT, _cached("Evaluator"), "Evaluator"),
    (
        "no default",
        Trap.PARAMETER_DEFAULT,
        lambda spec, _: _parameters(spec)["as_of"].pop("defaultValue"),
        "as_of",
    ),
    (
        "a push into the pod",
        Trap.LOST_OUTPUT,
        lambda spec, _: _parameters(spec)["states_dir"].update(defaultValue="/tmp/states"),
        "ModelPusher.states_dir",
    ),
    (
        "a push beside the volume",
        Trap.LOST_OUTPUT,
        lambda spec, _: _parameters(spec)["states_dir"].update(defaultValue="/goalpath2/states"),
        "ModelPusher.states_dir",
    ),
    (
        "a push to an object store",
        Trap.LOST_OUTPUT,
        lambda spec, _: _parameters(spec)["states_dir"].update(defaultValue="minio://b/states"),
        "ModelPusher.states_dir",
    ),
    (
        "data on no volume",
        Trap.LOST_OUTPUT,
        lambda _, platform: _kubernetes(platform, "DataPreparation").pop("pvcMount"),
        "DataPreparation.data_dir",
    ),
    (
        "no image",
        Trap.IMAGE,
        lambda spec, _: _container(spec, "Trainer").pop("image"),
        "Trainer_executor",
    ),
    (
        "TFX's image",
        Trap.IMAGE,
        lambda spec, _: _container(spec, "Trainer").update(image="tensorflow/tfx:1.16.0"),
        "Trainer_executor",
    ),
    (
        "no producer",
        Trap.DANGLING,
        lambda spec, _: _task(spec, "ModelPusher")["dependentTasks"].append("Resolver"),
        "ModelPusher",
    ),
    (
        "no executor",
        Trap.DANGLING,
        lambda spec, _: spec["components"]["Trainer"].update(executorLabel="exec-trainer"),
        "Trainer",
    ),
    (
        "settings of no executor",
        Trap.PLATFORM,
        lambda _, platform: platform["platforms"]["kubernetes"]["deploymentSpec"][
            "executors"
        ].update(exec_trainer={}),
        "exec_trainer",
    ),
    (
        "a claim without a name",
        Trap.PLATFORM,
        lambda _, platform: _kubernetes(platform, "Trainer")["pvcMount"][1].pop("constant"),
        "Trainer_executor",
    ),
    (
        "a secret without keys",
        Trap.PLATFORM,
        lambda _, platform: _kubernetes(platform, "Trainer")["secretAsEnv"][0].pop("keyToEnv"),
        "Trainer_executor",
    ),
    (
        "an unknown pull policy",
        Trap.PLATFORM,
        lambda _, platform: _kubernetes(platform, "Trainer").update(imagePullPolicy="Sometimes"),
        "Trainer_executor",
    ),
]


@pytest.mark.parametrize(
    ("trap", "lay", "where"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_trap_is_found_and_named(trap: Trap, lay: Break, where: str) -> None:
    spec, platform = golden_documents()
    lay(spec, platform)
    findings = check_documents([spec, platform])
    assert {finding.trap for finding in findings} == {trap}
    assert where in {finding.where for finding in findings}
    assert all(finding.remedy and finding.received for finding in findings)


def test_without_a_platform_document_no_folder_lasts() -> None:
    spec, _ = golden_documents()
    findings = check_documents([spec])
    assert {finding.trap for finding in findings} == {Trap.LOST_OUTPUT}
    assert {finding.where for finding in findings} == {
        "DataPreparation.data_dir",
        "ExampleValidator.serving_dir",
        "Evaluator.serving_dir",
        "ModelPusher.serving_dir",
        "ModelPusher.states_dir",
    }


def test_a_job_of_vertex_is_refused() -> None:
    spec, _ = golden_documents()
    findings = check_documents([{"displayName": "goalpath", "pipelineSpec": spec}])
    assert [finding.trap for finding in findings] == [Trap.PIPELINE_JOB]


@pytest.mark.parametrize("content", ["", "- a\n", "just words", "a: [", "root: {}\n"])
def test_what_is_no_pipeline_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(content)
    assert {f.trap for f in check_file(path)} <= {Trap.NOT_YAML, Trap.DANGLING}
    assert check_file(path)


def test_the_suffix_tells_the_server_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.json"
    path.write_text(GOLDEN.read_text())
    assert [finding.trap for finding in check_file(path)] == [Trap.FILE_SUFFIX]


def test_every_trap_has_a_test() -> None:
    tested = {trap for _, trap, _, _ in CASES}
    assert tested | {Trap.PIPELINE_JOB, Trap.NOT_YAML, Trap.FILE_SUFFIX} == set(Trap)


def test_the_golden_file_is_two_documents() -> None:
    assert len(list(yaml.safe_load_all(GOLDEN.read_text()))) == 2
