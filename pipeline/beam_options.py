"""How the Beam pipelines inside the nodes run on this machine."""

from __future__ import annotations

import shlex
from typing import Final

# `DirectRunner` first tries to download Prism, a server in Go; `FnApiRunner` is what
# it falls back to. An image, which nothing in memory looks at, keeps TFX from packing
# itself up for remote workers: 7 s a node on two cores.
LOCAL_BEAM_ARGS: Final = (
    "--runner=FnApiRunner",
    "--direct_running_mode=in_memory",
    "--sdk_container_image=none",
)


def beam_args(given: str | None) -> tuple[str, ...]:
    """The arguments of `--beam-args`, split as a shell does; without them the local ones."""
    return tuple(shlex.split(given)) if given else LOCAL_BEAM_ARGS
