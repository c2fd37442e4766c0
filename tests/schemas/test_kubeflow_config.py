"""`kubeflow.yaml`: what it gives, and what it refuses by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.errors import ConfigError
from schemas.kubeflow_config import load_kubeflow_config

SMALLEST: dict[str, Any] = {
    "image": "example/goalpath:0.1.0",
    "data_dir": "/goalpath/data",
    "output_dir": "/goalpath/out",
    "volumes": [{"claim": "goalpath", "mount_path": "/goalpath"}],
}


def _write(folder: Path, **changes: Any) -> Path:
    content = {key: value for key, value in {**SMALLEST, **changes}.items() if value is not None}
    path = folder / "kubeflow.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_smallest_one(tmp_path: Path) -> None:
    config = load_kubeflow_config(_write(tmp_path))
    assert config.serving_dir("funnel") == "/goalpath/out/serving/funnel"
    assert config.states_dir() == "/goalpath/out/states"
    assert config.resources_of("Trainer").cpu == 1
    assert config.fail_when_not_blessed
    assert config.server.experiment == "goalpath"


def test_the_example_of_the_documents_is_one() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "examples" / "kubeflow.yaml"
    config = load_kubeflow_config(path)
    assert set(config.nodes) == {"Transform", "Trainer"}


def test_a_node_takes_from_the_default_what_it_leaves_open(tmp_path: Path) -> None:
    path = _write(
        tmp_path, resources={"cpu": 2, "memory_gib": 3}, nodes={"Trainer": {"memory_gib": 9}}
    )
    config = load_kubeflow_config(path)
    trainer, other = config.resources_of("Trainer"), config.resources_of("Evaluator")
    assert (trainer.cpu, trainer.memory_gib) == (2, 9)
    assert (other.cpu, other.memory_gib) == (2, 3)


def test_the_nearest_volume_holds_a_folder(tmp_path: Path) -> None:
    volumes = [
        {"claim": "all", "mount_path": "/goalpath"},
        {"claim": "tables", "mount_path": "/goalpath/data/"},
    ]
    config = load_kubeflow_config(_write(tmp_path, volumes=volumes))
    found = [config.mount_of(p) for p in ("/goalpath/data/x", "/goalpath/out", "/goalpath2")]
    assert [each.claim if each else None for each in found] == ["tables", "all", None]
    assert config.mount_of("/goalpath/../etc") is None


def test_the_command_lines_image_comes_first(tmp_path: Path) -> None:
    path = _write(tmp_path, image=None)
    assert load_kubeflow_config(path, image="example/g:2").image == "example/g:2"
    with pytest.raises(ConfigError, match="image: this key is required; add it"):
        load_kubeflow_config(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image": "example/goalpath"}, "image must have a tag or a digest"),
        ({"image": "host:5000/goalpath"}, "image must have a tag or a digest"),
        ({"image": "example/goalpath:latest"}, "not `latest`"),
        ({"data_dir": "/data"}, r"data_dir must be on a mounted volume, which are \['/goalpath'\]"),
        ({"output_dir": "/goalpath/../out"}, "output_dir must be on a mounted volume"),
        ({"output_dir": "minio://bucket/out"}, "output_dir must be on a mounted volume"),
        ({"volumes": []}, "volumes: "),
        ({"volumes": [{"claim": "a.b", "mount_path": "/goalpath"}]}, "volumes.0.claim"),
        ({"volumes": [{"claim": "a", "mount_path": "goalpath"}]}, "an absolute path"),
        ({"volumes": [{"claim": "a", "mount_path": "/"}]}, "an absolute path below /"),
        (
            {
                "volumes": [
                    {"claim": "a", "mount_path": "/goalpath"},
                    {"claim": "a", "mount_path": "/b"},
                ]
            },
            r"volumes must not share a claim; several have \['a'\]",
        ),
        ({"secrets": [{"secret": "s", "env": {}}]}, "secrets.0.env"),
        ({"secrets": [{"secret": "s", "env": {"key": "A-B"}}]}, "secrets.0.env.key"),
        ({"pipeline_name": "goal_path"}, "pipeline_name"),
        ({"pipeline_root": "/volume"}, "pipeline_root"),
        ({"retries": {"count": -1}}, "retries.count"),
        ({"nodes": {"Trainer": {"memory": 4}}}, "nodes.Trainer.memory: no such key"),
        ({"server": {"endpoint": "ml-pipeline"}}, "server.endpoint"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        load_kubeflow_config(_write(tmp_path, **changes))
    assert refused.value.where == str(tmp_path / "kubeflow.yaml")


@pytest.mark.parametrize("content", ["", "- a\n", "image: [\n"])
def test_what_is_no_mapping_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeflow.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError):
        load_kubeflow_config(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a file that can be read"):
        load_kubeflow_config(tmp_path / "kubeflow.yaml")
