"""What a node's container runs: `python -m pipeline.kubeflow.entrypoint`.

TFX's own entrypoint is for another system than open-source Kubeflow Pipelines, and fails at
the first node there (docs/kubeflow.md says of what). This one puts right what KFP hands
over, lets TFX's run the executor, puts right what that reports, and ends with one message
and one exit code: 0 done; 1 failed; 2 bad input; 3 the model was not pushed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.exit_codes import ExitCode
from pipeline.kubeflow.command_line import (
    EXECUTOR_FLAG,
    FAIL_FLAG,
    INPUTS_SPEC_FLAG,
    INVOCATION_FLAG,
)
from pipeline.kubeflow.executor_input import output_paths, readable_input, reported_output
from pipeline.kubeflow.node_failure import (
    TERMINATION_LOG,
    NodeError,
    node_error,
    write_termination_log,
)
from schemas import names

# For a container whose object-store folders are not below /, as in a test.
ROOT_VARIABLE: Final = "GOALPATH_STORAGE_ROOT"
TERMINATION_VARIABLE: Final = "GOALPATH_TERMINATION_LOG"
_PUSHED_MODEL: Final = "pushed_model"
_PUSHED: Final = "pushed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a node; returns the exit code."""
    options, beam_args = _parse(sys.argv[1:] if arguments is None else arguments)
    termination_log = Path(os.environ.get(TERMINATION_VARIABLE) or TERMINATION_LOG)
    _make_home()
    message: dict[str, Any] = {}
    try:
        root = Path(os.environ.get(ROOT_VARIABLE) or "/")
        spec = json.loads(options.inputs_spec)
        message = readable_input(json.loads(options.invocation), spec, root)
        remove_leftovers(message)
        _execute(options.executor, message, options.inputs_spec, beam_args)
        outputs = _rewrite_report(Path(message["outputs"]["outputFile"]), root)
        if options.fail_when_not_pushed:
            require_pushed(outputs)
    except Exception as error:  # the outermost border: every fault becomes an exit code
        traceback.print_exc()
        known = (
            error
            if isinstance(error, NodeError)
            else node_error(error, node_name(options.executor), written_folders(message))
        )
        text = _describe(known)
        print(text, file=sys.stderr, flush=True)  # noqa: T201  the pod's log is the terminal
        write_termination_log(text, termination_log)
        return known.exit_code
    return ExitCode.DONE


def remove_leftovers(message: Mapping[str, Any]) -> None:
    """Removes what an attempt that was killed left where this one writes.

    A pod that is started again has a new file system; a mounted one keeps what was there.
    """
    for path in output_paths(message).values():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
    # TFX takes this file, where there is one, for the word of a driver.
    Path(message["outputs"]["outputFile"]).unlink(missing_ok=True)


def require_pushed(executor_output: Mapping[str, Any]) -> None:
    """Lets a run whose model was not let through count as failed.

    Args:
      executor_output: of ModelPusher.

    Raises:
      NodeError: the model was not pushed; exit code 3.
    """
    found = executor_output.get("artifacts", {}).get(_PUSHED_MODEL, {}).get("artifacts", [])
    if found and found[0].get("metadata", {}).get(_PUSHED):
        return
    raise NodeError(
        ExitCode.NOT_BLESSED,
        "the model must be blessed to be pushed.",
        where="ModelPusher",
        received="a model that Evaluator or ModelValidator did not bless",
        remedy="see the artifact `blessing` of both nodes: thresholds and values are in the "
        "log of Evaluator, the report of ModelValidator is its report.txt. What was served "
        "before still is.",
    )


def node_name(executor: str) -> str:
    """What messages call the node of an executor class.

    Of `components.model_pusher.executor.Executor` that is `model_pusher`.
    """
    parts = executor.split(".")
    return parts[-3] if len(parts) > 2 else executor


def written_folders(message: Mapping[str, Any]) -> tuple[Path, ...]:
    """The folders that a node writes to: artifacts, versions, states, temporary files."""
    parameters = message.get("inputs", {}).get("parameterValues", {})
    mounted = [parameters.get(n) for n in (names.SERVING_DIR_PARAMETER, names.STATES_DIR_PARAMETER)]
    artifacts = output_paths(message).values() if "outputs" in message else ()
    return (*artifacts, *(Path(each) for each in mounted if each), Path(tempfile.gettempdir()))


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument(EXECUTOR_FLAG, dest="executor", required=True)
    parser.add_argument(INVOCATION_FLAG, dest="invocation", required=True)
    parser.add_argument(INPUTS_SPEC_FLAG, dest="inputs_spec", default="{}")
    parser.add_argument(FAIL_FLAG, dest="fail_when_not_pushed", action="store_true")
    return parser.parse_known_args(list(arguments))


def _make_home() -> None:
    """A user that is only a number has no home; libraries keep caches there."""
    home = os.environ.get("HOME", "")
    if not home or not os.access(home, os.W_OK):
        os.environ["HOME"] = tempfile.gettempdir()


def _execute(
    executor: str, message: Mapping[str, Any], inputs_spec: str, beam_args: list[str]
) -> None:
    import absl.logging  # noqa: PLC0415  TFX takes 10 s and more to import
    from tfx.orchestration.kubeflow.v2.container import (  # noqa: PLC0415
        kubeflow_v2_run_executor,
    )

    absl.logging.use_absl_handler()
    arguments = argparse.Namespace(
        executor_class_path=executor,
        json_serialized_invocation_args=json.dumps(message),
        json_serialized_inputs_spec_args=inputs_spec,
    )
    kubeflow_v2_run_executor.main((arguments, beam_args))


def _rewrite_report(path: Path, root: Path) -> dict[str, Any]:
    output = reported_output(json.loads(path.read_text(encoding="utf-8")), root)
    path.write_text(json.dumps(output), encoding="utf-8")
    return output


def _describe(error: NodeError) -> str:
    parts = (
        ("error", error.rule),
        ("where", error.where),
        ("received", error.received),
        ("remedy", error.remedy),
    )
    return "\n".join(f"{label + ':':<10}{text}" for label, text in parts if text)


if __name__ == "__main__":
    sys.exit(main())
