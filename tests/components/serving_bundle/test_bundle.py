"""A bundle holds all its parts, and a manifest that says so."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from components.serving_bundle.bundle import BundleParts, IncompleteBundleError, build_bundle
from schemas.config import GoalpathConfig, parse_config
from serving.versions import read_manifest, verify_files

CREATED = dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.timezone.utc)
SUMMARY = {
    "as_of": "2024-05-01T00:00:00+00:00",
    "splits": {"train": {"snapshots": 3}, "eval": {"snapshots": 2}},
}


def make_parts(folder: Path) -> BundleParts:
    saved_model = folder / "trained"
    for name in (
        "saved_model.pb",
        "variables/variables.index",
        "assets.extra/model.keras",
        "assets.extra/weights.json",
        "assets.extra/golden.npz",
        "assets.extra/goal_parameters.json",
        "assets.extra/goal_parameters.json",
    ):
        path = saved_model / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    for name in (
        "patterns.json",
        "journeys.parquet",
        "catalogue.parquet",
        "states.parquet",
        "FeatureStats.pb",
        "engagement_vectors.parquet",
        "histories.parquet",
    ):
        (folder / name).write_bytes(name.encode())
    (folder / "summary.json").write_text(json.dumps(SUMMARY))
    return BundleParts(
        saved_model,
        folder / "patterns.json",
        folder / "journeys.parquet",
        folder / "catalogue.parquet",
        folder / "states.parquet",
        folder / "FeatureStats.pb",
        folder / "summary.json",
        folder / "engagement_vectors.parquet",
        {"histories.parquet": folder / "histories.parquet"},
    )


def config() -> GoalpathConfig:
    return parse_config("{name: x, stages: [A, B], default_goal: B}")


def build(folder: Path) -> Path:
    target = folder / "bundle"
    build_bundle(
        make_parts(folder),
        target,
        config=config(),
        created=CREATED,
        library_versions={"tensorflow": "2.16.2"},
        inputs="digest of the inputs",
    )
    return target


def test_every_file_is_in_the_manifest_with_its_checksum(tmp_path: Path) -> None:
    bundle = build(tmp_path)
    manifest = read_manifest(bundle)
    assert set(manifest["files"]) == {  # type: ignore[call-overload]
        "saved_model.pb",
        "variables/variables.index",
        "assets.extra/model.keras",
        "assets.extra/weights.json",
        "assets.extra/golden.npz",
        "assets.extra/goal_parameters.json",
        "assets.extra/patterns.json",
        "assets.extra/journeys.parquet",
        "assets.extra/catalogue.parquet",
        "assets.extra/train_statistics.pb",
        "assets.extra/engagement_vectors.parquet",
        "assets.extra/model_card.json",
    }
    assert manifest["files"]["assets.extra/train_statistics.pb"] == {  # type: ignore[index]
        "sha256": hashlib.sha256(b"FeatureStats.pb").hexdigest(),
        "bytes": len("FeatureStats.pb"),
    }
    assert verify_files(bundle) == ()


def test_the_version_is_the_second_of_its_making(tmp_path: Path) -> None:
    manifest = read_manifest(build(tmp_path))
    assert manifest["version"] == 1714979289  # date -u -d 2024-05-06T07:08:09Z +%s
    assert manifest["states"] == {
        "path": "states/1714979289/states.parquet",
        "sha256": hashlib.sha256(b"states.parquet").hexdigest(),
        "bytes": len("states.parquet"),
    }
    assert manifest["beside_states"] == {
        "histories.parquet": {
            "path": "states/1714979289/histories.parquet",
            "sha256": hashlib.sha256(b"histories.parquet").hexdigest(),
            "bytes": len("histories.parquet"),
        }
    }
    assert manifest["as_of"] == SUMMARY["as_of"]
    assert manifest["examples"] == {"train": 3, "eval": 2}
    assert GoalpathConfig.model_validate(manifest["config"]) == config()
    assert manifest["inputs"] == "digest of the inputs"


def test_the_card_says_what_each_number_means_with_its_horizon(tmp_path: Path) -> None:
    card = json.loads((build(tmp_path) / "assets.extra" / "model_card.json").read_text())
    assert "28 days" in card["outputs"]["likelihood"]
    assert set(card["outputs"]) == {
        "ranking_score",
        "likelihood",
        "risk",
        "likelihood_given",
        "risk_given",
        "goal_likelihood",
    }
    assert card["data"] == SUMMARY


@pytest.mark.parametrize(
    "gone",
    [
        "patterns.json",
        "catalogue.parquet",
        "states.parquet",
        "histories.parquet",
        "trained/assets.extra/weights.json",
    ],
)
def test_a_missing_part_is_named(tmp_path: Path, gone: str) -> None:
    parts = make_parts(tmp_path)
    (tmp_path / gone).unlink()
    with pytest.raises(IncompleteBundleError, match=Path(gone).name):
        build_bundle(
            parts, tmp_path / "bundle", config=config(), created=CREATED, library_versions={}
        )
    assert not (tmp_path / "bundle").exists()


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    stale = tmp_path / "bundle" / "half"
    stale.parent.mkdir()
    stale.write_text("torn")
    assert verify_files(build(tmp_path)) == ()
    assert not stale.exists()
