"""What the cache of the pipeline depends on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.node_ids import EVENT_EXAMPLE_GEN, IMPORT_SCHEMA_GEN, NODE_IDS
from pipeline.settings import PipelineSettings
from schemas.config import GoalpathConfig

pytestmark = pytest.mark.slow

CONFIG = GoalpathConfig(name="a", stages=("First", "Second"), default_goal="Second")


def test_all_that_a_run_makes_depends_on_the_identity_of_the_code(tmp_path: Path) -> None:
    from pipeline.create_pipeline import create_pipeline

    settings = PipelineSettings(
        config=CONFIG,
        data_dir="data",
        schema_file="schema.pbtxt",
        fingerprint="f",
        code="the code",
        pipeline_root=str(tmp_path),
        serving_dir="serving",
        states_dir="states",
    )
    nodes = {node.id: node for node in create_pipeline(settings).components}
    assert nodes[EVENT_EXAMPLE_GEN].exec_properties["code"] == "the code"
    producers = {
        node_id: {channel.producer_component_id for channel in node.inputs.values()}
        for node_id, node in nodes.items()
    }
    assert set(nodes) == set(NODE_IDS)
    dependent = {node for node in nodes if _reads(node, EVENT_EXAMPLE_GEN, producers)}
    assert set(nodes) - dependent == {IMPORT_SCHEMA_GEN}


def _reads(node: str, source: str, producers: Mapping[str, set[str]]) -> bool:
    return node == source or any(_reads(each, source, producers) for each in producers[node])
