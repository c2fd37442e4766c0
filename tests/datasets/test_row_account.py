"""Rows are counted for the first reason against them."""

from __future__ import annotations

import polars as pl
import pytest

from datasets.row_account import RowAccount, keep_rows


def test_the_first_reason_counts_and_null_speaks_against_nothing():
    frame = pl.DataFrame({"x": [1, 2, 3, None, 5, 6]})
    kept, account = keep_rows(
        frame, "file", [("even", pl.col("x") % 2 == 0), ("large", pl.col("x") > 4)]
    )
    assert kept["x"].to_list() == [1, 3, None]
    assert account == RowAccount("file", read=6, used=3, left_out={"even": 2, "large": 1})


def test_no_rows():
    kept, account = keep_rows(pl.DataFrame({"x": []}), "file", [("any", pl.lit(True))])
    assert (kept.height, account) == (0, RowAccount("file", 0, 0, {}))


def test_rows_unaccounted_for_are_refused():
    with pytest.raises(ValueError, match="file: 3 rows read, 2 accounted for"):
        RowAccount("file", read=3, used=1, left_out={"odd": 1})
