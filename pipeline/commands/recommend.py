"""`goalpath recommend`: what to send to one student, from the pushed model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.goal_text import recommendation_lines
from pipeline.pushed_version import any_student_option, open_pushed, out_option, student_option
from schemas.goal_answers import GoalRecommendation
from serving.goal_states import read_advisor
from serving.versions import Version


@click.command("recommend")
@out_option
@student_option
@any_student_option
@click.option("--top-k", default=10, show_default=True, type=click.IntRange(min=1))
@click.option("--goal", metavar="STAGE", help="Order by what goes with reaching this stage.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *,
    out: Path,
    student: str | None,
    any_student: bool,
    top_k: int,
    goal: str | None,
    as_json: bool,
) -> None:
    """Rank the engagements that are open to one student.

    First is what the model expects the student to respond to most; with --goal, what
    goes with the highest likelihood to reach it.
    """
    version, model, state = open_pushed(out, student=student, any_student=any_student)
    if goal is not None:
        advisor = read_advisor(version.model_dir)
        best = advisor.recommend_for_goal(model.goal_state(state), goal, top_k)
        _tell(version, state.student_id, goal, best, as_json)
        return
    ranked = model.recommend(state, top_k)
    if as_json:
        answer = {
            "student_id": state.student_id,
            "version": version.number,
            "as_of": version.as_of,
            "prediction_method": "full_model",
            "recommendations": [dataclasses.asdict(entry) for entry in ranked],
        }
        click.echo(json.dumps(answer, indent=2))
        return
    click.echo(f"For student {state.student_id}, as of {version.as_of}")
    if not ranked:
        click.echo("  no engagement is open to this student now")
    for entry in ranked:
        click.echo(
            f"  {entry.rank:3d}  {entry.engagement_id:<16} {entry.engagement_type:<20}"
            f" {entry.score:8.3f}"
        )
    click.echo(f"Answered by full_model, version {version.number}")


def _tell(
    version: Version,
    student_id: str,
    goal: str,
    ranked: Sequence[GoalRecommendation],
    as_json: bool,
) -> None:
    if as_json:
        answer = {
            "student_id": student_id,
            "goal": goal,
            "version": version.number,
            "as_of": version.as_of,
            "prediction_method": "full_model",
            "recommendations": [dataclasses.asdict(each) for each in ranked],
        }
        click.echo(json.dumps(answer, indent=2))
        return
    click.echo(f"For student {student_id} to reach {goal}, as of {version.as_of}")
    for line in recommendation_lines(goal, ranked):
        click.echo(line)
    click.echo(f"Answered by full_model, version {version.number}")
