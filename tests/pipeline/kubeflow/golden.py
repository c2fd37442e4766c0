"""The compiled pipeline of a fixed configuration, as it is in golden.yaml.

    make golden     writes the file anew

Look at the difference before it is committed: it is what the cluster gets to see.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from schemas.config import GoalpathConfig
from schemas.kubeflow_config import KubeflowConfig

GOLDEN: Final = Path(__file__).with_name("golden.yaml")
CONFIG: Final = GoalpathConfig.model_validate(
    {
        "name": "golden",
        "stages": ["Inquired", "Applied", "Enrolled"],
        "default_goal": "Applied",
        "tables": {"students": {"features": {"gpa": "numeric", "campus": "categorical"}}},
        "evaluation": {"slices": ["campus"]},
    }
)
SETTINGS: Final = KubeflowConfig.model_validate(
    {
        "image": "example/goalpath:0.1.0",
        "image_pull_policy": "Always",
        "image_pull_secrets": ["registry-login"],
        "pipeline_name": "goalpath-golden",
        "pipeline_root": "minio://mlpipeline/v2/artifacts",
        "data_dir": "/goalpath/data",
        "output_dir": "/goalpath/out",
        "volumes": [
            {"claim": "goalpath", "mount_path": "/goalpath"},
            {"claim": "scratch", "mount_path": "/scratch", "nodes": ["Trainer"]},
        ],
        "secrets": [
            {"secret": "warehouse", "env": {"password": "PGPASSWORD"}, "nodes": ["Trainer"]}
        ],
        "nodes": {"Trainer": {"cpu": 4, "memory_gib": 16}, "Transform": {"memory_gib": 8}},
        "retries": {"count": 3, "backoff_seconds": 60},
    }
)


def normalised(text: str) -> str:
    """Without the versions of goalpath and TFX, and nothing else."""
    text = re.sub(r"^# goalpath \S+:", "# goalpath VERSION:", text)
    return re.sub(r"^sdkVersion: tfx-\S+$", "sdkVersion: tfx-VERSION", text, flags=re.MULTILINE)


def golden_documents() -> list[dict[str, Any]]:
    """A copy of what the file holds."""
    return list(yaml.safe_load_all(GOLDEN.read_text(encoding="utf-8")))


def compiled() -> str:
    """The text that goalpath compiles now; imports TFX."""
    from pipeline.kubeflow.compile_pipeline import compile_pipeline, to_yaml

    return normalised(to_yaml(compile_pipeline(CONFIG, SETTINGS)))


if __name__ == "__main__":
    GOLDEN.write_text(compiled(), encoding="utf-8")
