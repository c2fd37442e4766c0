"""What is compiled is what golden.yaml holds: nothing less, nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline.kubeflow.check_spec import check_file
from pipeline.node_ids import DATA_PREPARATION, IMPORT_SCHEMA_GEN, NODE_IDS
from tests.pipeline.kubeflow import golden


def test_the_golden_pipeline_has_no_known_trap() -> None:
    assert check_file(golden.GOLDEN) == ()


def test_nodes_are_those_of_a_run_here_with_the_data_prepared_in_a_node() -> None:
    spec, _ = golden.golden_documents()
    assert set(spec["root"]["dag"]["tasks"]) == {*NODE_IDS, DATA_PREPARATION} - {IMPORT_SCHEMA_GEN}


def test_settings_are_where_kubeflow_reads_them() -> None:
    spec, platform = golden.golden_documents()
    containers = {
        label.removesuffix("_executor"): each["container"]
        for label, each in spec["deploymentSpec"]["executors"].items()
    }
    # 16 GiB are 17.179869184 GB, 4 GiB are 4.294967296 GB.
    assert containers["Trainer"]["resources"] == {
        "cpuRequest": 4.0,
        "cpuLimit": 4.0,
        "memoryRequest": 17.18,
        "memoryLimit": 17.18,
    }
    assert containers["Transform"]["resources"]["memoryLimit"] == 8.59
    assert containers["Evaluator"]["resources"] == {
        "cpuRequest": 1.0,
        "cpuLimit": 1.0,
        "memoryRequest": 4.295,
        "memoryLimit": 4.295,
    }
    assert {each["image"] for each in containers.values()} == {"example/goalpath:0.1.0"}
    for task in spec["root"]["dag"]["tasks"].values():
        assert task["retryPolicy"] == {
            "maxRetryCount": 3,
            "backoffDuration": "60s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }
        assert "cachingOptions" not in task
    assert [
        each for each in containers if "--fail_when_not_pushed" in containers[each]["args"]
    ] == ["ModelPusher"]
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    common = {"constant": "goalpath", "mountPath": "/goalpath"}
    assert executors["Trainer_executor"] == {
        "imagePullPolicy": "Always",
        "imagePullSecret": [{"secretName": "registry-login"}],
        "pvcMount": [common, {"constant": "scratch", "mountPath": "/scratch"}],
        "secretAsEnv": [
            {
                "secretName": "warehouse",
                "keyToEnv": [{"secretKey": "password", "envVar": "PGPASSWORD"}],
            }
        ],
    }
    assert executors["Evaluator_executor"]["pvcMount"] == [common]
    assert "secretAsEnv" not in executors["Evaluator_executor"]


def test_run_parameters_have_defaults_and_reach_their_nodes() -> None:
    spec, _ = golden.golden_documents()
    declared = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: each["defaultValue"] for name, each in declared.items()} == {
        "data_dir": "/goalpath/data",
        "as_of": "",
        "window_days": 0,
        "max_bad_rows": 0,
        "training_epochs": 0,
        "serving_dir": "/goalpath/out/serving/goalpath",
        "states_dir": "/goalpath/out/states",
    }
    assert all(each["isOptional"] for each in declared.values())
    reached = {
        (node, asked["componentInputParameter"])
        for node, task in spec["root"]["dag"]["tasks"].items()
        for asked in task["inputs"]["parameters"].values()
        if "componentInputParameter" in asked
    }
    assert reached == {
        ("DataPreparation", "data_dir"),
        ("DataPreparation", "max_bad_rows"),
        ("EventExampleGen", "as_of"),
        ("EventExampleGen", "window_days"),
        ("ConversionPatterns", "window_days"),
        ("Trainer", "training_epochs"),
        ("ServingBundle", "training_epochs"),
        ("ExampleValidator", "serving_dir"),
        ("Evaluator", "serving_dir"),
        ("ModelPusher", "serving_dir"),
        ("ModelPusher", "states_dir"),
    }


@pytest.mark.slow
def test_what_is_compiled_is_golden_both_ways() -> None:
    new, old = golden.compiled(), golden.GOLDEN.read_text(encoding="utf-8")
    assert list(yaml.safe_load_all(new)) == golden.golden_documents(), (
        "see the difference; if it is meant, run `make golden`"
    )
    assert new == old


@pytest.mark.slow
def test_a_node_that_is_not_there_is_named(tmp_path: Path) -> None:
    from pipeline.kubeflow.compile_pipeline import compile_pipeline
    from schemas.errors import ConfigError

    settings = golden.SETTINGS.model_copy(
        update={"nodes": {"Trainr": golden.SETTINGS.nodes["Trainer"]}}
    )
    with pytest.raises(ConfigError, match=r"nodes: .*Received: Trainr\..*Trainer"):
        compile_pipeline(golden.CONFIG, settings)
