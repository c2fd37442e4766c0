"""Progress is told at most once an interval, and the file is always whole."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from schemas import names
from trainer.progress import LOGGER, FileProgress


def test_steps_are_written_when_the_interval_has_passed(tmp_path: Path) -> None:
    now = [50.0]
    folder = tmp_path / "run"
    progress = FileProgress(str(folder), interval=2.0, clock=lambda: now[0])
    written = []
    for step, at in enumerate((50.0, 51.9, 52.0, 53.0, 60.0), start=1):
        now[0] = at
        progress.step(epoch=1, epochs=3, step=step, steps=9)
        written.append(json.loads((folder / names.PROGRESS_FILE).read_text())["step"])
    assert written == [1, 1, 3, 3, 5]
    assert [path.name for path in folder.iterdir()] == [names.PROGRESS_FILE]
    content = json.loads((folder / names.PROGRESS_FILE).read_text())
    assert content == {"epoch": 1, "epochs": 3, "step": 5, "steps": 9}


def test_an_epoch_is_written_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    progress = FileProgress(str(tmp_path), clock=lambda: 0.0)
    with caplog.at_level(logging.INFO, logger=LOGGER):
        progress.epoch(epoch=2, epochs=3, loss=1.25, validation_loss=1.5)
    content = json.loads((tmp_path / names.PROGRESS_FILE).read_text())
    assert content == {"epoch": 2, "epochs": 3, "loss": 1.25, "validation_loss": 1.5}
    assert caplog.messages == ["epoch 2 of 3: loss 1.2500, on the calibration split 1.5000"]
