"""Runs the inspection where the folders of the training run cannot be reached."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import components
from components.model_validator.report import CheckResult, Report
from components.model_validator.request import Bounds, Request

INSPECTION: Final = "components.model_validator.inspection"
_KEPT: Final = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
# These choose TensorFlow's kernels and how sums are cut up: with others than in
# training the last bits may differ, and golden values are compared bit for bit.
_NUMERICS: Final = (
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_XLA_FLAGS",
)
_SHOWN_LINES: Final = 8
COVERED: Final = "fresh process, copy of the bundle, training folders covered"
COPIED: Final = "fresh process, copy of the bundle; covering folders needs rights not given here"


def inspect_in_isolation(
    bundle: Path,
    *,
    trained_files: Mapping[str, str],
    forbidden: Sequence[str],
    bounds: Bounds,
    timeout_seconds: float,
) -> Report:
    """Inspects a copy of a bundle in a process of its own.

    On Linux, where the process may have a mount namespace of its own, empty folders
    cover the forbidden ones in it, so that whatever opens a file there fails as it
    would on another machine. Elsewhere the copy and the check of the graph's
    constants have to do; the report says which it was.

    Args:
      bundle: folder of the version.
      trained_files: path in the bundle -> SHA-256 of the trainer's file.
      forbidden: folders that must not be needed.
      bounds: limits to keep.
      timeout_seconds: after which the bundle is rejected.

    Returns:
      The report. A process that crashed or hung is a failed check `inspection`.
    """
    # The process has a working directory of its own.
    folders = tuple(str(Path(path).absolute()) for path in forbidden)
    with tempfile.TemporaryDirectory(prefix="goalpath-validator-") as folder:
        copy = Path(folder) / "bundle"
        # Links are kept: one that leaves the bundle breaks where the bundle is alone.
        shutil.copytree(bundle, copy, symlinks=True)
        request = Request(
            model_dir=str(copy),
            trained_files=dict(trained_files),
            forbidden=folders,
            bounds=bounds,
            report=str(Path(folder) / "report.json"),
        )
        request_file = Path(folder) / "request.json"
        request.write(request_file)
        prefix = cover_command(folders)
        command = [*prefix, sys.executable, "-m", INSPECTION, str(request_file)]
        failure = _run(command, Path(folder), timeout_seconds)
        isolation = COVERED if prefix else COPIED
        if failure is None:
            try:
                return Report(Report.read(Path(request.report)).checks, isolation)
            except (OSError, ValueError, KeyError, TypeError) as error:
                detail = f"the process that loads the bundle left no report: {error}"
                failure = CheckResult("inspection", False, detail, {}, "export the model again.")
        return Report((failure,), isolation)


def cover_command(folders: Sequence[str]) -> list[str]:
    """What to put before a command so that it sees `folders` empty; [] if that cannot be."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    existing = [folder for folder in folders if Path(folder).is_dir()]
    mounts = "".join(f"mount -t tmpfs none {shlex.quote(folder)} && " for folder in existing)
    rights = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    prefix = [unshare, *rights, "--", "sh", "-c", f'{mounts}exec "$@"', "sh"]
    probe = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if probe.returncode == 0 else []


def _run(command: Sequence[str], folder: Path, timeout_seconds: float) -> CheckResult | None:
    root = str(Path(components.__file__ or "").resolve().parents[1])
    environment = {key: os.environ[key] for key in (*_KEPT, *_NUMERICS) if key in os.environ}
    environment |= {"PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "2", "TF_USE_LEGACY_KERAS": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        detail = f"no answer within {timeout_seconds:g} s"
        return CheckResult("inspection", False, detail, {}, "look for an operation that hangs.")
    if done.returncode == 0:
        return None
    tail = " | ".join(done.stderr.strip().splitlines()[-_SHOWN_LINES:])
    values = {"exit_code": done.returncode}
    detail = f"the process that loads the bundle ended with {done.returncode}: {tail}"
    return CheckResult("inspection", False, detail, values, "export the model again.")
