"""Errors a person can act on: what the rule is, where it broke, and the remedy."""

from __future__ import annotations


class GoalpathError(Exception):
    """Base of every error goalpath raises on purpose.

    Args:
      rule: what must hold, as one sentence.
      where: file, table, column, rows, node or key that breaks it.
      received: the value found there, as text.
      remedy: what the reader can do about it.
    """

    exit_code = 1

    def __init__(self, rule: str, *, where: str = "", received: str = "", remedy: str = "") -> None:
        self.rule = rule
        self.where = where
        self.received = received
        self.remedy = remedy
        super().__init__(self.describe())

    def describe(self) -> str:
        """The message on one line: where, rule, received, remedy."""
        parts = [f"{self.where}: {self.rule}" if self.where else self.rule]
        if self.received:
            parts.append(f"Received: {self.received}.")
        if self.remedy:
            parts.append(f"Remedy: {self.remedy}")
        return " ".join(parts)


class InputError(GoalpathError):
    """The data, the configuration or the command line is wrong (exit code 2)."""

    exit_code = 2


class ConfigError(InputError):
    """`goalpath.yaml` breaks its contract."""


class DataError(InputError):
    """A table breaks its contract."""


class UnknownStudentError(InputError):
    """A student id that the data set does not have."""


class UnknownStageError(InputError):
    """A stage that is not in the configured list."""


class TrainingRefusedError(GoalpathError):
    """The examples cannot teach a model: constant labels or features."""


class TrainingDivergedError(GoalpathError):
    """The loss became infinite or undefined while training."""


class ExportRejectedError(GoalpathError):
    """An exported model is not what was trained."""
