"""The result of a run in a few lines, from the content of `run.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.progress import format_seconds
from pipeline.run_summary import NOT_BLESSED, PUSHED
from schemas import names

_SHOWN: Final = {
    names.RANKING_SCORE: ("ranking", ("ndcg_at_10", "recall_at_10", "lists")),
    names.LIKELIHOOD: ("likelihood", ("auc", "pr_auc", "log_loss", "calibration_error")),
    names.RISK: ("risk", ("auc", "pr_auc", "log_loss", "calibration_error")),
}
_SPLITS: Final = (*names.SPLITS, names.SERVING)
_COUNTS: Final = frozenset({"lists"})


def describe_run(summary: Mapping[str, Any], out: Path) -> str:
    """Metrics of the heads, what was decided, and what to do next.

    Args:
      summary: content of `run.json` of a run that reached its end.
      out: the output folder as the user wrote it.
    """
    return "\n".join(
        [*_head(summary), "", *_metrics(summary), "", *_verdict(summary), *_next(summary, out)]
    )


def _head(summary: Mapping[str, Any]) -> Iterator[str]:
    found = summary["examples"]
    order = [*(split for split in _SPLITS if split in found), *(set(found) - set(_SPLITS))]
    counts = ", ".join(f"{found[split]:,} {split}" for split in order)
    yield f"Snapshots as of {summary['as_of']}: {counts}"
    set_aside = {table: rows for table, rows in summary["quarantined_rows"].items() if rows}
    if set_aside:
        rows = ", ".join(f"{count:,} of {table}" for table, count in set_aside.items())
        yield f"Rows set aside: {rows}"
    ran = sum(node["state"] == "ran" for node in summary["nodes"])
    cached = ", the others came from the cache," if ran < len(summary["nodes"]) else ""
    yield (
        f"{ran} of {len(summary['nodes'])} nodes ran{cached} "
        f"in {format_seconds(summary['seconds'])}"
    )


def _metrics(summary: Mapping[str, Any]) -> Iterator[str]:
    overall = summary["metrics"]["overall"]
    before = summary["baseline"]["metrics"].get("overall", {})
    if before:
        yield f"On the evaluation split (version {summary['baseline']['version']} in brackets):"
    else:
        yield "On the evaluation split:"
    for head, (label, metrics) in _SHOWN.items():
        cells = [
            f"{metric} {_number(metric, overall[head].get(metric))}"
            + (f" ({_number(metric, before[head].get(metric))})" if before else "")
            for metric in metrics
        ]
        yield f"  {label:<11}" + "   ".join(cells)


def _number(metric: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if metric in _COUNTS else f"{value:.3f}"


def _verdict(summary: Mapping[str, Any]) -> Iterator[str]:
    if summary["baseline"]["skipped"]:
        yield f"Not compared with the last version: {summary['baseline']['skipped']}"
    if summary["status"] == NOT_BLESSED:
        yield "Not pushed:"
        for blessing in summary["blessings"]:
            for reason in blessing["reasons"]:
                yield f"  {blessing['by']}: {reason}"
        return
    done = "Pushed" if summary["status"] == PUSHED else "Nothing new; these inputs led to"
    yield f"{done} version {summary['version']}: {summary['version_path']}"


def _next(summary: Mapping[str, Any], out: Path) -> Iterator[str]:
    if summary["status"] == NOT_BLESSED:
        yield f"All values are in {out / 'run.json'}."
        return
    yield f"Predict with: goalpath predict --out {out} --any-student"
