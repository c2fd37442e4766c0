"""The executor on small prepared folders: real artifacts, Beam here, the model replaced."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from components.conversion_patterns.document import ModelAnswers
from components.event_example_gen import clock
from pipeline.beam_options import LOCAL_BEAM_ARGS
from schemas import names, patterns_files
from schemas.config import GoalpathConfig
from schemas.errors import DataError, GoalpathError, TrainingRefusedError
from tests.sample_data import DAY, START, Sample, sample_config, sample_tables, write_tables

pytestmark = pytest.mark.slow

ASK_MODEL = "components.conversion_patterns.executor.ask_model"
STUDENTS_A_PARTITION = "components.event_example_gen.beam_job.STUDENTS_A_PARTITION"
CONFIG = sample_config(cohorts=False)
AS_OF = START + 140 * DAY


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    tables = sample_tables(cohorts=False, students=60)
    return write_tables(tmp_path_factory.mktemp("data") / "prepared", CONFIG, tables)


def answers(_: Path, sample: pa.Table, config: GoalpathConfig) -> ModelAnswers:
    """In place of a model: embeddings that depend on the row's stage alone."""
    stage = sample[names.Q_STAGE_POSITION].to_numpy().astype(int)
    embedding = np.eye(config.training.embedding_dim)[stage]
    return ModelAnswers(embedding, np.full(len(stage), 0.3), np.full(len(stage), 0.2))


def execute(folder: Path, out: Path, *, first: int | None = START, as_of: int = AS_OF) -> Path:
    """Calls `Do` with artifacts under `out`; gives the folder of the patterns."""
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from components import artifacts
    from components.conversion_patterns import executor
    from components.event_example_gen.executor import SUMMARY_FILE

    model, examples = standard_artifacts.Model(), standard_artifacts.Examples()
    patterns = artifacts.ConversionPatterns()
    for name, artifact in (("model", model), ("examples", examples), ("patterns", patterns)):
        artifact.uri = str(out / name)
        (out / name).mkdir(parents=True)
    (out / "model" / "Format-Serving").mkdir()
    summary = {
        "first_snapshot": None if first is None else clock.to_text(first),
        "as_of": clock.to_text(as_of),
    }
    (out / "examples" / SUMMARY_FILE).write_text(json.dumps(summary))
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(LOCAL_BEAM_ARGS), tmp_dir=str(out / "tmp"), unique_id="1"
    )
    executor.Executor(context).Do(
        {executor.MODEL: [model], executor.EXAMPLES: [examples]},
        {executor.PATTERNS: [patterns]},
        {
            executor.DATA_DIR: str(folder),
            executor.CONFIG: CONFIG.model_dump_json(),
            executor.WINDOW_DAYS: 0,
        },
    )
    return out / "patterns"


def test_it_leaves_the_two_files_and_nothing_else(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ASK_MODEL, answers)
    made = execute(sample.folder, tmp_path)
    assert sorted(path.name for path in made.iterdir()) == [
        patterns_files.JOURNEYS_FILE,
        patterns_files.PATTERNS_FILE,
    ]
    document = patterns_files.read_patterns(made)
    assert document.stages == CONFIG.stages
    assert 10 < document.students < 60
    assert document.transitions[0].entered > 10
    assert patterns_files.read_journeys(made).schema.equals(patterns_files.JOURNEYS_SCHEMA)


def test_partitions_make_no_difference(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ASK_MODEL, answers)
    one = execute(sample.folder, tmp_path / "one")
    monkeypatch.setattr(STUDENTS_A_PARTITION, 7)
    many = execute(sample.folder, tmp_path / "many")
    for name in (patterns_files.PATTERNS_FILE, patterns_files.JOURNEYS_FILE):
        assert (one / name).read_bytes() == (many / name).read_bytes()


def test_without_training_students_it_refuses(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ASK_MODEL, answers)
    with pytest.raises(TrainingRefusedError, match="0 training students"):
        execute(sample.folder, tmp_path, first=None, as_of=START - 300 * DAY)
    assert list((tmp_path / "patterns").iterdir()) == []


def test_a_model_that_does_not_load_is_an_error_that_names_it(
    sample: Sample, tmp_path: Path
) -> None:
    with pytest.raises(GoalpathError, match="Format-Serving"):
        execute(sample.folder, tmp_path)
    assert list((tmp_path / "patterns").iterdir()) == []


def test_tables_that_are_not_there_are_an_error_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="students"):
        execute(tmp_path / "nothing", tmp_path)
