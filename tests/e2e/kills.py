"""Where in a run a process kills itself: in the middle of what a node writes.

What TFX's own executors write cannot be cut in two from here. Those are killed when
all is written, and ML Metadata does not know it yet.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import os
import signal
from collections.abc import Callable
from typing import Final

from pipeline import node_ids


@dataclasses.dataclass(frozen=True)
class Seam:
    """A function that is called once while a node runs.

    Attributes:
      place: dotted path of the module or class that holds it.
      function: its name.
      after: die when it has returned; else in its place.
    """

    place: str
    function: str
    after: bool = False


VALIDATED: Final = "the model is validated, the push has not begun"
PUSHED: Final = "the push is done, the summary is not written"
SEAMS: Final = {
    # Examples and states are there, the catalogue is not.
    node_ids.EVENT_EXAMPLE_GEN: Seam("components.event_example_gen.executor", "write_catalogue"),
    node_ids.STATISTICS_GEN: Seam("tfx.components.statistics_gen.executor.Executor", "Do", True),
    node_ids.IMPORT_SCHEMA_GEN: Seam(
        "tfx.components.schema_gen.import_schema_gen.executor.Executor", "Do", True
    ),
    node_ids.EXAMPLE_VALIDATOR: Seam("components.example_validator.executor.Executor", "Do", True),
    node_ids.TRANSFORM: Seam("tfx.components.transform.executor.Executor", "Do", True),
    # The SavedModel is there, half of what belongs to it is not.
    node_ids.TRAINER: Seam("trainer.export", "dump_golden"),
    # The document and the journeys are there, the node is not done.
    node_ids.CONVERSION_PATTERNS: Seam(
        "components.conversion_patterns.executor.Executor", "Do", True
    ),
    # The SavedModel is there, half of what belongs to it is not.
    node_ids.GOAL_CALIBRATOR: Seam("components.goal_calibrator.goal_export", "dump_golden"),
    # The model and the catalogue are copied, there is no manifest.
    node_ids.SERVING_BUNDLE: Seam("components.serving_bundle.bundle", "model_card"),
    node_ids.EVALUATOR: Seam("components.evaluator.executor.Executor", "Do", True),
    node_ids.MODEL_VALIDATOR: Seam("components.model_validator.executor.Executor", "Do", True),
    # The states are in place, the model is copied under a name that nobody reads.
    node_ids.MODEL_PUSHER: Seam("components.model_pusher.push", "verify_files"),
    VALIDATED: Seam("components.model_pusher.executor", "push_version"),
    PUSHED: Seam("pipeline.local_runner", "read_outcome"),
}


def die_in(place: str) -> None:
    """Makes this process kill itself there, with the signal that nothing can catch.

    Args:
      place: of `SEAMS`: a node, or what comes after the last.
    """
    seam = SEAMS[place]
    holder = _find(seam.place)
    real = getattr(holder, seam.function)
    setattr(holder, seam.function, _dying_after(real) if seam.after else _die)


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying_after(real: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(real)
    def dying(*arguments: object, **options: object) -> None:
        real(*arguments, **options)
        _die()

    return dying


def _find(place: str) -> object:
    module, _, name = place.rpartition(".")
    return getattr(importlib.import_module(module), name, None) or importlib.import_module(place)
