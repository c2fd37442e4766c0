"""What the validator found: one entry a check, with the values compared."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

REPORT_FILE: Final = "report.json"
TEXT_FILE: Final = "report.txt"
_SHOWN: Final = 5

Values = Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Attributes:
      name: of the check; stable, tests and pages refer to it.
      passed: whether the bundle may be pushed as far as this check goes.
      detail: one sentence: what was compared, and what was found.
      values: the numbers behind it.
      remedy: what to do about a failure.
    """

    name: str
    passed: bool
    detail: str
    values: Values = dataclasses.field(default_factory=dict)
    remedy: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """All checks of one bundle.

    Attributes:
      checks: in the order they ran.
      isolation: how the trainer's folders were kept out of reach.
    """

    checks: tuple[CheckResult, ...]
    isolation: str = ""

    @property
    def blessed(self) -> bool:
        """Whether there were checks, and all passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def text(self) -> str:
        """The report for a person: the verdict, then a line a check, failures first."""
        failed = failed_names(self.checks)
        verdict = f"rejected: {', '.join(failed) or 'nothing was checked'}"
        lines = ["blessed" if self.blessed else verdict, f"inspected in: {self.isolation}"]
        for check in sorted(self.checks, key=lambda check: check.passed):
            lines.append(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.detail}")
            if check.remedy and not check.passed:
                lines.append(f"        Remedy: {check.remedy}")
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> None:
        """Writes the report as JSON."""
        content = {
            "blessed": self.blessed,
            "isolation": self.isolation,
            "checks": [dataclasses.asdict(check) for check in self.checks],
        }
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Report:
        """Reads what `write` wrote.

        Raises:
          OSError: the file cannot be read.
          ValueError: it is no report.
        """
        content = json.loads(path.read_text(encoding="utf-8"))
        checks = tuple(CheckResult(**check) for check in content["checks"])
        return cls(checks, str(content["isolation"]))


def from_problems(
    name: str, problems: Sequence[str], fine: str, *, remedy: str = "", values: Values | None = None
) -> CheckResult:
    """A check that passes where there is no problem, and else lists the first few."""
    if not problems:
        return CheckResult(name, True, fine, values or {})
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    detail = "; ".join(problems[:_SHOWN]) + more
    return CheckResult(name, False, detail, values or {}, remedy)


def together(name: str, results: Sequence[CheckResult]) -> CheckResult:
    """Several checks as one, which passes where all do."""
    failed = [result for result in results if not result.passed]
    details = dict.fromkeys(result.detail for result in failed or results)
    values = {key: value for result in results for key, value in result.values.items()}
    remedies = dict.fromkeys(result.remedy for result in failed if result.remedy)
    return CheckResult(name, not failed, "; ".join(details), values, " ".join(remedies))


def guarded(name: str, check: Callable[[], CheckResult]) -> CheckResult:
    """Runs a check; whatever it raises is a failure of the bundle, said in full."""
    try:
        return check()
    except Exception as error:  # a broken export can raise anything at all
        message = " ".join(str(error).split())
        return CheckResult(
            name, False, f"{type(error).__name__}: {message}", {}, "export the model again."
        )


def failed_names(checks: Iterable[CheckResult]) -> list[str]:
    """The names of the checks that failed, in order."""
    return [check.name for check in checks if not check.passed]
