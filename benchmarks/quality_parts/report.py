"""`QUALITY.md`, written from `QUALITY.json` alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.quality_parts import asked, figures, probability_views, ranking_views
from benchmarks.quality_parts.asked import Results, number, with_interval
from schemas import names

_DATA_SETS: Final = "data_sets"
_VIEW_TITLES: Final[Mapping[str, str]] = {
    probability_views.POOLED: "all snapshots",
    probability_views.ACTIVE: "active in the last 14 days",
    probability_views.NO_EVENT: "no event yet",
    probability_views.ONE_EVENT: "one event",
    probability_views.GIVEN: "an engagement is met next",
    ranking_views.ALL: "all lists",
    ranking_views.NEW: "engagements first seen after training, among themselves",
    ranking_views.NEW_AMONG_ALL: "engagements first seen after training, among all",
}
_METRIC_TITLES: Final[Mapping[str, str]] = {
    figures.AUC: "AUC",
    figures.STRATA_AUC: "AUC within strata",
    figures.LOG_LOSS: "log loss",
    figures.BRIER: "Brier",
    figures.ECE: "ECE",
    **asked.RANKING_TITLES,
}
_INTRODUCTION: Final = """\
# Quality

Written by `benchmarks/quality.py` from `QUALITY.json`; do not edit.

Our model, as the bundle's `serving_default` answers, against peers that were trained on the
same training split, tuned on the same calibration split and asked about the same snapshots.
In brackets: 95 % intervals by resampling students, the same resamples for all methods (ECE
grows by resampling, so its intervals lie high). Differences are ours less the best peer's,
which is chosen after the fact, figure by figure.

- **Within strata**: pairs of snapshots of the same cohort, week and stage alone, so that
  nothing is won by knowing the calendar.
- **ECE**: 15 bins of equal mass. **By chance**: what the ECE would be if our probabilities
  were the truth, labels being independent; a slice cannot be expected to have less.
- **Told the engagement**: LightGBM gets the features of the engagement met next, and ours is
  `likelihood_given` or `risk_given` of it.
- **Ranking**: over all eligible engagements, graded as the Evaluator grades; equal scores
  earn what their random order would.
- LightGBM: random search, each trial stopped early, on every scalar of the state, weekly
  activity, counts by type and response, last event, stage, calendar, profile. LambdaRank: all
  candidate features, the scalars of the student, agreement of categories; the search also draws
  a correction for sampled negatives. Phases of the calendar that name a
  cohort in training are left out, as in our model. Item-kNN and ALS are
  fitted anew for each day on everything before it.
"""


def add_results(path: Path, name: str, results: Results) -> None:
    """Puts the results of a data set into the JSON, and writes the Markdown beside it.

    Args:
      path: of the JSON; made where it is not there.
      name: of the data set; an entry of that name is replaced.
      results: JSON of the data set.
    """
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    data_sets = {**content.get(_DATA_SETS, {}), name: results}
    content = {_DATA_SETS: dict(sorted(data_sets.items()))}
    _write(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
    _write(path.with_suffix(".md"), render(content[_DATA_SETS]))


def render(data_sets: Mapping[str, Results]) -> str:
    """The Markdown of all data sets."""
    return "\n".join([_INTRODUCTION, *(_section(name, each) for name, each in data_sets.items())])


def describe(name: str, results: Results) -> str:
    """The section of one data set."""
    return _section(name, results)


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _section(name: str, results: Results) -> str:
    parts = [f"## {name}\n", _about(results), _asked(results)]
    for head in (names.LIKELIHOOD, names.RISK):
        parts += [f"### {head.capitalize()}\n", *_views(results[head])]
        parts += [_slices(results["slices"][head], head), _truth(results["truth"].get(head))]
    parts += ["### Ranking\n", *_views(results["ranking"])]
    return "\n".join(part for part in parts if part)


def _about(results: Results) -> str:
    splits = "; ".join(
        f"{split} {count['snapshots']:,} snapshots of {count['students']:,} students"
        for split, count in results["splits"].items()
    )
    return (
        f"Data as of {results['as_of'][:10]}, version {results['version']}. {splits}. "
        f"{results['trials']} trials a search, {results['resamples']} resamples.\n"
    )


def _asked(results: Results) -> str:
    rows = [
        (line.figure, line.ours, line.against, line.difference, _verdict(line))
        for line in asked.what_was_asked(results)
    ]
    return _table(("asked for", "ours", "against", "difference", "met"), rows)


def _verdict(line: asked.Asked) -> str:
    word = "yes" if line.met else "**no**"
    return word if line.sure is None or line.sure == line.met else f"{word}, within the interval"


def _views(views: Mapping[str, Results]) -> Iterable[str]:
    for view, entry in views.items():
        metrics = entry["metrics"]
        if not metrics:
            yield f"*{_VIEW_TITLES[view]}*: none.\n"
            continue
        about = ", ".join(f"{entry[key]:,} {key}" for key in _COUNTS if key in entry)
        yield f"*{_VIEW_TITLES[view]}*: {about}.\n"
        methods = list(next(iter(metrics.values()))["methods"])
        rows = [
            (method, *(with_interval(metrics[metric]["methods"][method]) for metric in metrics))
            for method in methods
        ]
        rows.append(("*ours less the best peer*", *(_difference(m) for m in metrics.values())))
        yield _table(("", *(_METRIC_TITLES[metric] for metric in metrics)), rows)


_COUNTS: Final = ("rows", "lists", "students", "positives", "candidates")


def _difference(entry: Results) -> str:
    if "differences" not in entry:
        return asked.NONE
    peer = entry["best_peer"]
    return f"{with_interval(entry['differences'][peer], signed=True)}, {peer}"


def _slices(slices: Sequence[Results], head: str) -> str:
    if not slices:
        return ""
    methods = sorted({method for entry in slices for method in entry["ece"]})
    methods.sort(key=lambda method: method != figures.OURS)
    rows = [
        (
            f"{entry['slice']} {entry['value'] or '(none)'}",
            f"{entry['rows']:,}",
            *(number(entry["ece"].get(method)) for method in methods),
            number(entry["noise"]),
        )
        for entry in slices
    ]
    title = f"*ECE by slice, {probability_views.SLICE_ROWS} snapshots or more*\n"
    return title + "\n" + _table(("slice", "snapshots", *methods, "by chance"), rows)


def _truth(truth: Any) -> str:
    if truth is None:
        return ""
    rows = [
        (
            method,
            number(entry["correlation"]),
            number(entry["mean_absolute_error"]),
            number(entry["mean_error"], signed=True),
        )
        for method, entry in truth["methods"].items()
    ]
    short = truth["short_of_truth"]
    title = (
        f"*Against the truth*, {truth['rows']:,} snapshots: our AUC is short of the truth's by "
        f"{with_interval(short[figures.AUC])}, within strata by "
        f"{with_interval(short[figures.STRATA_AUC])}.\n"
    )
    headings = ("", "correlation", "mean absolute error", "mean error")
    return title + "\n" + _table(headings, rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
