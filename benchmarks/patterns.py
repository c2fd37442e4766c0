"""Whether conversion patterns find what lies behind simulated students, and nothing else.

    python -m benchmarks.patterns [--students 10000] [--seeds 20] [--profile funnel]

For each seed a university is simulated, prepared, and counted by the Beam pipeline of
ConversionPatterns; the model is not needed for that. Then it prints, over all seeds, how
often the true chance of a pair of stages lies in its interval, which of the planted
effective types were found, and the false discovery rate: the mean over seeds of the share
of false ones among the findings, 0 where there are none.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
import click
import polars as pl

from benchmarks.patterns_lifts import true_lifts
from benchmarks.patterns_truth import Lives, Population, TrueChance, live, true_chances
from components.conversion_patterns import beam_count
from components.conversion_patterns.document import catalogue_of
from components.conversion_patterns.effects import describe_effects
from components.conversion_patterns.transitions import describe_transitions
from components.event_example_gen import beam_files, beam_generate, clock
from components.event_example_gen.beam_job import plan_job
from components.event_example_gen.splits import SplitPlan, plan_splits
from datasets.simulator.parameters import PROFILES
from datasets.simulator.planted import PLANTED_FILE
from datasets.simulator.simulate import DEFAULT_START, DEFAULT_WEEKS, simulate
from schemas import names
from schemas.config import GoalpathConfig, load_config
from schemas.conversion_patterns import Chance, Effect, Finding, Subject, Transition
from schemas.prepare import prepare_data

TRUTH_SEED: Final = 1_000_003  # no seed of the measured data
_NOW: Final = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)

Pair = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Found:
    """The patterns of one seed.

    Attributes:
      config: of the data set.
      plan: how its snapshots were split.
      transitions: every pair of stages.
      effects: everything met often enough.
      effective: stage -> types that are planted as effective.
    """

    config: GoalpathConfig
    plan: SplitPlan
    transitions: tuple[Transition, ...]
    effects: tuple[Effect, ...]
    effective: Mapping[str, frozenset[str]]


@dataclasses.dataclass
class Coverage:
    """How often the truth lies in an interval.

    Attributes:
      inside: intervals with it.
      intervals: all.
      below: truths below their interval.
      widths: of the intervals, added up.
    """

    inside: int = 0
    intervals: int = 0
    below: int = 0
    widths: float = 0.0

    def add(self, truth: TrueChance, chance: Chance) -> None:
        """One interval; a truth of nobody is left out."""
        if truth.value is None:
            return
        self.intervals += 1
        self.inside += chance.lower <= truth.value <= chance.upper
        self.below += truth.value < chance.lower
        self.widths += chance.upper - chance.lower


@dataclasses.dataclass
class Findings:
    """What was called what, over seeds."""

    planted: int = 0
    planted_found: int = 0
    effective: int = 0
    effective_false: int = 0
    less_effective: int = 0
    less_effective_false: int = 0
    useless: int = 0

    @property
    def false_share(self) -> float:
        """Of the findings; 0 without any."""
        return self.effective_false / max(self.effective, 1)

    def add(self, effect: Effect, *, is_effective: bool) -> None:
        """One effect."""
        called, lower = (
            effect.finding is each for each in (Finding.EFFECTIVE, Finding.LESS_EFFECTIVE)
        )
        self.planted += is_effective
        self.useless += not is_effective
        self.planted_found += is_effective and called
        self.effective += called
        self.effective_false += called and not is_effective
        self.less_effective += lower
        self.less_effective_false += lower and is_effective


@click.command()
@click.option("--students", default=10_000, show_default=True)
@click.option("--seeds", default=20, show_default=True)
@click.option("--first-seed", default=1, show_default=True)
@click.option("--profile", type=click.Choice(list(PROFILES)), default="funnel", show_default=True)
@click.option("--weeks", default=DEFAULT_WEEKS, show_default=True)
@click.option("--truth-students", default=400_000, show_default=True, help="That live the truth.")
def main(
    *, students: int, seeds: int, first_seed: int, profile: str, weeks: int, truth_students: int
) -> None:
    """Measure conversion patterns against the simulator's law."""
    began = time.monotonic()
    lives = live(
        students=truth_students,
        seed=TRUTH_SEED,
        weeks=weeks,
        start=DEFAULT_START,
        profile=profile,
    )
    print(f"{len(lives.lost):,} students lived the truth, {time.monotonic() - began:.0f} s")
    found: list[Found] = []
    for seed in range(first_seed, first_seed + seeds):
        found.append(find_patterns(students, seed, profile, weeks))
        print(f"seed {seed}, {time.monotonic() - began:.0f} s", flush=True)
    lifts = true_lifts(profile, TRUTH_SEED)
    for lines in (coverage_lines(found, lives), effect_lines(found, lifts)):
        print("\n".join(lines) + "\n")


def find_patterns(students: int, seed: int, profile: str, weeks: int) -> Found:
    """Simulates, prepares and counts."""
    with tempfile.TemporaryDirectory(prefix="goalpath-patterns-") as scratch:
        folder = Path(scratch)
        data, prepared, work = folder / "data", folder / "prepared", folder / "work"
        simulate(data, students=students, seed=seed, profile=profile, weeks=weeks)
        config = load_config(data)
        prepare_data(data, config, prepared, now=_NOW)
        job = plan_job(config, data_dir=str(prepared), work_dir=str(work), examples_dir="")
        first = pl.read_parquet(data / names.TRUTH_FILE)[names.SNAPSHOT_TIME].min()
        assert isinstance(first, dt.datetime)
        plan = plan_splits(config, first_snapshot=clock.from_datetime(first), as_of=job.as_of)
        beam_files.make_folder(beam_files.join(job.work_dir, beam_generate.PIECES))
        with beam.Pipeline() as pipeline:
            beam_count.build_pipeline(pipeline, job, plan)
        counts, patterns = beam_count.read_counts(job), config.patterns
        planted = json.loads((data / PLANTED_FILE).read_text(encoding="utf-8"))
        return Found(
            config=config,
            plan=plan,
            transitions=describe_transitions(
                counts.transitions, config.stages, patterns.days_in_stage, level=patterns.level
            ),
            effects=describe_effects(
                counts.effects, catalogue_of(counts, job.load_reference()), patterns
            ),
            effective=dict(planted_types(planted)),
        )


