"""The generated API of either kfp is asked for the same pipeline."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from schemas.tfx_lines import create_pipeline


@pytest.mark.parametrize("method", ["create_pipeline", "pipeline_service_create_pipeline"])
def test_a_pipeline_is_made_by_the_method_that_is_there(method: str) -> None:
    pytest.importorskip("kfp_server_api", reason="kfp is an extra, and it is not installed")
    asked = []

    def create(pipeline: object) -> str:
        asked.append((pipeline.display_name, pipeline.namespace))
        return "made"

    client = SimpleNamespace(pipelines=SimpleNamespace(**{method: create}))
    assert create_pipeline(client, "funnel", "team") == "made"
    assert asked == [("funnel", "team")]
