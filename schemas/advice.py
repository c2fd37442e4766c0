"""Remedies that depend on the values found: which format, which spelling, which id."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Sequence

import polars as pl

from schemas import contract, instants, names, rules
from schemas.config import GoalpathConfig
from schemas.rules import Rule


def describe_instant(micros: int) -> str:
    """Microseconds since the epoch as an ISO 8601 time in UTC."""
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(microseconds=micros)
    return moment.isoformat(timespec="seconds")


def detail_of(
    rule: Rule,
    table: str,
    column: str | None,
    samples: Sequence[str],
    *,
    config: GoalpathConfig,
    now: dt.datetime,
) -> str:
    """What fills `{detail}` in the texts of `rule`."""
    if rule is rules.BAD_DATE:
        return _date_format(table, column or "", samples, config)
    if rule in (rules.TIME_IN_GAP, rules.AMBIGUOUS_TIME):
        return config.timezone
    if rule is rules.UNKNOWN_STAGE:
        return _stage_spelling(samples, config)
    if rule is rules.IN_THE_FUTURE:
        return now.astimezone(dt.timezone.utc).isoformat(timespec="seconds")
    return ""


def near_ids(samples: Sequence[str], known: pl.Series) -> str:
    """Says where ids would be found but for case or leading zeros; "" where they would not.

    Args:
      samples: ids that are not in `known`.
      known: ids, String.
    """
    plain = known.str.to_lowercase().str.strip_chars_start("0")
    for sample in samples:
        found = known.filter(plain == sample.lower().lstrip("0"))
        if found.len():
            return (
                f" {sample!r} is written {found[0]!r} there: ids must agree in upper and lower "
                "case and in leading zeros."
            )
    return ""


def _date_format(table: str, column: str, samples: Sequence[str], config: GoalpathConfig) -> str:
    entry = contract.table_config(config, table)
    configured = entry and entry.date_formats.get(column, entry.date_format)
    if configured is None:
        now = "without a format, dates are read as ISO 8601 (2024-12-31 or 2024-12-31 23:59:00)"
    else:
        now = f'the configured format is "{configured}"'
    formats = instants.suggest_formats(list(samples))
    if not formats:
        return f"{now}; correct the values, or tables.{table}.date_formats.{column}."
    choices = " or ".join(f'"{fmt}"' for fmt in formats)
    whichever = ", whichever is meant" if len(formats) > 1 else ""
    return (
        f"{now}; these values would be read by tables.{table}.date_formats: "
        f"{{{column}: {choices}}}{whichever}."
    )


def _stage_spelling(samples: Sequence[str], config: GoalpathConfig) -> str:
    stages = (*config.stages, names.LOST)
    plain = {stage.casefold(): stage for stage in stages}
    aliases = {}
    for sample in samples:
        near = difflib.get_close_matches(sample.casefold(), plain, n=1, cutoff=0.75)
        if near:
            aliases[sample] = plain[near[0]]
    listed = ", ".join(stages)
    if not aliases:
        return (
            f"the stages are {listed}; add it to stages, or lead it to one of them under "
            "stage_aliases in goalpath.yaml."
        )
    pairs = ", ".join(f'"{spelling}": {stage}' for spelling, stage in aliases.items())
    return f"add to goalpath.yaml: stage_aliases: {{{pairs}}}. (The stages are {listed}.)"
