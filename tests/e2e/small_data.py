"""A small data folder of which a model is trained, blessed and pushed.

With thresholds this low five students are enough for a blessing. Forty cost no more,
since building graphs is what takes the time, and both labels of every head occur.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from datasets.simulator.simulate import simulate
from datasets.simulator.table_writer import TableFormat

STUDENTS: Final = 40
WEEKS: Final = 26
SEED: Final = 7
EARLIER: Final = "2025-02-17"
"""Two weeks before the data end: `--as-of` of the runs that are not killed."""
NEWCOMER: Final = "N000001"
"""Entered, and met nothing yet."""
UNSEEN: Final = "N000002"
"""Has neither a date of entry nor an event."""
BAD_ROWS: Final = 2
CONFIG: Final = """
name: small
stages: [Awareness, Interest, Consideration, Application, Enrollment]
default_goal: Application
tables:
  students: {features: {programme: categorical, gpa: numeric}}
  engagements: {features: {topic: categorical, cost: numeric}}
  stage_changes: {}
horizons: {likelihood_days: 14, risk_days: 14, goal_days: 28}
responses:
  active: [clicked, replied, booked, attended, visited]
  grades: {replied: 2, booked: 2, attended: 3}
  lost: [unsubscribed]
ranking: {negatives: 12}
snapshots: {history_length: 8}
training:
  epochs: 1
  batch_size: 32
  learning_rate: 0.01
  embedding_dim: 8
  hidden_units: [16]
  candidate_units: [16]
  head_units: [8]
"""
LENIENT: Final = """
evaluation:
  min_likelihood_auc: 0
  min_risk_auc: 0
  min_ndcg_at_10: 0
  min_log_loss_skill: null
  beat_simple_peers: false
  max_auc_drop: 1
  max_ndcg_drop: 1
"""
IMPOSSIBLE_RISK_AUC: Final = 1.0
STRICT: Final = LENIENT.replace("min_risk_auc: 0", f"min_risk_auc: {IMPOSSIBLE_RISK_AUC}")

COMPARED: Final = LENIENT.replace("max_auc_drop: 1", "max_auc_drop: 0.02")


def write_small_data(folder: Path) -> Path:
    """Simulates, and adds two students without events and two events to be set aside."""
    simulate(
        folder,
        students=STUDENTS,
        seed=SEED,
        weeks=WEEKS,
        table_format=TableFormat.CSV,
    )
    (folder / "goalpath.yaml").write_text(CONFIG + LENIENT)
    columns = (folder / "students.csv").read_text().splitlines()[0].split(",")
    for student, entered in ((NEWCOMER, "2025-02-12"), (UNSEEN, "")):
        values = {"student_id": student, "audience": "undergraduate", "entered_at": entered}
        _append(folder / "students.csv", ",".join(values.get(name, "") for name in columns))
    header, first, *_ = (folder / "events.csv").read_text().splitlines()
    _append(folder / "events.csv", first)
    _append(folder / "events.csv", _replace(header, first, engagement_id="E9999"))
    return folder


def stricter_copy(data: Path, folder: Path) -> Path:
    """The same tables, and a threshold that no model of them reaches."""
    shutil.copytree(data, folder)
    (folder / "goalpath.yaml").write_text(CONFIG + STRICT)
    return folder


def worse_copy(data: Path, folder: Path) -> Path:
    """The same tables, a trainer that learns nothing, and no threshold but the baseline."""
    shutil.copytree(data, folder)
    trained = CONFIG.replace("learning_rate: 0.01", "learning_rate: 1.0e-12")
    assert trained != CONFIG
    (folder / "goalpath.yaml").write_text(trained + COMPARED)
    return folder


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _replace(header: str, row: str, **values: str) -> str:
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    return ",".join({**cells, **values}.values())
