"""Times requests while the local model server takes a new version, with warm-up and without.

    python -m benchmarks.hot_reload --out OUT

OUT is a folder of `goalpath run`. One client asks for one golden Example after another,
while a copy of the version is published as the next one. Prints the median, the 99th
percentile and the longest answer of the old version meanwhile, and the first answer of
the new one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.serving import PATIENT, served
from schemas import names
from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions
from serving.versions import model_names, newest_version

ASKED_BEFORE = 300


def copy_version(source: Path, target: Path, *, warm: bool) -> None:
    """A version that appears at once, with warm-up records or without."""
    from trainer.golden import load_golden
    from trainer.warmup import warmup_records, write_warmup

    hidden = target.with_name(f"_{target.name}")
    shutil.copytree(source, hidden)
    extra = hidden / names.ASSETS_EXTRA
    (extra / names.WARMUP_FILE).unlink(missing_ok=True)
    if warm:
        golden = load_golden((extra / names.GOLDEN_FILE).read_bytes())
        write_warmup(str(extra / names.WARMUP_FILE), warmup_records(golden, "m"))
    hidden.rename(target)


def measure(version: Path, *, warm: bool) -> str:
    """A line of the table."""
    from trainer.golden import load_golden

    golden = load_golden((version / names.ASSETS_EXTRA / names.GOLDEN_FILE).read_bytes())
    inputs = {k: v[:1] for k, v in golden[names.SIGNATURE_DEFAULT]["inputs"].items()}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "m"
        base.mkdir()
        copy_version(version, base / "1", warm=True)
        with served({"m": base}, Path(folder)) as (port, _):
            client = GrpcModelClient(ClientOptions(f"127.0.0.1:{port}", "m", 300.0, PATIENT))
            for _ in range(ASKED_BEFORE):
                client.predict(inputs)
            load = os.getloadavg()[0]
            copy_version(version, base / "2", warm=warm)
            seconds, answered, began = [], 1, time.perf_counter()
            while answered == 1:
                asked = time.perf_counter()
                answered = client.predict(inputs).version or 0
                seconds.append(time.perf_counter() - asked)
            took = time.perf_counter() - began
            client.close()
    old, first = np.array(seconds[:-1]) * 1e3, seconds[-1] * 1e3
    return (
        f"| {'with' if warm else 'without'} | {took:.1f} | {np.median(old):.1f} | "
        f"{np.percentile(old, 99):.1f} | {old.max():.0f} | {first:.0f} | {load:.1f} |"
    )


def main() -> None:
    """Reads the arguments and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    (name,) = model_names(out)
    version = newest_version(out, name).model_dir
    print("| warm-up | seconds to load | median ms | p99 | longest | first of the new | load |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for warm in (False, True):
        print(measure(version, warm=warm), flush=True)


if __name__ == "__main__":
    main()
