"""Does the graph read files that are not in the bundle?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Final

from tensorflow.core.framework import graph_pb2, tensor_pb2
from tensorflow.core.protobuf import saved_model_pb2

from components.model_validator.report import CheckResult, from_problems

_LONGEST_PATH: Final = 4096


def check_graph_paths(name: str, model_dir: Path, forbidden: Sequence[str]) -> CheckResult:
    """No text constant of the graph names a file outside the SavedModel.

    TensorFlow feeds the paths of tracked assets when it loads; any other constant is
    read as it stands, and what it names is not there on another machine.

    Args:
      name: of the check.
      model_dir: folder of the SavedModel.
      forbidden: folders of the run that made the model.
    """
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((model_dir / "saved_model.pb").read_bytes())
    folders = {*forbidden, *(str(Path(folder).resolve()) for folder in forbidden)}
    problems, assets = [], 0
    for graph in saved.meta_graphs:
        assets += len(graph.asset_file_def)
        replaced = {asset.tensor_info.name.split(":")[0] for asset in graph.asset_file_def}
        for node, text in _texts(graph.graph_def, leave_out=replaced):
            if any(folder in text for folder in folders) or _is_outside_file(text):
                problems.append(f"node {node} reads {text}")
    remedy = (
        "track the file as an asset: hold the transform's layer in the exported module, and "
        "do not read its folder in the graph."
    )
    fine = f"no constant of the graph is a path outside its {assets} assets"
    return from_problems(name, sorted(set(problems)), fine, remedy=remedy)


def _texts(graph: graph_pb2.GraphDef, *, leave_out: Set[str]) -> Iterator[tuple[str, str]]:
    """Node -> each text constant in it; `leave_out` names nodes outside of functions."""
    nodes = [
        *(node for node in graph.node if node.name not in leave_out),
        *(node for function in graph.library.function for node in function.node_def),
    ]
    for node in nodes:
        for value in node.attr.values():
            yield from ((node.name, text) for text in _strings(value.tensor))


def _strings(tensor: tensor_pb2.TensorProto) -> Iterator[str]:
    for value in tensor.string_val:
        if 1 < len(value) <= _LONGEST_PATH:
            yield value.decode("utf-8", errors="replace")


def _is_outside_file(text: str) -> bool:
    # os.path, since Path.is_file raises where a text is too long for a file's name.
    return text.startswith("/") and os.path.isfile(text)
