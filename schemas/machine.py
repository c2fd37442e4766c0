"""What decides the last bits of a float32 computation on a machine."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import Final

_CPU_INFO: Final = Path("/proc/cpuinfo")
_DECIDING: Final = ("model name", "flags")


def machine_fingerprint(cpu_info: Path = _CPU_INFO) -> str:
    """A short hash of the processor's model and instruction sets.

    Libraries choose their kernels by these, so that equal fingerprints mean equal
    kernels, and outputs may be compared bit for bit.

    Args:
      cpu_info: Linux's description of the processor; where there is none, what
        Python knows of the platform is used.
    """
    try:
        lines = cpu_info.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    described = sorted({line for line in lines if line.split("\t")[0].strip() in _DECIDING})
    text = "\n".join(described) or f"{platform.machine()} {platform.processor()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
