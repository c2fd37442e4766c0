"""Other epochs than the configured ones, for one run."""

from __future__ import annotations

from schemas.config import GoalpathConfig
from schemas.errors import InputError


def with_epochs(config: str, epochs: int) -> str:
    """The configuration of a run that was asked for so many epochs.

    Trainer and ServingBundle both ask here, so that a version's manifest holds what its
    model was trained with.

    Args:
      config: JSON of `GoalpathConfig`.
      epochs: at most; 0: as configured.

    Returns:
      JSON of `GoalpathConfig`; `config` itself for 0.

    Raises:
      InputError: `epochs` is negative.
    """
    if not epochs:
        return config
    if epochs < 0:
        raise InputError(
            "epochs must be a positive number, or 0 for the configured ones.",
            where="training_epochs",
            received=str(epochs),
            remedy="correct the run parameter.",
        )
    parsed = GoalpathConfig.model_validate_json(config)
    training = parsed.training.model_copy(update={"epochs": epochs})
    return parsed.model_copy(update={"training": training}).model_dump_json()
