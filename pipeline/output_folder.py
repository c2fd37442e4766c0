"""Where a run puts what."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class OutputFolder:
    """The layout of `--out`.

    Attributes:
      root: absolute path.
    """

    root: Path

    @property
    def data(self) -> Path:
        """The prepared tables."""
        return self.root / "data"

    @property
    def schemas(self) -> Path:
        """The schemas of this and earlier runs, named by their content."""
        return self.root / "schemas"

    @property
    def pipeline(self) -> Path:
        """The artifacts of all nodes."""
        return self.root / "pipeline"

    @property
    def metadata(self) -> Path:
        """The ML Metadata store."""
        return self.root / "metadata.sqlite"

    @property
    def logs(self) -> Path:
        """One log, and one file of events, for each run."""
        return self.root / "logs"

    @property
    def runs(self) -> Path:
        """One summary for each run that came to its end."""
        return self.root / "runs"

    @property
    def summary(self) -> Path:
        """The summary of the last run."""
        return self.root / "run.json"

    @property
    def states(self) -> Path:
        """The student states of each version."""
        return self.root / "states"

    @property
    def temp(self) -> Path:
        """Temporary files of a run; empty between runs."""
        return self.root / "tmp"

    def serving(self, model_name: str) -> Path:
        """The versions of the model."""
        return self.root / "serving" / model_name

    def make(self) -> None:
        """Makes the folders that a run writes to."""
        for folder in (self.root, self.schemas, self.logs, self.runs):
            folder.mkdir(parents=True, exist_ok=True)


def new_run_id(now: dt.datetime) -> str:
    """A name for a run that began at `now`: sortable, and good in a file name."""
    return now.astimezone(dt.timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """While it lasts, temporary files are made in `folder`, which is then removed.

    What a killed run left in it goes first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    # A process that outlived a killed run may still be writing there.
    folder.mkdir(parents=True, exist_ok=True)
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir, os.environ["TMPDIR"] = str(folder), str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        os.environ.pop("TMPDIR")
        if variable is not None:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(folder, ignore_errors=True)
