"""All checks of one bundle, in a process that has nothing but the bundle.

Run as `python -m components.model_validator.inspection REQUEST.json`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from components.model_validator import outputs, weights
from components.model_validator.behaviour import Behaviour
from components.model_validator.golden import EXPECTED_OUTPUTS, Golden, read_golden
from components.model_validator.graph_paths import check_graph_paths
from components.model_validator.keras_file import KerasFile
from components.model_validator.loaded_model import LoadedModel, stored_variables
from components.model_validator.report import CheckResult, Report, from_problems, guarded
from components.model_validator.request import Request
from schemas import names
from schemas.config import GoalpathConfig
from schemas.machine import machine_fingerprint
from serving.versions import read_manifest, sha256_of, verify_files

Check = Callable[[str], CheckResult]
Load = Callable[[Path], LoadedModel]

GOLDEN_PREFIX: Final = "golden_"
BEHAVIOUR: Final = {
    "keras_outputs": Behaviour.check_keras_outputs,
    "signatures_agree": Behaviour.check_agreement,
    "embeddings_agree": Behaviour.check_embeddings,
    "attribution": Behaviour.check_attribution,
    "rows_alone": Behaviour.check_alone,
    "head_values": Behaviour.check_values,
    "heads_not_constant": Behaviour.check_not_constant,
    "heads_sensitive": Behaviour.check_sensitive,
    "heads_independent": Behaviour.check_independent,
    "recommend_order": Behaviour.check_recommend,
    "goals": Behaviour.check_goals,
}


class Inspection:
    """The checks of one bundle, with what several of them need loaded once.

    Args:
      request: which bundle, with which bounds.
      load: loads the SavedModel of a folder.
    """

    def __init__(self, request: Request, load: Load = LoadedModel.load) -> None:
        self._request = request
        self._folder = Path(request.model_dir)
        self._extra = self._folder / names.ASSETS_EXTRA
        self._load = load

    @functools.cached_property
    def _loading(self) -> LoadedModel | Exception:
        try:
            return self._load(self._folder)
        except Exception as error:  # kept, so that no check tries again
            return error

    @property
    def _model(self) -> LoadedModel:
        if isinstance(self._loading, Exception):
            raise self._loading
        return self._loading

    @functools.cached_property
    def _golden(self) -> Golden:
        return read_golden(self._extra / names.GOLDEN_FILE)

    @functools.cached_property
    def _trained(self) -> list[weights.WeightRecord]:
        return weights.read_records(self._extra / names.CHECKSUMS_FILE)

    @functools.cached_property
    def _keras_file(self) -> KerasFile:
        return KerasFile(self._extra / names.KERAS_FILE)

    @functools.cached_property
    def _behaviour(self) -> Behaviour:
        manifest = read_manifest(self._folder)
        return Behaviour(
            self._model,
            self._golden,
            GoalpathConfig.model_validate(manifest["config"]),
            as_of=str(manifest["as_of"]),
            catalogue=self._extra / names.CATALOGUE_FILE,
            goal_parameters=self._extra / names.GOAL_PARAMETERS_FILE,
            keras_file=lambda: self._keras_file,
        )

    def checks(self) -> dict[str, Check]:
        """Name -> check, in the order to run them."""
        return {
            "manifest": self._check_manifest,
            "same_as_trained": self._check_trained_files,
            "graph_paths": self._check_graph_paths,
            "loads": self._check_loads,
            "size": self._check_size,
            "variables": lambda name: weights.check_in_order(
                name, self._trained, self._model.variables()
            ),
            "checkpoint": lambda name: weights.check_as_set(
                name, self._trained, stored_variables(self._folder)
            ),
            "finite_weights": self._check_finite,
            "keras_file": lambda name: weights.check_by_path(
                name, self._trained, self._keras_file.weights()
            ),
            "signatures": lambda name: self._model.check_signatures(name, self._golden.inputs),
            **{GOLDEN_PREFIX + signature: self._check_golden for signature in EXPECTED_OUTPUTS},
            **dict.fromkeys(BEHAVIOUR, self._check_behaviour),
        }

    def run(self) -> tuple[CheckResult, ...]:
        """Runs every check; none stops another."""
        found = []
        for name, check in self.checks().items():
            result = guarded(name, functools.partial(check, name))
            sys.stdout.write(f"{name}: {'passed' if result.passed else 'FAILED'}\n")
            sys.stdout.flush()
            found.append(result)
        return tuple(found)

    def _check_manifest(self, name: str) -> CheckResult:
        differences = list(verify_files(self._folder))
        fine = "every file is the one that the manifest names, and none is extra"
        return from_problems(name, differences, fine, remedy="run again with --no-cache.")

    def _check_trained_files(self, name: str) -> CheckResult:
        problems = []
        for file, digest in self._request.trained_files.items():
            path = self._folder / file
            if not path.is_file():
                problems.append(f"{file}: is not there")
            elif sha256_of(path) != digest:
                problems.append(f"{file}: is not the one that was made in training")
        fine = f"{', '.join(self._request.trained_files)} are those made in training"
        return from_problems(name, problems, fine, remedy="bundle the model anew.")

    def _check_graph_paths(self, name: str) -> CheckResult:
        return check_graph_paths(name, self._folder, self._request.forbidden)

    def _check_loads(self, name: str) -> CheckResult:
        allowed, took = self._request.bounds.load_seconds, self._model.load_seconds
        slow = [f"took {took:.1f} s, {allowed:g} s are allowed"] if took > allowed else []
        values = {"seconds": took, "allowed": allowed}
        remedy = "make the model smaller, or raise the bound."
        return from_problems(name, slow, f"loads in {took:.2f} s", remedy=remedy, values=values)

    def _check_size(self, name: str) -> CheckResult:
        size = (
            sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file()) / 2**20
        )
        allowed = self._request.bounds.megabytes
        large = [f"{size:.1f} MiB, {allowed:g} MiB are allowed"] if size > allowed else []
        values = {"megabytes": size, "allowed": allowed}
        remedy = "lower training.vocabulary_size or embedding_dim, or raise the bound."
        return from_problems(name, large, f"{size:.1f} MiB", remedy=remedy, values=values)

    def _check_finite(self, name: str) -> CheckResult:
        # Not strict: whether there are as many of both is another check.
        pairs = zip(self._trained, self._model.variables(), strict=False)
        return weights.check_finite(name, {entry.path: value for entry, value in pairs})

    def _check_golden(self, name: str) -> CheckResult:
        signature = name.removeprefix(GOLDEN_PREFIX)
        found = self._model.call(signature, self._golden.inputs[signature])
        return outputs.check_golden(
            name,
            self._golden.outputs[signature],
            found,
            same_machine=self._golden.machine == machine_fingerprint(),
            wanted=EXPECTED_OUTPUTS[signature],
        )

    def _check_behaviour(self, name: str) -> CheckResult:
        return BEHAVIOUR[name](self._behaviour, name)


def main(request_file: str) -> None:
    """Runs all checks of a request and writes the report."""
    request = Request.read(Path(request_file))
    Report(Inspection(request).run()).write(Path(request.report))


if __name__ == "__main__":
    main(sys.argv[1])
