"""The numbers that the heads are asked to reach, and whether they do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.quality_parts import figures, probability_views, ranking_views
from schemas import names

Results = Mapping[str, Any]  # the JSON of one data set

NONE: Final = "-"
MAX_ECE: Final = 0.02
MAX_SLICE_ECE: Final = 0.04
MIN_RANKING_LEAD: Final = 0.03
MAX_SHORT_OF_TRUTH: Final = 0.01


@dataclasses.dataclass(frozen=True)
class Asked:
    """One line.

    Attributes:
      figure: what is measured.
      ours: our figure.
      against: the best peer with its figure, or the bound.
      difference: ours less the peer's, with its interval; "" against a bound.
      met: by the point estimate.
      sure: the whole interval meets it; None against a bound.
    """

    figure: str
    ours: str
    against: str
    difference: str
    met: bool
    sure: bool | None = None


def what_was_asked(results: Results) -> list[Asked]:
    """Every number asked for that these results have."""
    lines = []
    for head in (names.LIKELIHOOD, names.RISK):
        views = results[head]
        for view, metric in _COMPARED:
            entry = views[view]["metrics"].get(metric)
            for peer in _to_beat(entry):
                title = f"{head}, {TITLES[view, metric]}"
                lines.append(_against_peer(title, metric, entry, peer))
        lines += _bounds(head, results)
    for metric in (figures.NDCG, figures.RECALL):
        entry = results["ranking"][ranking_views.ALL]["metrics"].get(metric)
        lines += [_lead(metric, entry, peer) for peer in _to_beat(entry)]
    return lines


def _to_beat(entry: Results | None) -> list[str]:
    """LightGBM, and the best peer where that is another."""
    return list(entry["differences"]) if entry and "differences" in entry else []


_COMPARED: Final = (
    (probability_views.POOLED, figures.AUC),
    (probability_views.POOLED, figures.STRATA_AUC),
    (probability_views.ACTIVE, figures.AUC),
    (probability_views.POOLED, figures.LOG_LOSS),
)
TITLES: Final[Mapping[tuple[str, str], str]] = {
    (probability_views.POOLED, figures.AUC): "AUC",
    (probability_views.POOLED, figures.STRATA_AUC): "AUC within strata",
    (probability_views.ACTIVE, figures.AUC): "AUC, active in 14 days",
    (probability_views.POOLED, figures.LOG_LOSS): "log loss",
}


def _against_peer(title: str, metric: str, entry: Results, peer: str) -> Asked:
    sign = -1 if metric in figures.LOWER_IS_BETTER else 1
    value, low, high = entry["differences"][peer]
    ends = [sign * end for end in (low, high) if end is not None]
    return Asked(
        title,
        number(entry["methods"][figures.OURS][0]),
        f"{number(entry['methods'][peer][0])} ({peer})",
        with_interval(entry["differences"][peer], signed=True),
        sign * value > 0,
        bool(ends) and min(ends) > 0,
    )


def _bounds(head: str, results: Results) -> list[Asked]:
    lines = []
    pooled = results[head][probability_views.POOLED]["metrics"].get(figures.ECE)
    if pooled:
        error = pooled["methods"][figures.OURS][0]
        lines.append(
            Asked(f"{head}, ECE", number(error), f"at most {MAX_ECE}", "", error <= MAX_ECE)
        )
    slices = results["slices"][head]
    if slices:
        worst = slices[0]
        error = worst["ece"][figures.OURS]
        where = f"{worst['slice']} {worst['value'] or '(none)'}"
        lines.append(
            Asked(
                f"{head}, ECE of the worst slice ({where})",
                number(error),
                f"at most {MAX_SLICE_ECE} (chance alone: {number(worst['noise'])})",
                "",
                error <= MAX_SLICE_ECE,
            )
        )
    truth = results["truth"].get(head)
    if truth:
        value, _, high = truth["short_of_truth"][figures.AUC]
        lines.append(
            Asked(
                f"{head}, AUC short of the truth's",
                with_interval(truth["short_of_truth"][figures.AUC]),
                f"at most {MAX_SHORT_OF_TRUTH}",
                "",
                value <= MAX_SHORT_OF_TRUTH,
                high is not None and high <= MAX_SHORT_OF_TRUTH,
            )
        )
    return lines


def _lead(metric: str, entry: Results, peer: str) -> Asked:
    ours, theirs = (entry["methods"][method][0] for method in (figures.OURS, peer))
    low = entry["differences"][peer][1]
    return Asked(
        f"ranking, {RANKING_TITLES[metric]}",
        number(ours),
        f"3 % above {number(theirs)} ({peer})",
        f"{ours / theirs - 1:+.1%}; " + with_interval(entry["differences"][peer], signed=True),
        ours >= theirs * (1 + MIN_RANKING_LEAD),
        low is not None and low >= theirs * MIN_RANKING_LEAD,
    )


RANKING_TITLES: Final[Mapping[str, str]] = {
    figures.NDCG: "NDCG@10",
    figures.RECALL: "recall@10",
}


def number(value: float | None, *, signed: bool = False) -> str:
    """Four decimal places, without the zero before the point; a dash for None."""
    if value is None:
        return NONE
    text = f"{value:+.4f}" if signed else f"{value:.4f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def with_interval(triple: list[float | None], *, signed: bool = False) -> str:
    """`.7012 (.6950 to .7068)`."""
    value, low, high = triple
    if low is None or high is None:
        return number(value, signed=signed)
    ends = f"{number(low, signed=signed)} to {number(high, signed=signed)}"
    return f"{number(value, signed=signed)} ({ends})"
