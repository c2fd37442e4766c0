"""The artifact types that goalpath adds to those of TFX."""

from __future__ import annotations

from tfx.types.artifact import Artifact


class StudentStates(Artifact):  # type: ignore[misc]
    """`states.parquet`: the state of every student as of the run's `as_of`."""

    TYPE_NAME = "StudentStates"


class Catalogue(Artifact):  # type: ignore[misc]
    """`catalogue.parquet`: the engagements of each audience with their popularity."""

    TYPE_NAME = "Catalogue"
