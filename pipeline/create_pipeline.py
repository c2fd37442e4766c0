"""The pipeline: its nodes and what flows between them.

    EventExampleGen -> StatisticsGen -> ImportSchemaGen -> ExampleValidator
                    -> Transform -> Trainer -> ServingBundle
    ServingBundle -> Evaluator and ModelValidator -> ModelPusher

It compiles for every TFX runner: node ids match `[a-zA-Z0-9][-a-zA-Z0-9]*`, no node is
a Resolver, and no module is a file that would have to be packed up.
"""

from __future__ import annotations

from typing import Final

from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration import metadata as tfx_metadata
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.proto import transform_pb2

from components.evaluator.component import Evaluator
from components.event_example_gen.component import EventExampleGen
from components.example_validator.component import ExampleValidator
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
    example_gen = EventExampleGen(
        data_dir=settings.data_dir,
        config=config,
        as_of=settings.as_of,
        window_days=settings.window_days,
        fingerprint=settings.fingerprint,
        code=settings.code,
    )
    examples = example_gen.outputs["examples"]
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    schema_gen = tfx.components.ImportSchemaGen(schema_file=settings.schema_file)
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"],
        schema=schema_gen.outputs["schema"],
        config=config,
        serving_dir=settings.serving_dir,
        baseline=settings.baseline,
    )
    transform = _transform(example_gen, schema_gen, config)
    transform.add_upstream_node(example_validator)
    trainer = ModelTrainer(
        examples=examples,
        schema=schema_gen.outputs["schema"],
        transform_graph=transform.outputs["transform_graph"],
        catalogue=example_gen.outputs["catalogue"],
        run_fn=RUN_FN,
        config=config,
    ).with_id(node_ids.TRAINER)
    bundle = ServingBundle(
        model=trainer.outputs["model"],
        catalogue=example_gen.outputs["catalogue"],
        states=example_gen.outputs["states"],
        statistics=statistics_gen.outputs["statistics"],
        examples=examples,
        config=config,
        inputs=settings.inputs,
    )
    return [
        example_gen,
        statistics_gen,
        schema_gen,
        example_validator,
        transform,
        trainer,
        bundle,
        *_gate(settings, example_gen, transform, trainer, bundle),
    ]


def _transform(example_gen: BaseNode, schema_gen: BaseNode, config: str) -> BaseNode:
    # Trainer transforms on the fly, so nothing is materialized; the statistics of the
    # transformed Examples are nowhere read.
    return tfx.components.Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
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
    trainer: BaseNode,
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
        trained_model=trainer.outputs["model"],
        transform_graph=transform.outputs["transform_graph"],
    )
    pusher = ModelPusher(
        bundle=bundle.outputs["bundle"],
        states=example_gen.outputs["states"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=validator.outputs["blessing"],
        serving_dir=settings.serving_dir,
        states_dir=settings.states_dir,
    )
    return [evaluator, validator, pusher]
