"""Patterns know nothing of what happened after training time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from schemas.config import load_config
from schemas.prepare import prepare_data

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
AS_OF = "2025-08-31T00:00:00+00:00"
FIRST = "2024-09-09T00:00:00+00:00"


@pytest.mark.slow
def test_rows_after_training_time_change_nothing(tmp_path: Path) -> None:
    import apache_beam as beam

    from components.conversion_patterns import beam_count
    from components.conversion_patterns.count_partition import PatternCounts
    from components.conversion_patterns.executor import plan_of
    from components.conversion_patterns.sampled import outcomes_of
    from components.event_example_gen import beam_files, beam_generate
    from components.event_example_gen.beam_job import plan_job
    from datasets.simulator.simulate import simulate

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    simulate(tmp_path / "raw", students=300, seed=5, weeks=52)
    config = load_config(tmp_path / "raw")
    prepare_data(tmp_path / "raw", config, whole, now=NOW)
    summary = {"first_snapshot": FIRST, "as_of": AS_OF}

    def count(tables: Path) -> tuple[PatternCounts, int]:
        work = tmp_path / f"work-{tables.name}"
        job = plan_job(
            config,
            data_dir=str(tables),
            work_dir=str(work),
            examples_dir="",
            as_of=AS_OF,
            window_days=0,
        )
        plan = plan_of(summary, config, job)
        beam_files.make_folder(beam_files.join(str(work), beam_generate.PIECES))
        with beam.Pipeline() as pipeline:
            beam_count.build_pipeline(pipeline, job, plan)
        assert plan.evaluation_start is not None
        return beam_count.read_counts(job), plan.evaluation_start

    everything, evaluation_start = count(whole)
    assert cut_tables(whole, cut, evaluation_start) > 100
    training_time, _ = count(cut)

    assert everything.students == training_time.students > 50
    assert everything.transitions.counts.sum() > 100
    np.testing.assert_array_equal(everything.transitions.counts, training_time.transitions.counts)
    np.testing.assert_array_equal(everything.type_use.met, training_time.type_use.met)
    for subject, tally in everything.effects.met.items():
        for name in ("keys", "windows", "moved"):
            other = training_time.effects.met[subject]
            np.testing.assert_array_equal(getattr(tally, name), getattr(other, name))
    # Instants after the end of knowledge stand in the sample; nothing made of it has them.
    raw = {"sample_reached_after", "sample_other_after"}
    for column in set(everything.sample.column_names) - raw:
        assert everything.sample[column].equals(training_time.sample[column]), column
    days = config.horizons.goal_days
    for mine, other in zip(
        outcomes_of(everything.sample).furthest_within(days),
        outcomes_of(training_time.sample).furthest_within(days),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, other)


def cut_tables(tables: Path, cut: Path, end: int) -> int:
    """Copies prepared tables without the rows from `end` on, and says how many went."""
    gone = 0
    for path in sorted(tables.rglob("*")):
        target = cut / path.relative_to(tables)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".parquet":
            if path.is_file():
                target.write_bytes(path.read_bytes())
            continue
        table = ds.dataset(path).to_table()
        if "timestamp" in table.column_names:
            kept = table.filter(pc.less(table["timestamp"].cast(pa.int64()), end))
            gone += table.num_rows - kept.num_rows
            table = kept
        pq.write_table(table, target)
    return gone
