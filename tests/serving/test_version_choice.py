"""Promotion, rollback and canary, as choices among versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import InputError
from serving.version_choice import (
    ChoiceUnreadableError,
    VersionChoice,
    canary_of,
    choice_path,
    in_share,
    promoted,
    read_choice,
    rolled_back,
    stable_of,
    with_canary,
    write_choice,
)
from serving.versions import Version


def pushed(*numbers: int) -> tuple[Version, ...]:
    return tuple(Version(n, Path(str(n)), Path(str(n)), {}) for n in numbers)


def stable_number(choice: VersionChoice, versions: tuple[Version, ...]) -> int:
    found = stable_of(choice, versions)
    assert found is not None
    return found.number


def test_the_newest_answers_unless_another_was_promoted() -> None:
    choice = VersionChoice()
    assert stable_of(choice, ()) is None
    assert stable_number(choice, pushed(1, 2, 3)) == 3
    choice = promoted(choice, 2, pushed(1, 2, 3))
    assert stable_number(choice, pushed(1, 2, 3, 4)) == 2
    assert stable_number(choice, pushed(3, 4)) == 4  # 2 was removed
    assert stable_number(promoted(choice, None, pushed(1, 2, 3, 4)), pushed(1, 2, 3, 4)) == 4
    with pytest.raises(InputError, match="one of 1, 2"):
        promoted(choice, 9, pushed(1, 2))


def test_a_rollback_undoes_promotions_one_by_one_and_then_goes_to_older_versions() -> None:
    versions = pushed(1, 2, 3, 4)
    choice = promoted(VersionChoice(), 2, versions)  # 4 answered before
    choice = promoted(choice, 3, versions)
    choice = rolled_back(choice, versions)
    assert choice.stable == 2
    choice = rolled_back(choice, versions)
    assert choice.stable == 4
    choice = rolled_back(choice, versions)
    assert choice.stable == 3
    assert rolled_back(rolled_back(choice, versions), versions).stable == 1
    with pytest.raises(InputError, match="older version"):
        rolled_back(VersionChoice(1), versions)
    with pytest.raises(InputError, match="0 versions"):
        rolled_back(VersionChoice(), ())


def test_a_version_that_is_gone_is_passed_over() -> None:
    choice = promoted(promoted(VersionChoice(), 2, pushed(1, 2, 3)), 1, pushed(1, 2, 3))
    assert choice.before == (3, 2)
    assert rolled_back(choice, pushed(1, 3)).stable == 3


def test_a_canary_pins_what_it_is_compared_with_and_ends() -> None:
    versions = pushed(1, 2)
    choice = with_canary(VersionChoice(), 1, 0.25, versions)
    assert (choice.stable, choice.canary, choice.canary_share) == (2, 1, 0.25)
    found = canary_of(choice, pushed(1, 2, 3))
    assert found is not None
    assert found.number == 1
    assert stable_number(choice, pushed(1, 2, 3)) == 2
    assert canary_of(with_canary(choice, None, 0, versions), versions) is None
    assert canary_of(choice, pushed(2)) is None
    assert promoted(choice, 1, versions) == VersionChoice(1, (2,))
    kept = promoted(choice, 3, pushed(1, 2, 3))
    assert (kept.canary, kept.canary_share) == (1, 0.25)
    assert rolled_back(kept, pushed(1, 2, 3)).canary is None
    for share in (0.0, -1.0, 1.5):
        with pytest.raises(InputError, match="share"):
            with_canary(VersionChoice(), 1, share, versions)
    with pytest.raises(InputError, match="another version"):
        with_canary(VersionChoice(), 2, 0.5, versions)


def test_the_share_of_students_is_the_same_ones_always_and_grows_with_it() -> None:
    students = [f"S{number:06d}" for number in range(20_000)]
    tenth = {s for s in students if in_share(s, 0.1)}
    assert len(tenth) == pytest.approx(2000, abs=5 * (20_000 * 0.1 * 0.9) ** 0.5)
    assert tenth == {s for s in students if in_share(s, 0.1)}
    assert tenth < {s for s in students if in_share(s, 0.5)}
    assert not any(in_share(s, 0.0) for s in students)
    assert all(in_share(s, 1.0) for s in students)
    # printf canary:S000002 | sha256sum begins with 34: between 52 and 53 of 256.
    assert not in_share("S000002", 52 / 256)
    assert in_share("S000002", 53 / 256)


def test_the_choice_is_kept_whole(tmp_path: Path) -> None:
    assert read_choice(tmp_path) == VersionChoice()
    choice = VersionChoice(3, (1, 2), 4, 0.5)
    write_choice(tmp_path, choice)
    assert read_choice(tmp_path) == choice
    assert [path.name for path in tmp_path.iterdir()] == ["versions.json"]
    choice_path(tmp_path).write_text("{torn")
    with pytest.raises(ChoiceUnreadableError, match="remove the file"):
        read_choice(tmp_path)
