"""The pipeline: its nodes and what flows between them.

    EventExampleGen -> StatisticsGen -> ImportSchemaGen -> ExampleValidator
                    -> Transform -> Trainer -> ConversionPatterns -> GoalCalibrator
                    -> ServingBundle
    ServingBundle -> Evaluator and ModelValidator -> ModelPusher

Where no command line prepares the data, DataPreparation comes first, and gives the schema
in place of ImportSchemaGen.

It compiles for every TFX runner: node ids match `[a-zA-Z0-9][-a-zA-Z0-9]*`, no node is
a Resolver, and no module is a file that would have to be packed up.
"""

from __future__ import annotations

from typing import Any, Final

from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration import metadata as tfx_metadata
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.proto import transform_pb2
from tfx.types import BaseChannel

from components.conversion_patterns.component import ConversionPatterns
from components.data_preparation.component import DataPreparation
from components.evaluator.component import Evaluator
from components.event_example_gen.component import EventExampleGen
from components.example_validator.component import ExampleValidator
from components.goal_calibrator.component import GoalCalibrator
from components.model_pusher.component import ModelPusher
from components.model_trainer.component import ModelTrainer
from components.model_validator.component import ModelValidator
from components.serving_bundle.component import ServingBundle
from pipeline import node_ids
from pipeline.eval_config import build_eval_config
from pipeline.settings import PipelineSettings
from schemas import names

PREPROCESSING_FN: Final = "trainer.preprocessing.preprocessing_fn"
RUN_FN: Final = "trainer.train.run_fn"


def create_pipeline(settings: PipelineSettings) -> tfx_pipeline.Pipeline:
    """Builds the pipeline; everything it depends on is in `settings`."""
    connection = None
    if settings.metadata_file is not None:
        connection = tfx_metadata.sqlite_metadata_connection_config(settings.metadata_file)
    return tfx_pipeline.Pipeline(
        pipeline_name=settings.name,
        pipeline_root=settings.pipeline_root,
        components=_nodes(settings),
        enable_cache=settings.enable_cache,
        metadata_connection_config=connection,
        beam_pipeline_args=list(settings.beam_args),
    )


def _nodes(settings: PipelineSettings) -> list[BaseNode]:
    config = settings.config.model_dump_json()
    schema_source, prepared = _source(settings, config)
    example_gen = EventExampleGen(
        **prepared,
        config=config,
        as_of=settings.as_of,
        window_days=settings.window_days,
        fingerprint=settings.fingerprint,
        code=settings.code,
    )
    examples = example_gen.outputs["examples"]
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    schema = schema_source.outputs["schema"]
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"],
        schema=schema,
        config=config,
        serving_dir=settings.serving_dir,
        baseline=settings.baseline,
    )
    transform = _transform(examples, schema, config)
    transform.add_upstream_node(example_validator)
    trainer = ModelTrainer(
        examples=examples,
        schema=schema,
        transform_graph=transform.outputs["transform_graph"],
        catalogue=example_gen.outputs["catalogue"],
        run_fn=RUN_FN,
        config=config,
        epochs=settings.epochs,
        **_warm_start(settings),
    ).with_id(node_ids.TRAINER)
    patterns = ConversionPatterns(
        **prepared,
        model=trainer.outputs["model"],
        examples=examples,
        config=config,
        window_days=settings.window_days,
    )
    calibrator = GoalCalibrator(
        examples=examples,
        trained_model=trainer.outputs["model"],
        patterns=patterns.outputs["patterns"],
        config=config,
    )
    bundle = ServingBundle(
        model=calibrator.outputs["model"],
        patterns=patterns.outputs["patterns"],
        catalogue=example_gen.outputs["catalogue"],
        states=example_gen.outputs["states"],
        statistics=statistics_gen.outputs["statistics"],
        examples=examples,
        config=config,
        inputs=settings.inputs,
        epochs=settings.epochs,
    )
    return [
        *([schema_source] if settings.prepare_in_node else []),
        example_gen,
        statistics_gen,
        *([] if settings.prepare_in_node else [schema_source]),
        example_validator,
        transform,
        trainer,
        patterns,
        calibrator,
        bundle,
        *_gate(settings, example_gen, transform, calibrator, bundle),
    ]


def _source(settings: PipelineSettings, config: str) -> tuple[BaseNode, dict[str, Any]]:
    """The node that gives the schema, and where EventExampleGen finds the tables."""
    if not settings.prepare_in_node:
        importer = tfx.components.ImportSchemaGen(schema_file=settings.schema_file)
        return importer, {"data_dir": settings.data_dir}
    preparation = DataPreparation(
        data_dir=settings.data_dir, config=config, max_bad_rows=settings.max_bad_rows
    )
    return preparation, {"tables": preparation.outputs["tables"]}


def _warm_start(settings: PipelineSettings) -> dict[str, Any]:
    """Where the trainer begins; without a warm start the baseline is no input of it."""
    if not settings.config.training.warm_start:
        return {}
    return {"serving_dir": settings.serving_dir, "begin_from": settings.baseline}


def _transform(examples: BaseChannel, schema: BaseChannel, config: str) -> BaseNode:
    # Trainer transforms on the fly, so nothing is materialized; the statistics of the
    # transformed Examples are nowhere read.
    return tfx.components.Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn=PREPROCESSING_FN,
        custom_config={"config": config},
        splits_config=transform_pb2.SplitsConfig(analyze=[names.TRAIN]),
        materialize=False,
        disable_statistics=True,
    )


def _gate(
    settings: PipelineSettings,
    example_gen: BaseNode,
    transform: BaseNode,
    calibrator: BaseNode,
    bundle: BaseNode,
) -> list[BaseNode]:
    """What decides whether the bundle is pushed, and what pushes it."""
    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        model=bundle.outputs["bundle"],
        eval_config=build_eval_config(settings.config),
        config=settings.config.model_dump_json(),
        serving_dir=settings.serving_dir,
        baseline=settings.baseline,
    )
    validator = ModelValidator(
        bundle=bundle.outputs["bundle"],
        trained_model=calibrator.outputs["model"],
        transform_graph=transform.outputs["transform_graph"],
    )
    pusher = ModelPusher(
        bundle=bundle.outputs["bundle"],
        states=example_gen.outputs["states"],
        vectors=bundle.outputs["vectors"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=validator.outputs["blessing"],
        serving_dir=settings.serving_dir,
        states_dir=settings.states_dir,
    )
    return [evaluator, validator, pusher]
