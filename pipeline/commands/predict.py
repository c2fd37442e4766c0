"""`goalpath predict`: likelihood and risk of one student, or a goal, from the pushed model."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from pipeline.goal_text import insight_lines
from pipeline.pushed_version import any_student_option, open_pushed, out_option, student_option
from schemas.errors import InputError
from schemas.goal_answers import ConversionInsights
from serving.goal_states import read_advisor
from serving.versions import Version


@click.command("predict")
@out_option
@student_option
@any_student_option
@click.option("--engagement", metavar="ID", help="Also answer as if this came next.")
@click.option("--goal", metavar="STAGE", help="Ask about this stage instead, with reasons.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *,
    out: Path,
    student: str | None,
    any_student: bool,
    engagement: str | None,
    goal: str | None,
    as_json: bool,
) -> None:
    """Predict the next step and the risk of one student.

    The answer is of the newest pushed model and of the student's state as of its run.
    """
    if goal is not None and engagement is not None:
        raise InputError(
            "--goal and --engagement cannot be asked about at once.",
            remedy="`goalpath recommend --goal STAGE` compares engagements for a goal.",
        )
    version, model, state = open_pushed(out, student=student, any_student=any_student)
    if goal is not None:
        advisor = read_advisor(version.model_dir)
        _tell(version, advisor.conversion_insights(model.goal_state(state), goal), as_json)
        return
    prediction = model.predict(state, engagement)
    if as_json:
        answer = {**dataclasses.asdict(prediction), "version": version.number}
        click.echo(json.dumps({**answer, "as_of": version.as_of}, indent=2))
        return
    click.echo(f"Student {prediction.student_id}, stage {prediction.stage}, as of {version.as_of}")
    next_step = f"next step within {prediction.likelihood_days} days"
    lost = f"lost or silent for {prediction.risk_days} days"
    click.echo(f"  {next_step:<28}{prediction.likelihood:6.1%}")
    click.echo(f"  {lost:<28}{prediction.risk:6.1%}  ({prediction.risk_level})")
    if prediction.given is not None:
        given = prediction.given
        note = "" if given.eligible else "  (not open to the student now)"
        click.echo(f"  were {given.engagement_id} next{note}")
        click.echo(f"    {'next step':<26}{given.likelihood:6.1%}")
        click.echo(f"    {'lost or silent':<26}{given.risk:6.1%}")
        click.echo(f"    {'ranking score':<26}{given.ranking_score:6.3f}")
    click.echo(f"Answered by {prediction.prediction_method}, version {version.number}")


def _tell(version: Version, insights: ConversionInsights, as_json: bool) -> None:
    told = insights.readiness.prediction
    if as_json:
        answer = {**dataclasses.asdict(insights), "version": version.number}
        click.echo(json.dumps({**answer, "as_of": version.as_of}, indent=2))
        return
    click.echo(f"Student {told.student_id}, stage {told.stage}, as of {version.as_of}")
    for line in insight_lines(insights):
        click.echo(line)
    click.echo(f"Answered by {told.prediction_method}, version {version.number}")
