"""Writes the trained SavedModel again, with the signature `goal` beside its own.

The trained model is loaded, held by a module that adds one function, and saved: weights,
transform graph, catalogue and every function stay what they were. The result is read back
here for its weights and the new signature; that every other signature still gives what
the trainer recorded, bit for bit, is ModelValidator's to check, in a process of its own.
docs/adr/0013 says why it is not done otherwise.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Final

import tensorflow as tf

from components.goal_calibrator.goal_graph import GoalGraph
from components.goal_calibrator.read_rows import empty_list
from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.goal_parameters import GoalParameters
from schemas.machine import machine_fingerprint
from trainer.batching import dense_signature
from trainer.export import run, verify_saved_model
from trainer.golden import dump_golden, load_golden
from trainer.warmup import warmup_records, write_warmup
from trainer.weights import load_checksums

MODEL_VARIABLES: Final = "model_vars"
Loaded = Any  # TensorFlow has no types: a loaded SavedModel
Signatures = dict[str, tf.types.experimental.ConcreteFunction]


class GoalModule(tf.Module):  # type: ignore[misc]
    """A loaded SavedModel that also answers `goal`.

    Args:
      trained: as `tf.saved_model.load` gives it.
      parameters: of the synthesis.
      config: of the data set.

    Attributes:
      model_vars: the trained model's weights, as it had them.
    """

    def __init__(self, trained: Loaded, parameters: GoalParameters, config: GoalpathConfig) -> None:
        super().__init__(name="goalpath")
        self._trained = trained
        self._parameters = parameters
        self._config = config
        self.model_vars = list(getattr(trained, MODEL_VARIABLES))

    def signatures(self) -> Signatures:
        """Those of the trained model, and `goal`."""
        trained = dict(self._trained.signatures)
        goal = goal_signature(trained, self._parameters, self._config)
        return {**trained, names.SIGNATURE_GOAL: goal}


def goal_signature(
    trained: Signatures, parameters: GoalParameters, config: GoalpathConfig
) -> tf.types.experimental.ConcreteFunction:
    """Query features -> the goals, and what they are made of.

    GOAL_LIKELIHOOD, GOAL_LOWER, GOAL_UPPER and GOAL_PROBABILITY `[B, K]`, LIKELIHOOD and
    RISK `[B]`, EMBEDDING `[B, D]`: what `serving.goals` asks for, in one request.

    Args:
      trained: signatures of the trained model.
      parameters: of the synthesis.
      config: of the data set.
    """
    graph = GoalGraph(parameters)
    candidates = dense_signature(features.candidate_features(config))
    predict, embed = trained[names.SIGNATURE_PREDICT], trained[names.SIGNATURE_EMBED_STUDENT]

    def goal(**query: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.shape(query[names.Q_STAGE_POSITION])[0]
        heads = predict(**query, **{key: empty_list(s, rows) for key, s in candidates.items()})
        read = {key: heads[key] for key in (*names.OF_STUDENT, names.GOAL_PROBABILITY)}
        read |= embed(**query)
        return {**read, **graph.outputs(query, read)}

    query = dense_signature(features.query_features(config))
    return tf.function(goal, autograph=False).get_concrete_function(**query)


def export_with_goal(
    loaded: Loaded, extra: Path, target: Path, parameters: GoalParameters, config: GoalpathConfig
) -> None:
    """Writes `target` and compares it with what was trained.

    Args:
      loaded: the trained SavedModel.
      extra: its `assets.extra/`.
      target: of the new one.
      parameters: of the synthesis; kept in `assets.extra/` too.
      config: of the data set.

    Raises:
      ExportRejectedError: a weight is not the trained one, or `goal` gives something else.
    """
    golden = load_golden((extra / names.GOLDEN_FILE).read_bytes())
    module = GoalModule(loaded, parameters, config)
    functions = module.signatures()
    query = golden[names.SIGNATURE_EMBED_STUDENT]["inputs"]
    answers = run(functions[names.SIGNATURE_GOAL], query)
    golden[names.SIGNATURE_GOAL] = {"inputs": query, "outputs": answers}
    tf.saved_model.save(module, str(target), signatures=functions)
    own = target / names.ASSETS_EXTRA
    shutil.copytree(extra, own, dirs_exist_ok=True)
    (own / names.GOLDEN_FILE).write_bytes(dump_golden(golden, machine=machine_fingerprint()))
    records = warmup_records(golden, config.serving.model_name)
    write_warmup(str(own / names.WARMUP_FILE), records)
    text = parameters.model_dump_json(indent=1)
    (own / names.GOAL_PARAMETERS_FILE).write_text(text + "\n", encoding="utf-8")
    checksums = load_checksums((own / names.CHECKSUMS_FILE).read_text(encoding="utf-8"))
    own_golden = {names.SIGNATURE_GOAL: golden[names.SIGNATURE_GOAL]}
    verify_saved_model(os.fspath(target), checksums, own_golden)
