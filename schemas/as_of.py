"""The instant that a run learns as of, from what a person or a scheduler wrote."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final
from zoneinfo import ZoneInfo

from schemas.config import GoalpathConfig
from schemas.errors import InputError

# What Kubeflow's scheduler makes of [[ScheduledTime]]; always in UTC.
_SCHEDULER_FORMAT: Final = "%Y%m%d%H%M%S"
_SCHEDULER_DIGITS: Final = re.compile(r"\d{14}")


def as_of_instant(text: str, config: GoalpathConfig, *, where: str = "as_of") -> str:
    """An instant as ISO 8601 with an offset; "" stays "".

    A date is its midnight; without an offset it is in the time zone of the data. Fourteen
    digits are what Kubeflow's scheduler writes, in UTC.

    Args:
      text: as given.
      config: of the data set.
      where: what the message calls the place of the text.

    Raises:
      InputError: the text is no date or time.
    """
    if not text:
        return ""
    try:
        instant = _parse(text.strip())
    except ValueError as error:
        raise InputError(
            "as-of must be a date or a time.",
            where=where,
            received=repr(text),
            remedy="write it like 2026-09-01 or 2026-09-01T06:00:00+02:00.",
        ) from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZoneInfo(config.timezone))
    return instant.isoformat()


def _parse(text: str) -> dt.datetime:
    if _SCHEDULER_DIGITS.fullmatch(text):
        return dt.datetime.strptime(text, _SCHEDULER_FORMAT).replace(tzinfo=dt.timezone.utc)
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
