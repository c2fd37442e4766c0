from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import instants
from schemas.errors import ConfigError


def micros(*parts: int) -> int:
    moment = dt.datetime(*parts, tzinfo=dt.timezone.utc)  # type: ignore[arg-type, misc]
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def read(
    values: list[str | None], date_format: str | None = None, zone: str = "UTC"
) -> instants.Instants:
    return instants.read_instants(pl.Series(values, dtype=pl.String), date_format, zone)


def test_reads_iso_8601_in_all_its_usual_forms_in_one_column() -> None:
    got = read(
        [
            "2024-01-02",
            "2024-01-02 03:04:05",
            "2024-01-02T03:04:05",
            "2024-01-02 03:04",
            "2024-01-02T03:04:05.25Z",
            "2024-01-02T03:04:05+02:00",
            "2024-01-02 03:04:05-0530",
            None,
        ]
    )
    assert got.values.to_list() == [
        micros(2024, 1, 2),
        micros(2024, 1, 2, 3, 4, 5),
        micros(2024, 1, 2, 3, 4, 5),
        micros(2024, 1, 2, 3, 4),
        micros(2024, 1, 2, 3, 4, 5, 250_000),
        micros(2024, 1, 2, 1, 4, 5),
        micros(2024, 1, 2, 8, 34, 5),
        None,
    ]
    assert not got.bad.any()


def test_a_value_that_is_no_date_is_bad_and_null() -> None:
    got = read(["2024-02-30", "soon", "31/12/2024", "2024-01-01"])
    assert got.bad.to_list() == [True, True, True, False]
    assert got.values.to_list() == [None, None, None, micros(2024, 1, 1)]


def test_a_two_digit_year_is_not_taken_for_the_first_century() -> None:
    assert read(["31/12/24"], "%d/%m/%Y").bad.to_list() == [True]
    assert read(["31/12/24"], "%d/%m/%y").values.to_list() == [micros(2024, 12, 31)]


def test_local_times_are_moved_to_utc_by_the_offset_of_their_day() -> None:
    got = read(["2024-01-15 12:00:00", "2024-07-15 12:00:00"], zone="Europe/Berlin")
    assert got.values.to_list() == [micros(2024, 1, 15, 11), micros(2024, 7, 15, 10)]


def test_an_offset_in_the_text_wins_over_the_zone() -> None:
    got = read(["2024-01-15T12:00:00Z"], zone="Europe/Berlin")
    assert got.values.to_list() == [micros(2024, 1, 15, 12)]


def test_a_time_that_clocks_skip_is_an_error() -> None:
    got = read(["2024-03-31 02:30:00", "2024-03-31 03:30:00"], zone="Europe/Berlin")
    assert got.gap.to_list() == [True, False]
    assert got.values.to_list() == [None, micros(2024, 3, 31, 1, 30)]
    assert not got.bad.any()


def test_a_time_that_occurs_twice_is_the_first_and_is_said() -> None:
    got = read(["2024-10-27 02:30:00", "2024-10-27 03:30:00"], zone="Europe/Berlin")
    assert got.ambiguous.to_list() == [True, False]
    assert got.values.to_list() == [micros(2024, 10, 27, 0, 30), micros(2024, 10, 27, 2, 30)]


def test_a_date_starts_at_one_where_midnight_is_skipped() -> None:
    # Brazil moved its clocks at midnight of 4 November 2018, from UTC-3 to UTC-2.
    got = read(["2018-11-04"], zone="America/Sao_Paulo")
    assert got.values.to_list() == [micros(2018, 11, 4, 3)]
    assert not got.gap.any()


@pytest.mark.parametrize(
    ("unit", "value"), [("epoch_s", "1704067200"), ("epoch_ms", "1704067200000")]
)
def test_numbers_since_the_epoch_are_read_where_the_format_says_so(unit: str, value: str) -> None:
    assert read([value], unit).values.to_list() == [micros(2024, 1, 1)]
    assert read([value]).bad.to_list() == [True]


def test_a_number_too_large_for_a_date_is_bad() -> None:
    assert read(["99999999999999999"], "epoch_s").bad.to_list() == [True]


def test_typed_columns() -> None:
    naive = pl.Series([dt.datetime(2024, 7, 1, 12)])
    assert instants.read_instants(naive, None, "Europe/Berlin").values.to_list() == [
        micros(2024, 7, 1, 10)
    ]
    aware = naive.dt.replace_time_zone("Asia/Tokyo").dt.cast_time_unit("ns")
    assert instants.read_instants(aware, None, "Europe/Berlin").values.to_list() == [
        micros(2024, 7, 1, 3)
    ]
    dates = pl.Series([dt.date(2024, 7, 1), None])
    assert instants.read_instants(dates, None, "Europe/Berlin").values.to_list() == [
        micros(2024, 6, 30, 22),
        None,
    ]
    integers = pl.Series([1_704_067_200_000])
    assert instants.read_instants(integers, None, "UTC").bad.to_list() == [True]
    assert instants.read_instants(integers, "epoch_ms", "UTC").values.to_list() == [
        micros(2024, 1, 1)
    ]


@given(
    st.lists(
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
        max_size=20,
    )
)
def test_what_python_writes_is_read_back(moments: list[dt.datetime]) -> None:
    got = read([moment.isoformat(" ") for moment in moments])
    epoch = dt.datetime(1970, 1, 1)
    expected = [(moment - epoch) // dt.timedelta(microseconds=1) for moment in moments]
    assert got.values.to_list() == expected


def test_an_empty_column_is_read() -> None:
    assert read([]).values.to_list() == []
    assert read([None, None]).values.to_list() == [None, None]


def test_suggests_only_formats_that_read_every_value() -> None:
    assert instants.suggest_formats(["31/12/2024", "1/2/2024"]) == ("%d/%m/%Y",)
    assert instants.suggest_formats(["1/2/2024"]) == ("%d/%m/%Y", "%m/%d/%Y")
    assert instants.suggest_formats(["31/12/2024", "soon"]) == ()
    assert instants.suggest_formats([]) == ()


def test_an_unknown_zone_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"timezone.*'Europe/Berln'.*Europe/Berlin"):
        instants.check_timezone("Europe/Berln")
    instants.check_timezone("Europe/Berlin")
