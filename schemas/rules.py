"""The rules that a data folder is checked by.

A rule has a name for machines, a text for people and a remedy. `{column}`, `{table}`
and `{detail}` in them are filled in where a problem is made.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Final


class Severity(enum.Enum):
    """What a broken rule means."""

    ERROR = "error"  # stops the run, or sets the row aside
    WARNING = "warning"  # the data can be used, and are perhaps not what was meant
    INFO = "info"


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
      name: in reports for machines.
      severity: what it means where it is broken.
      text: what is wrong, as a clause after table, column and number of rows.
      remedy: what to do about it.
      sets_aside: the rows are rejected, and `--max-bad-rows` may let the run go on
        without them. An error that sets no row aside always stops the run.
    """

    name: str
    severity: Severity
    text: str
    remedy: str
    sets_aside: bool = False


def _row_error(name: str, text: str, remedy: str) -> Rule:
    return Rule(name, Severity.ERROR, text, remedy, sets_aside=True)


def _table_error(name: str, text: str, remedy: str) -> Rule:
    return Rule(name, Severity.ERROR, text, remedy)


# Rows that cannot be used.
FIELD_COUNT: Final = _row_error(
    "field_count",
    "not as many fields as the header has",
    "put values that hold the separator or a line break in double quotes.",
)
MISSING_VALUE: Final = _row_error(
    "missing_value", "no value, where there must be one", "fill it in, or leave the row out."
)
BAD_NUMBER: Final = _row_error(
    "bad_number",
    "not a finite number",
    "write numbers as 1234.5; list texts that mean a missing value under "
    "tables.{table}.null_values.",
)
BAD_DATE: Final = _row_error(
    "bad_date",
    "not a date or time that can be read",
    "{detail}",
)
TIME_IN_GAP: Final = _row_error(
    "time_in_gap",
    "a time of day that does not exist, because clocks go forward then in {detail}",
    "correct the timezone in goalpath.yaml (exports are often in UTC), or write times "
    "with their offset.",
)
UNKNOWN_STAGE: Final = _row_error("unknown_stage", "not one of the configured stages", "{detail}")
DUPLICATE_ID: Final = _row_error(
    "duplicate_id",
    "an id that an earlier row already has",
    "keep one row for each id. (Where rows are set aside, the first one stays.)",
)
DUPLICATE_EVENT: Final = _row_error(
    "duplicate_event",
    "the same event as an earlier row, equal in every column",
    "export each event once; if it did happen twice, set tables.events.duplicates: keep.",
)
UNKNOWN_STUDENT: Final = _row_error(
    "unknown_student",
    "a student that the students table does not have",
    "add the student, or leave the row out.{detail}",
)
UNKNOWN_ENGAGEMENT: Final = _row_error(
    "unknown_engagement",
    "an engagement that the engagements table does not have",
    "add the engagement, or leave the row out.{detail}",
)
UNKNOWN_COHORT: Final = _row_error(
    "unknown_cohort",
    "a cohort that the cohorts table does not have",
    "add the cohort, or leave the value empty.{detail}",
)
STUDENT_SET_ASIDE: Final = _row_error(
    "student_set_aside",
    "a student whose own row was set aside",
    "mend the row of the student.",
)
ENGAGEMENT_SET_ASIDE: Final = _row_error(
    "engagement_set_aside",
    "an engagement whose own row was set aside",
    "mend the row of the engagement.",
)
COHORT_SET_ASIDE: Final = _row_error(
    "cohort_set_aside", "a cohort whose own row was set aside", "mend the row of the cohort."
)
IN_THE_FUTURE: Final = _row_error(
    "in_the_future",
    "in the future (now is {detail})",
    "leave out what has not happened yet, and check the timezone in goalpath.yaml.",
)
CLOSES_BEFORE_STARTS: Final = _row_error(
    "closes_before_starts", "not after the start of the cohort", "correct starts or closes."
)
ENDS_BEFORE_AVAILABLE: Final = _row_error(
    "ends_before_available",
    "not after available_from, so the engagement can never be offered",
    "correct available_from or available_to, or leave them empty.",
)

