from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from schemas import raw_batches
from schemas.config import TableConfig
from schemas.errors import DataError
from schemas.raw_batches import MalformedRow

PLAIN = TableConfig()


def read(
    path: Path, columns: list[str], entry: TableConfig = PLAIN, batch_rows: int = 100
) -> tuple[list[tuple[object, ...]], list[MalformedRow]]:
    batches = list(raw_batches.iter_raw_batches(path, entry, columns, batch_rows))
    rows = [row for batch in batches for row in batch.frame.rows()]
    return rows, [bad for batch in batches for bad in batch.malformed]


def write(tmp_path: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def header_and_rows(path: Path) -> None:
    raw_batches.read_header(path, PLAIN)
    read(path, ["b"])


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
@pytest.mark.parametrize("block_bytes", [12, 1 << 20])
def test_rows_keep_their_numbers_around_malformed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int, block_bytes: int
) -> None:
    monkeypatch.setattr(raw_batches, "_BLOCK_BYTES", block_bytes)
    path = write(tmp_path, 'a,b,c\n1,2,3\n1,2,3,4\n"x\ny",5,6\n7,8\n\n9,10,11\n')
    rows, malformed = read(path, ["a", "c"], batch_rows=batch_rows)
    assert rows == [(1, "1", "3"), (3, "x\ny", "6"), (5, "", ""), (6, "9", "11")]
    assert malformed == [MalformedRow(2, 4, "1,2,3,4"), MalformedRow(4, 2, "7,8")]


def test_a_file_of_malformed_rows_alone_is_reported(tmp_path: Path) -> None:
    rows, malformed = read(write(tmp_path, "a,b\n1\n2\n"), ["a"])
    assert rows == []
    assert [bad.row for bad in malformed] == [1, 2]


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c\n1,2,3\n")
    assert read(path, ["c"])[0] == [(1, "3")]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_byte_order_mark_quotes_and_line_ends(tmp_path: Path, name: str) -> None:
    content = b'\xef\xbb\xbf"id","note"\r\n1,"say ""hi"", then go"\r\n'
    path = write(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    assert raw_batches.read_header(path, PLAIN) == ("id", "note")
    assert read(path, ["id", "note"])[0] == [(1, "1", 'say "hi", then go')]


def test_separator_and_encoding_of_the_entry_are_used(tmp_path: Path) -> None:
    path = write(tmp_path, "id;name\n1;Müller\n".encode("windows-1252"))
    entry = TableConfig(separator=";", encoding="windows-1252")
    assert raw_batches.read_header(path, entry) == ("id", "name")
    assert read(path, ["name"], entry)[0] == [(1, "Müller")]


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a,b\n"), ["a"]) == ([], [])


def test_parquet_rows_are_numbered_from_one(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [10, 20, 30], "b": ["x", "y", None]}).write_parquet(path)
    assert raw_batches.read_header(path, PLAIN) == ("a", "b")
    assert read(path, ["b"], batch_rows=2)[0] == [(1, "x"), (2, "y"), (3, None)]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "t.csv", "an empty file"),
        (b"\n1,2\n", "t.csv", "an empty first line"),
        (b"no parquet", "t.parquet", "check that this is a Parquet file"),
        (b"no gzip", "t.csv.gz", "must be readable"),
        ("a,b\n1,Müller\n".encode("latin-1"), "t.csv", "encoding: windows-1252"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv", "not utf-8"),
    ],
)
def test_unreadable_files_say_why(tmp_path: Path, content: bytes, name: str, message: str) -> None:
    path = write(tmp_path, content, name)
    with pytest.raises(DataError, match=message) as caught:
        header_and_rows(path)
    assert str(path) in str(caught.value)


def test_a_truncated_gzip_file_is_an_error(tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,2\n" % i for i in range(50_000)))
    path = write(tmp_path, whole[: len(whole) // 2], "t.csv.gz")
    with pytest.raises(DataError, match="must be readable"):
        read(path, ["a"])


def test_an_unknown_encoding_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, "a\n1\n")
    with pytest.raises(DataError, match="unknown encoding"):
        raw_batches.read_header(path, TableConfig(encoding="no-such"))


def test_another_separator_is_recognised() -> None:
    assert "';'" in raw_batches.separator_hint(("a;b",), PLAIN)
    assert raw_batches.separator_hint(("a", "b"), PLAIN) == ""
    assert raw_batches.separator_hint(("a",), PLAIN) == ""
