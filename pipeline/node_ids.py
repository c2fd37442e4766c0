"""The ids of the nodes, in the order in which they run."""

from __future__ import annotations

from typing import Final

DATA_PREPARATION: Final = "DataPreparation"  # only where no command line prepares
EVENT_EXAMPLE_GEN: Final = "EventExampleGen"
STATISTICS_GEN: Final = "StatisticsGen"
IMPORT_SCHEMA_GEN: Final = "ImportSchemaGen"
EXAMPLE_VALIDATOR: Final = "ExampleValidator"
TRANSFORM: Final = "Transform"
TRAINER: Final = "Trainer"
CONVERSION_PATTERNS: Final = "ConversionPatterns"
GOAL_CALIBRATOR: Final = "GoalCalibrator"
SERVING_BUNDLE: Final = "ServingBundle"
EVALUATOR: Final = "Evaluator"
MODEL_VALIDATOR: Final = "ModelValidator"
MODEL_PUSHER: Final = "ModelPusher"
NODE_IDS: Final = (
    EVENT_EXAMPLE_GEN,
    STATISTICS_GEN,
    IMPORT_SCHEMA_GEN,
    EXAMPLE_VALIDATOR,
    TRANSFORM,
    TRAINER,
    CONVERSION_PATTERNS,
    GOAL_CALIBRATOR,
    SERVING_BUNDLE,
    EVALUATOR,
    MODEL_VALIDATOR,
    MODEL_PUSHER,
)