# Tables that cannot be used.
MISSING_TABLE: Final = _table_error("missing_table", "{detail}", "{remedy}")
UNREADABLE_TABLE: Final = _table_error("unreadable_table", "{detail}", "{remedy}")
EMPTY_TABLE: Final = _table_error(
    "empty_table", "no rows", "export the rows, or check the path in goalpath.yaml."
)
NOTHING_LEFT: Final = _table_error(
    "nothing_left", "every row was set aside", "mend the rows; see the other errors."
)
MISSING_COLUMN: Final = _table_error(
    "missing_column", "the file has no such column, and it must be there", "{remedy}"
)
UNKNOWN_CONFIGURED_COLUMN: Final = _table_error(
    "unknown_configured_column",
    "goalpath.yaml names this column under {detail}, and the file does not have it",
    "{remedy}",
)
DUPLICATE_COLUMN: Final = _table_error(
    "duplicate_column", "{detail}", "keep one of the columns, or rename one in the file."
)
CONFLICTING_KIND: Final = _table_error(
    "conflicting_kind",
    "goalpath.yaml lists this column of the contract as a feature that is {detail}",
    "give it the kind that fits, or rename the feature's column.",
)
EMPTY_SPLIT_COHORT: Final = _table_error(
    "empty_split_cohort",
    "goalpath.yaml names cohorts under {detail} that no student is in",
    "correct split in goalpath.yaml, or the column cohort of the students.",
)

# What may be meant, and may be a mistake.
BLANK_ROW: Final = Rule(
    "blank_row",
    Severity.WARNING,
    "nothing in any column that is read; skipped",
    "remove blank rows from the file.",
)
UNUSED_TABLE: Final = Rule(
    "unused_table",
    Severity.WARNING,
    "the file {detail} is there, and goalpath.yaml does not list the table, so it is not read",
    "add `{table}: {{}}` under tables in goalpath.yaml to use it.",
)
UNUSED_FEATURES: Final = Rule(
    "unused_features",
    Severity.WARNING,
    "features of this table are configured, and only those of students and engagements are used",
    "remove features from tables.{table}.",
)
NO_RESPONSE_COLUMN: Final = Rule(
    "no_response_column",
    Severity.WARNING,
    "responses are configured, and no event has one",
    "rename the column that holds them to response under tables.events.rename.",
)
RESPONSE_NEVER_OCCURS: Final = Rule(
    "response_never_occurs",
    Severity.WARNING,
    "configured under responses, and no event has it",
    "correct the spelling in goalpath.yaml; the events have: {detail}.",
)
RESPONSE_NOT_LISTED: Final = Rule(
    "response_not_listed",
    Severity.INFO,
    "not listed under responses.active, so these events count as no activity",
    "nothing to do, unless one of them is something that a student does by own will.",
)
NO_STAGES: Final = Rule(
    "no_stages",
    Severity.WARNING,
    "no row says that a student reached a stage, so likelihood and goals cannot be learned",
    "export stage_after with the events, or a table stage_changes.",
)
STAGE_NEVER_REACHED: Final = Rule(
    "stage_never_reached",
    Severity.WARNING,
    "no row says that a student reached these stages",
    "check the spelling of stages in goalpath.yaml, or add stage_aliases.",
)
NOTHING_TO_OFFER: Final = Rule(
    "nothing_to_offer",
    Severity.WARNING,
    "an audience that no engagement is open to, so nothing can be ranked for these students",
    "give engagements this audience, or leave their audience empty to open them to all.",
)
STUDENTS_WITHOUT_EVENTS: Final = Rule(
    "students_without_events",
    Severity.INFO,
    "without a single event; they are predicted from profile, stage and calendar alone",
    "nothing to do, unless events are missing.",
)
AMBIGUOUS_TIME: Final = Rule(
    "ambiguous_time",
    Severity.INFO,
    "a time that occurs twice, because clocks go back then in {detail}; the first is taken",
    "write times with their offset, or in UTC, if the hour matters.",
)
COLUMN_REPLACED: Final = Rule(
    "column_replaced",
    Severity.INFO,
    "a column of this name is in the file and not used: {detail} takes its name by rename",
    "nothing to do, if that is what you mean.",
)
EMPTY_OPTIONAL_TABLE: Final = Rule(
    "empty_optional_table",
    Severity.WARNING,
    "no rows",
    "remove tables.{table} from goalpath.yaml, or export the rows.",
)
EMPTY_FEATURE: Final = Rule(
    "empty_feature",
    Severity.WARNING,
    "configured as a feature, and empty in every row",
    "remove it from tables.{table}.features, or export it.",
)
