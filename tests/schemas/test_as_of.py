"""What a person writes, and what Kubeflow's scheduler does."""

from __future__ import annotations

import pytest

from schemas.as_of import as_of_instant
from schemas.config import GoalpathConfig
from schemas.errors import InputError

CONFIG = GoalpathConfig(
    name="a", stages=("First", "Second"), default_goal="Second", timezone="Europe/Berlin"
)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("", ""),
        ("2026-02-01", "2026-02-01T00:00:00+01:00"),  # Berlin, winter
        ("2026-07-01T06:00:00", "2026-07-01T06:00:00+02:00"),  # and summer
        ("2026-07-01T06:00:00Z", "2026-07-01T06:00:00+00:00"),
        ("2026-07-01T06:00:00-05:00", "2026-07-01T06:00:00-05:00"),
        # The scheduler's own form, without an offset, is UTC and not the data's time zone.
        ("20260701060000", "2026-07-01T06:00:00+00:00"),
        (" 20260701060000 ", "2026-07-01T06:00:00+00:00"),
    ],
)
def test_an_instant_has_an_offset(text: str, instant: str) -> None:
    assert as_of_instant(text, CONFIG) == instant
    assert as_of_instant(instant, CONFIG) == instant


@pytest.mark.parametrize(
    "text", ["soon", "20261301060000", "[[ScheduledTime]]", "2026-02-30", "2026070106000"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="as_of: as-of must be a date or a time"):
        as_of_instant(text, CONFIG)
