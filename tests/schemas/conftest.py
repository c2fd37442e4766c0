"""Small data folders written by the tests themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

NOW = dt.datetime(2024, 6, 1, tzinfo=dt.timezone.utc)

STUDENTS = "student_id,major\ns1,math\ns2,art\n"
ENGAGEMENTS = "engagement_id,engagement_type\ne1,email\ne2,visit\n"
EVENTS = (
    "student_id,engagement_id,timestamp,response,value,stage_after\n"
    "s1,e1,2024-01-01 10:00:00,opened,1.5,Applied\n"
    "s2,e2,2024-01-02,opened,,\n"
)
CONFIG = "name: small\nstages: [Inquired, Applied]\ndefault_goal: Applied\n"

WriteFolder = Callable[..., Path]


@pytest.fixture
def now() -> dt.datetime:
    return NOW


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Writes a sound data folder; keyword arguments replace or add tables by name."""

    def write(
        config: str = CONFIG,
        folder: str = "data",
        files: Mapping[str, str] | None = None,
        **tables: str,
    ) -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        contents = {"students": STUDENTS, "engagements": ENGAGEMENTS, "events": EVENTS, **tables}
        for table, text in contents.items():
            (place / f"{table}.csv").write_text(text, encoding="utf-8")
        for name, text in (files or {}).items():
            (place / name).write_text(text, encoding="utf-8")
        (place / "goalpath.yaml").write_text(config, encoding="utf-8")
        return place

    return write
