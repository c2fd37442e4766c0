"""Which pushed versions answer: the newest unless told otherwise, and a canary beside it.

`OUT/versions.json` holds the choice. Who serves looks at it again and again, so that a
promotion or a rollback needs no restart. Standard library alone: gateways use it too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Final

from schemas.errors import GoalpathError, InputError
from serving.versions import Version

CHOICE_FILE: Final = "versions.json"
STABLE: Final = "stable"
CANARY: Final = "canary"


class ChoiceUnreadableError(GoalpathError):
    """`versions.json` is damaged."""


@dataclasses.dataclass(frozen=True)
class VersionChoice:
    """What was chosen.

    Attributes:
      stable: the version that answers; None: the newest.
      before: the versions that were stable before by choice, oldest first.
      canary: another that answers a share of students; None: none does.
      canary_share: of students, in [0, 1].
    """

    stable: int | None = None
    before: tuple[int, ...] = ()
    canary: int | None = None
    canary_share: float = 0.0


def choice_path(out: Path) -> Path:
    """Where the choice is."""
    return out / CHOICE_FILE


def read_choice(out: Path) -> VersionChoice:
    """The choice; that of the newest version where none was made.

    Raises:
      ChoiceUnreadableError: the file is damaged.
    """
    path = choice_path(out)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return VersionChoice(
            stable=_number(content["stable"]),
            before=tuple(int(each) for each in content["before"]),
            canary=_number(content["canary"]),
            canary_share=float(content["canary_share"]),
        )
    except FileNotFoundError:
        return VersionChoice()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChoiceUnreadableError(
            "the choice of versions must be readable.",
            where=str(path),
            received=str(error),
            remedy="remove the file, and the newest version answers; or promote one.",
        ) from error


def write_choice(out: Path, choice: VersionChoice) -> None:
    """Replaces the choice, whole or not at all."""
    path = choice_path(out)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(choice), file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def stable_of(choice: VersionChoice, versions: tuple[Version, ...]) -> Version | None:
    """The version that is to answer.

    A chosen one that is gone is no reason to answer nothing: the newest does then.

    Args:
      choice: made.
      versions: complete ones, oldest first.
    """
    chosen = [version for version in versions if version.number == choice.stable]
    return chosen[0] if chosen else (versions[-1] if versions else None)


def canary_of(choice: VersionChoice, versions: tuple[Version, ...]) -> Version | None:
    """The version that is to answer a share of students, if any is."""
    if choice.canary_share <= 0:
        return None
    return next((v for v in versions if v.number == choice.canary), None)


def promoted(
    choice: VersionChoice, number: int | None, versions: tuple[Version, ...]
) -> VersionChoice:
    """The choice after a version was made the stable one; None: whatever is newest.

    A canary that is promoted is none any more.

    Raises:
      InputError: there is no such version.
    """
    if number is not None:
        require_version(number, versions)
    now = stable_of(choice, versions)
    before = (*choice.before, now.number) if now and now.number != number else choice.before
    keeps_canary = choice.canary is not None and choice.canary != number
    return VersionChoice(
        number,
        before,
        choice.canary if keeps_canary else None,
        choice.canary_share if keeps_canary else 0.0,
    )


def rolled_back(choice: VersionChoice, versions: tuple[Version, ...]) -> VersionChoice:
    """The choice after a step back: to the stable version of before, or to the next older one.

    A canary is ended by it.

    Raises:
      InputError: there is nothing to go back to.
    """
    now = stable_of(choice, versions)
    there = {version.number for version in versions}
    before = [number for number in choice.before if number in there]
    while before and now is not None and before[-1] == now.number:
        before.pop()
    if before:
        return VersionChoice(before[-1], tuple(before[:-1]))
    older = [v.number for v in versions if now is not None and v.number < now.number]
    if not older:
        raise InputError(
            "there must be an older version to go back to.",
            where="goalpath rollback",
            received=f"{len(versions)} versions" + (f", {now.number} answers" if now else ""),
            remedy="`goalpath versions` lists them.",
        )
    return VersionChoice(older[-1], ())


def with_canary(
    choice: VersionChoice, number: int | None, share: float, versions: tuple[Version, ...]
) -> VersionChoice:
    """The choice with a canary, or without one where `number` is None.

    Raises:
      InputError: there is no such version, it is the stable one, or the share is none.
    """
    if number is None:
        return dataclasses.replace(choice, canary=None, canary_share=0.0)
    require_version(number, versions)
    stable = stable_of(choice, versions)
    if stable is not None and stable.number == number:
        raise InputError(
            "a canary is another version than the stable one.",
            where="goalpath canary",
            received=str(number),
            remedy="pin the stable version by `goalpath promote` first.",
        )
    if not 0 < share <= 1:
        raise InputError(
            "a canary answers a share of students above 0 and up to 1.",
            where="--share",
            received=str(share),
        )
    # What is newest changes; a canary needs something that does not to be compared with.
    pinned = choice.stable if stable is None else stable.number
    return dataclasses.replace(choice, stable=pinned, canary=number, canary_share=share)


def in_share(student_id: str, share: float) -> bool:
    """Whether a student is among the share: always the same answer, whatever the version."""
    digest = hashlib.sha256(f"canary:{student_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def require_version(number: int, versions: tuple[Version, ...]) -> None:
    """Refuses a version that is not there.

    Raises:
      InputError: it is not.
    """
    if all(version.number != number for version in versions):
        listed = ", ".join(str(version.number) for version in versions)
        raise InputError(
            "a version must have been pushed, whole.",
            where="version",
            received=str(number),
            remedy=f"one of {listed}." if listed else "run `goalpath run` first.",
        )


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))
