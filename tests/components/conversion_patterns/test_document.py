"""The whole document of hand-made lives, by the pure functions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from components.conversion_patterns.count_partition import (
    PatternCounts,
    add_counts,
    count_partition,
)
from components.conversion_patterns.document import ModelAnswers, catalogue_of, describe
from components.conversion_patterns.effect_counts import count_type_use
from components.event_example_gen.partition import Reference
from schemas import patterns_files
from schemas.conversion_patterns import Subject
from tests.components.conversion_patterns.hand_part import make_part, until
from tests.components.event_example_gen.hand_made import Row, change, day, event, student

# 40 students who entered on day 0. Every other one moves on on day 10; all get an email
# on day 3, and every fourth one a visit on day 4.
NAMES = [f"s{number:02d}" for number in range(40)]
EVENTS = [event(3, "e0", student=name) for name in NAMES] + [
    event(4, "e1", student=name) for name in NAMES[::4]
]
MOVES = [change(10, "Visited", student=name) for name in NAMES[::2]]
END = 60


def count(people: list[str]) -> tuple[PatternCounts, Reference]:
    def own(rows: list[Row]) -> list[Row]:
        return [row for row in rows if row["student_id"] in people]

    part, reference = make_part(
        [student(name, entered_at=day(0)) for name in people],
        own(EVENTS),
        changes=own(MOVES),
        plan=until(END),
    )
    return count_partition(part, reference, count_type_use(part, 2)), reference


def answers(rows: int) -> ModelAnswers:
    """Two kinds of embeddings, that do not matter to anything else."""
    place = np.arange(rows) % 2
    return ModelAnswers(np.eye(2)[place], np.full(rows, 0.4), np.full(rows, 0.1))


@pytest.fixture(scope="module")
def made() -> tuple[PatternCounts, Reference]:
    return count(NAMES)


def test_it_says_what_was_counted(made: tuple[PatternCounts, Reference]) -> None:
    counts, reference = made
    document, journeys = describe(
        counts, answers(counts.sample.num_rows), reference, evaluation_start=day(END)
    )
    assert document.students == 40
    assert document.stages == ("Inquiry", "Visited", "Applied", "Enrolled")
    assert (document.horizon_days, document.window_days) == (42, 7)
    assert document.observed_until == "2024-03-01T00:00:00+00:00"
    assert len(document.transitions) == 6
    chance = document.transition("Inquiry", "Visited").chance
    assert chance.probability == pytest.approx(0.5)
    days = document.transition("Inquiry", "Visited").days
    assert days is not None
    assert days.median == pytest.approx(10.5)
    assert document.transition("Visited", "Applied").entered == 20
    assert document.transition("Visited", "Applied").chance.probability == 0.0
    # A state of Inquiry for each student, and one of Visited for each that moved.
    assert counts.sample.num_rows == 60
    assert 0 < journeys.num_rows <= 20


def test_effects_are_those_of_the_windows(made: tuple[PatternCounts, Reference]) -> None:
    counts, reference = made
    document, _ = describe(
        counts, answers(counts.sample.num_rows), reference, evaluation_start=day(END)
    )
    emails = [
        each for each in document.effects if (each.subject, each.name) == (Subject.TYPE, "email")
    ]
    # All 40 met the email in the first window, 20 moved on in the second; all other
    # windows met nothing. There is nobody to compare with.
    [email] = emails
    assert (email.met, email.met_moved_on, email.others, email.lift) == (40, 20, 0, None)
    # Ten met visits: too few to be shown.
    assert "visit" not in {each.name for each in document.effects}


def test_partitions_put_together_give_the_same_document(
    made: tuple[PatternCounts, Reference],
) -> None:
    counts, reference = made
    parts = [count(NAMES[place::3])[0] for place in range(3)]
    added = add_counts(parts, 1000)
    assert added.students == counts.students
    np.testing.assert_array_equal(added.transitions.counts, counts.transitions.counts)
    whole, _ = describe(counts, answers(60), reference, evaluation_start=None)
    put_together, _ = describe(added, answers(60), reference, evaluation_start=None)
    assert put_together.transitions == whole.transitions
    assert put_together.effects == whole.effects
    assert put_together.observed_until is None


def test_names_are_those_of_the_catalogue(made: tuple[PatternCounts, Reference]) -> None:
    catalogue = catalogue_of(*made)
    assert catalogue.types == ["email", "visit"]
    assert catalogue.engagements == ["e0", "e1", "e2"]
    assert catalogue.type_of.tolist() == [0, 1, 0]
    # Every event of this world is active, so that nobody is seen to let an offer be.
    assert catalogue.self_chosen.tolist() == [True, True]


def test_a_person_can_read_what_is_written(
    made: tuple[PatternCounts, Reference], tmp_path: Path
) -> None:
    counts, reference = made
    document, journeys = describe(
        counts, answers(counts.sample.num_rows), reference, evaluation_start=day(END)
    )
    patterns_files.write_patterns(tmp_path, document, journeys)
    text = (tmp_path / patterns_files.PATTERNS_FILE).read_text()
    assert len(text.splitlines()) > 100
    content = json.loads(text)
    assert content["transitions"][0]["from_stage"] == "Inquiry"
    assert "NaN" not in text
    assert patterns_files.read_patterns(tmp_path) == document
    # No id of a student, and no profile.
    assert not [name for name in NAMES if f'"{name}"' in text]


def test_of_a_single_student_everything_is_said_to_be_unknown_or_few() -> None:
    counts, reference = count(NAMES[:1])
    document, journeys = describe(
        counts, answers(counts.sample.num_rows), reference, evaluation_start=day(END)
    )
    assert document.students == 1
    assert (document.effects, document.indicators, document.paths) == ((), (), ())
    assert document.clustering.clusters == ()
    assert document.clustering.reason
    assert not document.transition("Applied", "Enrolled").observed
    assert journeys.num_rows <= 1
