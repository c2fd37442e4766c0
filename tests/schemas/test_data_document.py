"""docs/data.md says what the code does."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pydantic
import pytest
import yaml

from pipeline import cli
from schemas import rules
from schemas.config import GoalpathConfig, TableConfig, TablesConfig, load_config

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "data.md").read_text(encoding="utf-8")
NO_DEFAULT = "required"


def block(heading: str, language: str) -> str:
    """The first fenced block of a language after a piece of text."""
    after = TEXT.partition(heading)[2]
    found = re.search(rf"```{language}\n(.*?)```", after, re.DOTALL)
    assert found, heading
    return found.group(1)


def models_in(annotation: object) -> Iterator[type[pydantic.BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from models_in(argument)


def leaf_keys(model: type[pydantic.BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted keys with their defaults as YAML would give them."""
    for name, field in model.model_fields.items():
        inner = list(models_in(field.annotation))
        if field.annotation is TablesConfig:
            yield from leaf_keys(TableConfig, "tables.<table>.")
        elif inner:
            for part in inner:
                yield from leaf_keys(part, f"{prefix}{name}.")
        elif field.is_required():
            yield prefix + name, NO_DEFAULT
        else:
            default = field.get_default(call_default_factory=True)
            plain = pydantic.TypeAdapter(typing.Any).dump_python(default, mode="json")
            yield prefix + name, plain


KEYS = {**dict(leaf_keys(GoalpathConfig)), "tables.events.duplicates": "reject"}
# The two ways to split have this key each; the one without a default needs it written.
KEYS["split.method"] = "time"


@pytest.fixture
def documented() -> dict[str, str]:
    rows = re.findall(
        r"^\| `([\w.<>]+)` \| ([^|]*) \|", TEXT.partition("## goalpath.yaml")[2], re.M
    )
    return {key: default.strip() for key, default in rows}


def test_every_key_is_documented_and_no_other(documented: dict[str, str]) -> None:
    assert set(documented) == set(KEYS)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_defaults_are_those_of_the_code(documented: dict[str, str], key: str) -> None:
    default, told = KEYS[key], documented[key]
    if default == NO_DEFAULT:
        assert told == NO_DEFAULT
    elif default is None:
        assert told == "none"
    elif key.endswith(".separator"):
        assert told == f"`{default}`"
    else:
        assert yaml.safe_load(told.strip("`")) == default


def test_every_rule_is_documented_and_no_other() -> None:
    table = TEXT.partition("rule in `--json`")[2].partition("## goalpath.yaml")[0]
    told = re.findall(r"^\| `(\w+)` \| (error|warning|note)", table, re.M)
    words = {"error": "error", "warning": "warning", "info": "note"}
    known = {
        rule.name: words[rule.severity.value]
        for rule in vars(rules).values()
        if isinstance(rule, rules.Rule)
    }
    assert dict(told) == known


def test_the_example_prints_what_the_document_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "goalpath.yaml").write_text(block("## In two minutes", "yaml"))
    for name in ("students.csv", "engagements.csv", "events.csv"):
        (data / name).write_text(block(f"\n`{name}`\n", "csv"))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["validate", "--data", "data", "--quarantine", "rejected"]) == 2
    assert capsys.readouterr().out == block("## What a check says", "text")
    rejected = (tmp_path / "rejected" / "events.csv").read_text()
    assert rejected == block("`rejected/events.csv`", "csv")


def test_the_example_of_an_export_is_part_of_its_file() -> None:
    shown = yaml.safe_load(block("## An export, read as it is", "yaml"))
    whole = load_config(DOCS / "examples" / "crm-export").model_dump(mode="json")
    assert set(shown["stage_aliases"].items()) <= set(whole["stage_aliases"].items())
    for table, entry in shown["tables"].items():
        for key, value in entry.items():
            there = whole["tables"][table][key]
            assert there == value or set(value.items()) <= set(there.items())
