"""All checks of one bundle, in a process that has nothing but the bundle.

Run as `python -m components.model_validator.inspection REQUEST.json`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from components.model_validator import heads, outputs, weights
from components.model_validator.golden import (
    EXPECTED_OUTPUTS,
    Golden,
    dense_inputs,
    listed,
    read_golden,
)
from components.model_validator.graph_paths import check_graph_paths
from components.model_validator.loaded_model import LoadedModel, keras_variables
from components.model_validator.report import CheckResult, Report, from_problems, guarded
from components.model_validator.request import Request
from schemas import features, names
from schemas.config import GoalpathConfig
from schemas.machine import machine_fingerprint
from serving.catalogue import read_catalogue
from serving.state_candidates import CatalogueRows, candidate_features, eligible
from serving.versions import read_manifest, sha256_of, verify_files

Array = npt.NDArray[np.generic]
Tensors = dict[str, Array]
Check = Callable[[], CheckResult]

_PROBABILITIES: Final = (names.LIKELIHOOD, names.RISK)
_GIVEN: Final = {names.LIKELIHOOD: names.LIKELIHOOD_GIVEN, names.RISK: names.RISK_GIVEN}
_STUDENTS_TO_LIST: Final = 8
_TOP_K: Final = 10


class Inspection:
    """The checks of one bundle, with what several of them need loaded once."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._folder = Path(request.model_dir)
        self._extra = self._folder / names.ASSETS_EXTRA

    @functools.cached_property
    def _model(self) -> LoadedModel:
        return LoadedModel(self._folder)

    @functools.cached_property
    def _golden(self) -> Golden:
        return read_golden(self._extra / names.GOLDEN_FILE)

    @functools.cached_property
    def _trained(self) -> list[weights.WeightRecord]:
        return weights.read_records(self._extra / names.CHECKSUMS_FILE)

    @functools.cached_property
    def _config(self) -> GoalpathConfig:
        return GoalpathConfig.model_validate(read_manifest(self._folder)["config"])

    @functools.cached_property
    def _rows(self) -> Tensors:
        """The golden Examples as inputs of `predict`, parsed independently of the graph."""
        golden = self._golden.inputs[names.SIGNATURE_DEFAULT][names.EXAMPLES_INPUT]
        return dense_inputs([bytes(row) for row in golden.tolist()], self._config)

    @functools.cached_property
    def _answers(self) -> Tensors:
        return self._model.call(names.SIGNATURE_PREDICT, self._rows)

    def checks(self) -> dict[str, Check]:
        """Name -> check, in the order to run them."""
        golden = {
            f"golden_{signature}": functools.partial(self._check_golden, signature)
            for signature in EXPECTED_OUTPUTS
        }
        return {
            "manifest": self._check_manifest,
            "same_as_trained": self._check_trained_files,
            "graph_paths": self._check_graph_paths,
            "loads": self._check_loads,
            "size": self._check_size,
            "variables": self._check_variables,
            "checkpoint": self._check_checkpoint,
            "finite_weights": self._check_finite,
            "keras_file": self._check_keras,
            "signatures": self._check_signatures,
            **golden,
            "signatures_agree": self._check_agreement,
            "head_values": self._check_values,
            "heads_not_constant": self._check_constant,
            "heads_sensitive": self._check_sensitive,
            "heads_independent": self._check_independent,
            "recommend_order": self._check_recommend,
        }

    def run(self) -> tuple[CheckResult, ...]:
        """Runs every check; none stops another."""
        found = []
        for name, check in self.checks().items():
            result = guarded(name, check)
            sys.stdout.write(f"{name}: {'passed' if result.passed else 'FAILED'}\n")
            sys.stdout.flush()
            found.append(result)
        return tuple(found)

    def _check_manifest(self) -> CheckResult:
        differences = list(verify_files(self._folder))
        fine = "every file is the one that the manifest names, and none is extra"
        return from_problems("manifest", differences, fine, remedy="run again with --no-cache.")

    def _check_trained_files(self) -> CheckResult:
        problems = [
            f"{name}: is not the file that the trainer wrote"
            for name, digest in self._request.trained_files.items()
            if sha256_of(self._folder / name) != digest
        ]
        fine = f"{', '.join(self._request.trained_files)} are the trainer's own"
        return from_problems("same_as_trained", problems, fine, remedy="bundle the model anew.")

    def _check_graph_paths(self) -> CheckResult:
        return check_graph_paths("graph_paths", self._folder, self._request.forbidden)

    def _check_loads(self) -> CheckResult:
        allowed, took = self._request.bounds.load_seconds, self._model.load_seconds
        slow = [f"took {took:.1f} s, {allowed:g} s are allowed"] if took > allowed else []
        values = {"seconds": took, "allowed": allowed}
        remedy = "make the model smaller, or raise the bound."
        return from_problems("loads", slow, f"loads in {took:.2f} s", remedy=remedy, values=values)

    def _check_size(self) -> CheckResult:
        size = (
            sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file()) / 2**20
        )
        allowed = self._request.bounds.megabytes
        large = [f"{size:.1f} MiB, {allowed:g} MiB are allowed"] if size > allowed else []
        values = {"megabytes": size, "allowed": allowed}
        remedy = "lower training.vocabulary_size or embedding_dim, or raise the bound."
        return from_problems("size", large, f"{size:.1f} MiB", remedy=remedy, values=values)

    def _check_variables(self) -> CheckResult:
        return weights.check_in_order("variables", self._trained, self._model.variables())

    def _check_checkpoint(self) -> CheckResult:
        return weights.check_as_set("checkpoint", self._trained, self._model.checkpoint())

    def _check_finite(self) -> CheckResult:
        return weights.check_finite("finite_weights", self._model.checkpoint())

    def _check_keras(self) -> CheckResult:
        loaded = keras_variables(self._extra / names.KERAS_FILE)
        return weights.check_by_path("keras_file", self._trained, loaded)

    def _check_signatures(self) -> CheckResult:
        return self._model.check_signatures("signatures", self._golden.inputs)

    def _check_golden(self, signature: str) -> CheckResult:
        found = self._model.call(signature, self._golden.inputs[signature])
        return outputs.check_golden(
            f"golden_{signature}",
            self._golden.outputs[signature],
            found,
            same_machine=self._golden.machine == machine_fingerprint(),
        )

    def _check_agreement(self) -> CheckResult:
        examples = self._golden.inputs[names.SIGNATURE_DEFAULT]
        serialized = self._model.call(names.SIGNATURE_DEFAULT, examples)
        return outputs.check_agreement("signatures_agree", serialized, self._answers)

    def _listed(self, answers: Mapping[str, Array], key: str) -> npt.NDArray[np.float64]:
        values = answers[key]
        return np.asarray(values[listed(values, self._rows[names.C_ID])], np.float64)

    def _check_values(self) -> CheckResult:
        probabilities = {
            key: np.asarray(self._answers[key], np.float64) for key in _PROBABILITIES
        } | {key: self._listed(self._answers, key) for key in _GIVEN.values()}
        found = heads.check_range("head_values", probabilities, probabilities=True)
        if not found.passed:
            return found
        scores = {names.RANKING_SCORE: self._listed(self._answers, names.RANKING_SCORE)}
        finite = heads.check_range("head_values", scores, probabilities=False)
        return finite if not finite.passed else found

    def _every_head(self, answers: Mapping[str, Array]) -> dict[str, npt.NDArray[np.float64]]:
        return {
            names.RANKING_SCORE: self._listed(answers, names.RANKING_SCORE),
            **{key: np.asarray(answers[key], np.float64) for key in _PROBABILITIES},
            **{key: self._listed(answers, key) for key in _GIVEN.values()},
        }

    def _check_constant(self) -> CheckResult:
        return heads.check_not_constant("heads_not_constant", self._every_head(self._answers))

    def _check_sensitive(self) -> CheckResult:
        query = {spec.key for spec in features.query_features(self._config)}
        moved = {
            key: np.roll(column, 1, axis=0) if key in query else column
            for key, column in self._rows.items()
        }
        after = self._model.call(names.SIGNATURE_PREDICT, moved)
        return heads.check_sensitive(
            "heads_sensitive", self._every_head(self._answers), self._every_head(after)
        )

    def _check_independent(self) -> CheckResult:
        alone = {key: np.asarray(self._answers[key], np.float64) for key in _PROBABILITIES}
        found = heads.check_own_order("heads_independent", alone)
        if not found.passed:
            return found
        keys = (names.RANKING_SCORE, *_GIVEN.values())
        return heads.check_own_order(
            "heads_independent", {key: self._listed(self._answers, key) for key in keys}
        )

    def _check_recommend(self) -> CheckResult:
        states = self._golden.inputs[names.SIGNATURE_RECOMMEND]
        rows = min(_STUDENTS_TO_LIST, len(states[names.AUDIENCE]))
        inputs = {
            key: column[:rows] if column.ndim and len(column) >= rows else column
            for key, column in states.items()
        } | {names.TOP_K_INPUT: np.array(_TOP_K, np.int32)}
        answer = self._model.call(names.SIGNATURE_RECOMMEND, inputs)
        ids, scores = answer[names.RECOMMENDED_ID], answer[names.RECOMMENDED_SCORE]
        found = [np.asarray(scores[row][ids[row] != b""], np.float64) for row in range(rows)]
        best = [self._scores_one_by_one(inputs, row) for row in range(rows)]
        return heads.check_top_k("recommend_order", found, best)

    def _scores_one_by_one(self, states: Tensors, row: int) -> npt.NDArray[np.float64]:
        """Ranking scores of all eligible engagements, by `predict` and NumPy features."""
        t = int(states[names.SNAPSHOT_TIME][row])
        catalogue = read_catalogue(
            self._extra / names.CATALOGUE_FILE, bytes(states[names.AUDIENCE][row])
        )
        open_now = eligible(catalogue, t=t, window_days=self._config.ranking.window_days)
        rows: CatalogueRows = catalogue.take(np.flatnonzero(open_now))
        if not len(rows):
            return np.empty(0, np.float64)
        candidates = candidate_features(_state(states, row), rows, t=t)
        query = {
            spec.key: states[spec.key][row : row + 1]
            for spec in features.query_features(self._config)
        }
        inputs = query | {key: column[np.newaxis] for key, column in candidates.items()}
        answer = self._model.call(names.SIGNATURE_PREDICT, inputs)
        return np.asarray(answer[names.RANKING_SCORE][0, : len(rows)], np.float64)


def _state(states: Mapping[str, Array], row: int) -> dict[str, object]:
    """One row of dense state tensors as a stored state: lists without padding."""
    used = tuple(spec.key for spec in features.used_features())
    types = (names.TYPE_NAME, names.TYPE_ACTIVE_28, names.TYPE_ACTIVE_ALL)
    state: dict[str, object] = {names.Q_ACTIVE[0]: float(states[names.Q_ACTIVE[0]][row])}
    for keys in (used, types):
        filled = states[keys[0]][row] != b""
        state |= {key: states[key][row][filled].tolist() for key in keys}
    return state


def main(request_file: str) -> None:
    """Runs all checks of a request and writes the report."""
    request = Request.read(Path(request_file))
    Report(Inspection(request).run()).write(Path(request.report))


if __name__ == "__main__":
    main(sys.argv[1])