def planted_types(planted: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    """Stage and the types that are effective in it."""
    for transition in planted["transitions"]:
        types = (each["engagement_type"] for each in transition["effective"])
        yield transition["from"], frozenset(types)


def population_of(found: Found) -> Population:
    """Whom the patterns of a seed are counted from."""
    assert found.plan.evaluation_start is not None
    start = clock.from_datetime(
        dt.datetime.combine(DEFAULT_START, dt.time(), tzinfo=dt.timezone.utc)
    )
    end = found.plan.evaluation_start - start
    return Population(
        entered_before=(end - found.plan.embargo) / clock.SECOND, origin_before=end / clock.SECOND
    )


def coverage_lines(found: Sequence[Found], lives: Lives) -> list[str]:
    """A row for each pair, and one for each time in the stage."""
    pairs: dict[Pair, Coverage] = collections.defaultdict(Coverage)
    later: dict[int, Coverage] = collections.defaultdict(Coverage)
    mean: dict[Pair, list[float]] = collections.defaultdict(list)
    truths: dict[Population, dict[Pair, tuple[TrueChance, ...]]] = {}
    for each in found:
        population, days = population_of(each), each.config.patterns.days_in_stage
        if population not in truths:
            horizon = each.config.horizons.goal_days
            truths[population] = true_chances(lives, population, days, horizon)
        for transition in each.transitions:
            pair = (transition.from_stage, transition.to_stage)
            true = truths[population][pair]
            pairs[pair].add(true[0], transition.chance)
            if transition.chance.probability is not None:
                mean[pair].append(transition.chance.probability)
            for entry, truth in zip(transition.from_now_on, true, strict=True):
                later[entry.days_in_stage].add(truth, entry.chance)
    first = next(iter(truths.values()))
    lines = [
        "| from | to | truth | mean estimate | mean width | inside | truth below |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for pair, coverage in pairs.items():
        known = mean[pair]
        lines.append(
            f"| {pair[0]} | {pair[1]} | {first[pair][0].value:.3f} "
            f"| {sum(known) / max(len(known), 1):.3f} "
            f"| {coverage.widths / coverage.intervals:.3f} "
            f"| {coverage.inside} of {coverage.intervals} | {coverage.below} |"
        )
    inside = sum(each.inside for each in pairs.values())
    intervals = sum(each.intervals for each in pairs.values())
    lines += ["", f"all pairs: {inside} of {intervals}, {inside / intervals:.1%}"]
    lines += [
        f"from {days} days in the stage: {each.inside} of {each.intervals}, "
        f"{each.inside / each.intervals:.1%}"
        for days, each in later.items()
        if each.intervals
    ]
    return lines


def effect_lines(found: Sequence[Found], lifts: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A row for each subject, and one for each planted type and each false finding."""
    by_subject: dict[Subject, list[Findings]] = collections.defaultdict(list)
    types: collections.Counter[tuple[str, str]] = collections.Counter()
    false: collections.Counter[tuple[str, str, str]] = collections.Counter()
    for each in found:
        own = {subject: Findings() for subject in Subject}
        for effect in each.effects:
            if effect.finding is Finding.SELF_CHOSEN:
                continue
            is_effective = not each.effective[effect.from_stage].isdisjoint(effect.types)
            own[effect.subject].add(effect, is_effective=is_effective)
            if effect.finding is Finding.EFFECTIVE and effect.subject is Subject.TYPE:
                types[effect.from_stage, effect.name] += 1
            if effect.finding is Finding.EFFECTIVE and not is_effective:
                false[effect.subject.value, effect.from_stage, effect.name] += 1
        for subject, findings in own.items():
            by_subject[subject].append(findings)
    lines = [
        "| subject | planted | found | useless | called effective | false "
        "| false discovery rate | called less effective | false |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_subject_row(subject, findings) for subject, findings in by_subject.items()),
        "",
        "| stage | type | true lift of an offer | found |",
        "| --- | --- | --- | --- |",
    ]
    for stage, effective in found[0].effective.items():
        lines += [
            f"| {stage} | {name} | {lifts[stage][name]:.2f} "
            f"| {types[stage, name]} of {len(found)} |"
            for name in sorted(effective)
        ]
    return [*lines, "", *(f"false: {', '.join(what)}: {n}" for what, n in false.items())]


def _subject_row(subject: Subject, found: Sequence[Findings]) -> str:
    total = {
        field.name: sum(getattr(each, field.name) for each in found)
        for field in dataclasses.fields(Findings)
    }
    rate = sum(each.false_share for each in found) / len(found)
    return (
        f"| {subject.value} | {total['planted']} | {total['planted_found']} | {total['useless']} "
        f"| {total['effective']} | {total['effective_false']} | {rate:.1%} "
        f"| {total['less_effective']} | {total['less_effective_false']} |"
    )


if __name__ == "__main__":
    main()
