"""The command line of a node's container: written when compiling, read in the pod."""

from __future__ import annotations

from typing import Final

ENTRYPOINT_MODULE: Final = "pipeline.kubeflow.entrypoint"
ENTRYPOINT_COMMAND: Final = ("python", "-m", ENTRYPOINT_MODULE)
# TFX's own flags.
EXECUTOR_FLAG: Final = "--executor_class_path"
INVOCATION_FLAG: Final = "--json_serialized_invocation_args"
INPUTS_SPEC_FLAG: Final = "--json_serialized_inputs_spec_args"
# KFP puts the whole executor input in its place.
INVOCATION_PLACEHOLDER: Final = "{{$}}"
FAIL_FLAG: Final = "--fail_when_not_pushed"
