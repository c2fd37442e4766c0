"""The route by which applications tell what happened since the push."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from fastapi import APIRouter

from schemas import names
from schemas.errors import DataError, InputError
from serving.gateway.bodies import EventBody, EventsAnswer, EventsBody
from serving.gateway.event_store import PostedEvent
from serving.gateway.gateway import Gateway, micros
from serving.gateway.version_data import VersionData, VersionLacksError


class RefusedEventsError(DataError):
    """Posted events that cannot be kept."""


def event_routes(gateway: Gateway) -> APIRouter:
    """The routes of a gateway."""
    router = APIRouter(tags=["events"])

    @router.post("/events", response_model=EventsAnswer)
    def post_events(body: EventsBody | EventBody) -> Any:
        """Keeps one event or several, all or none. Posting them again changes nothing."""
        given = body.events if isinstance(body, EventsBody) else [body]
        if len(given) > gateway.settings.batch_events:
            raise InputError(
                f"a request has at most {gateway.settings.batch_events} events.",
                where="events",
                received=str(len(given)),
                remedy="send them in parts.",
            )
        data = gateway.versions.served.stable
        _require_usable(gateway, data, given)
        zone = zoneinfo.ZoneInfo(data.config.timezone)
        events = [_posted(event, zone) for event in given]
        kept = gateway.events.append(events)
        gateway.metrics.saw_events(kept.added, kept.repeated)
        return {
            "accepted": kept.added,
            "duplicates": kept.repeated,
            "in_states": sum(event.timestamp >= data.as_of for event in events),
        }

    return router


def _posted(event: EventBody, zone: zoneinfo.ZoneInfo) -> PostedEvent:
    return PostedEvent(
        event.event_id,
        event.student_id,
        event.engagement_id,
        micros(_aware(event.timestamp, zone)),
        event.response,
        event.value,
        event.stage_after,
    )


def _aware(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _require_usable(gateway: Gateway, data: VersionData, events: list[EventBody]) -> None:
    """Refuses events that the state function could not take; the first ten are named.

    Raises:
      VersionLacksError: the version has no histories to add events to.
      RefusedEventsError: an event is of something unknown, or of the future.
    """
    if data.state_rows is None:
        raise VersionLacksError(
            "posted events are added to the histories of students.",
            where=f"version {data.number}",
            received="no histories",
            remedy="push again with `goalpath run`: older versions have none.",
        )
    latest = gateway.clock() + dt.timedelta(seconds=gateway.settings.clock_skew_seconds)
    zone = zoneinfo.ZoneInfo(data.config.timezone)
    stages = (*data.config.stages, names.LOST, "")
    faults = []
    for number, event in enumerate(events):
        where = f"events[{number}]"
        if event.student_id not in data.states:
            faults.append(f"{where}.student_id {event.student_id!r} is unknown")
        if not data.state_rows.knows(event.engagement_id):
            faults.append(f"{where}.engagement_id {event.engagement_id!r} is unknown")
        if event.stage_after not in stages:
            faults.append(f"{where}.stage_after {event.stage_after!r} is no stage")
        if _aware(event.timestamp, zone) > latest:
            faults.append(f"{where}.timestamp is in the future")
    if faults:
        raise RefusedEventsError(
            "every event must be of a student, an engagement and a stage that are known, and past.",
            where="events",
            received="; ".join(faults[:10])
            + (f"; and {len(faults) - 10} more" if len(faults) > 10 else ""),
            remedy="correct them and post all again: none was kept.",
        )
