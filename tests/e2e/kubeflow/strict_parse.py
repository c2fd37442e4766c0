"""Parses compiled pipelines as KFP's server does: no field may be unknown.

A script for the environment of requirements/kfp-local.txt.
Usage: python strict_parse.py PIPELINE.yaml ...
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2


def main() -> None:
    """Raises ParseError where a document is not of its protocol buffer."""
    for name in sys.argv[1:]:
        spec, platform = yaml.safe_load_all(Path(name).read_text(encoding="utf-8"))
        json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
        deployment = pipeline_spec_pb2.PipelineDeploymentConfig()
        json_format.ParseDict(spec["deploymentSpec"], deployment)
        json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
        executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        for config in executors.values():
            json_format.ParseDict(config, kubernetes_executor_config_pb2.KubernetesExecutorConfig())


if __name__ == "__main__":
    main()
