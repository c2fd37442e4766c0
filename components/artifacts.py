"""The artifact types that goalpath adds to those of TFX.

`TYPE_NAME` is `goalpath.` and the name of the class: the form that the compiler for Kubeflow
asks for, and all that a container there gets to know of the type. Its entrypoint looks for
the class in this module.
"""

from __future__ import annotations

from tfx.types.artifact import Artifact


class PreparedTables(Artifact):  # type: ignore[misc]
    """A data folder's accepted rows, as `schemas.prepare.prepare_data` writes them."""

    TYPE_NAME = "goalpath.PreparedTables"


class StudentStates(Artifact):  # type: ignore[misc]
    """`states.parquet`: the state of every student as of the run's `as_of`; their histories."""

    TYPE_NAME = "goalpath.StudentStates"


class StudentVectors(Artifact):  # type: ignore[misc]
    """`vectors.parquet` and `engagement_vectors.parquet`: see schemas/vectors.py."""

    TYPE_NAME = "goalpath.StudentVectors"


class Catalogue(Artifact):  # type: ignore[misc]
    """`catalogue.parquet`: the engagements of each audience with their popularity."""

    TYPE_NAME = "goalpath.Catalogue"


class ConversionPatterns(Artifact):  # type: ignore[misc]
    """`patterns.json` and `journeys.parquet`: see schemas/conversion_patterns.py."""

    TYPE_NAME = "goalpath.ConversionPatterns"
