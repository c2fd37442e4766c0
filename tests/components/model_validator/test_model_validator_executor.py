"""The executor on real artifacts: a blessing, and a report that a person can read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.model_validator import executor
from components.model_validator.executor import Executor
from components.model_validator.isolation import COPIED, COVERED
from components.model_validator.report import Report
from components.model_validator.request import Bounds
from schemas import names
from tests.components.model_validator.forge import Forge

pytestmark = pytest.mark.slow


def artifact(kind: type[Any], uri: Path) -> Any:
    made = kind()
    made.uri = str(uri)
    return made


def validate(folder: Path, *, bundle: Path, trained: Path, transform: Path) -> Any:
    """Runs the executor, as TFX does, on a bundle and a trained model in artifacts."""
    for name, content in (("bundle", bundle), ("model", trained)):
        shutil.copytree(content, path_utils.serving_model_dir(str(folder / name)))
    blessing = artifact(standard_artifacts.InfraBlessing, folder / "blessing")
    bounds = Bounds()
    Executor().Do(
        {
            executor.BUNDLE: [artifact(standard_artifacts.Model, folder / "bundle")],
            executor.TRAINED_MODEL: [artifact(standard_artifacts.Model, folder / "model")],
            executor.TRANSFORM_GRAPH: [artifact(standard_artifacts.TransformGraph, transform)],
        },
        {executor.BLESSING: [blessing]},
        {
            executor.MAX_LOAD_SECONDS: bounds.load_seconds,
            executor.MAX_MEGABYTES: bounds.megabytes,
            executor.TIMEOUT_SECONDS: 600.0,
        },
    )
    return blessing


def test_what_was_trained_is_blessed(forge: Forge, tmp_path: Path) -> None:
    blessing = validate(
        tmp_path, bundle=forge.good, trained=forge.run.calibrated, transform=forge.run.transform
    )
    assert blessing.get_int_custom_property("blessed") == 1
    folder = tmp_path / "blessing"
    assert {path.name for path in folder.iterdir()} == {
        "INFRA_BLESSED",
        "report.json",
        "report.txt",
    }
    content = json.loads((folder / "report.json").read_text())
    assert content["blessed"] is True
    assert content["isolation"] in (COVERED, COPIED)
    found = {check["name"]: check for check in content["checks"]}
    assert all(check["passed"] and check["detail"] for check in found.values())
    assert found["variables"]["values"] == {"trained": len(forge.model.serving.weights)}
    assert 0 < found["loads"]["values"]["seconds"] < found["loads"]["values"]["allowed"] == 60
    size = sum(path.stat().st_size for path in forge.good.rglob("*") if path.is_file())
    assert found["size"]["values"]["megabytes"] == pytest.approx(size / 2**20)
    assert found["golden_predict"]["values"] == {"largest_difference": 0.0, "allowed": 0.0}
    assert set(found["heads_sensitive"]["values"]) >= {"student", "candidate", "history"}
    assert -1 < found["heads_independent"]["values"]["likelihood~risk"] < 1
    for name in ("model.keras", "golden.npz", "weights.json"):
        assert f"assets.extra/{name}" in found["same_as_trained"]["detail"]
    assert "assets/engagement_ids" in found["same_as_trained"]["detail"]

    lines = (folder / "report.txt").read_text().splitlines()
    assert lines[0] == "blessed"
    assert lines[1] == f"inspected in: {content['isolation']}"
    assert len(lines) == 2 + len(found)
    assert "passed  golden_predict: golden values reproduced bit for bit" in lines


def test_a_model_that_needs_the_transform_output_is_not_blessed(
    forge: Forge, tmp_path: Path
) -> None:
    bundle = forge.needs_transform
    blessing = validate(tmp_path, bundle=bundle, trained=bundle, transform=forge.run.transform)
    assert blessing.get_int_custom_property("blessed") == 0
    folder = tmp_path / "blessing"
    assert (folder / "INFRA_NOT_BLESSED").exists()
    assert not (folder / "INFRA_BLESSED").exists()
    report = Report.read(folder / "report.json")
    assert not report.blessed
    failed = {check.name: check.detail for check in report.checks if not check.passed}
    secret = str(forge.secret)
    assert secret in failed["graph_paths"]
    if report.isolation == COVERED:
        # Nothing is where training had it, so the model cannot even answer.
        for signature in (names.SIGNATURE_DEFAULT, names.SIGNATURE_PREDICT):
            assert secret in failed[f"golden_{signature}"]
        assert not {"golden_recommend", "golden_embed_student", "keras_file"} & set(failed)
    text = (folder / "report.txt").read_text()
    assert text.startswith("rejected: graph_paths")
    assert f"FAILED  graph_paths: {failed['graph_paths']}\n        Remedy: track the file" in text
    assert text.index("FAILED  graph_paths") < text.index("passed  manifest")
