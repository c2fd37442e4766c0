"""docs/model-validator.md names every check, in the order they run, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from components.model_validator.inspection import GOLDEN_PREFIX, Inspection
from components.model_validator.request import Bounds, Request

DOCUMENT = Path(__file__).parents[3] / "docs" / "model-validator.md"


def test_the_document_lists_the_checks() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", DOCUMENT.read_text(), re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    checks = Inspection(Request("", {}, (), Bounds(), "")).checks()
    short = [re.sub(f"^{GOLDEN_PREFIX}.*", f"{GOLDEN_PREFIX}<signature>", name) for name in checks]
    assert listed == list(dict.fromkeys(short))
