"""Does the graph read files that are not in the bundle?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tensorflow.core.framework import graph_pb2, node_def_pb2, tensor_pb2
from tensorflow.core.protobuf import saved_model_pb2

from components.model_validator.report import CheckResult, from_problems

_LONGEST_PATH: Final = 4096


def check_graph_paths(name: str, model_dir: Path, forbidden: Sequence[str]) -> CheckResult:
    """No text constant of the graph names a file outside the SavedModel.

    TensorFlow rewrites the paths of tracked assets when it loads; what stays in the
    graph as a constant is read as it stands, and is not there on another machine.

    Args:
      name: of the check.
      model_dir: folder of the SavedModel.
      forbidden: folders of the run that made the model.
    """
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((model_dir / "saved_model.pb").read_bytes())
    assets = {asset.filename for graph in saved.meta_graphs for asset in graph.asset_file_def}
    problems = []
    for graph in saved.meta_graphs:
        for node, text in _texts(graph.graph_def):
            if text in assets or _is_tracked(text, assets):
                continue
            if any(text.startswith(folder) for folder in forbidden) or _is_outside_file(text):
                problems.append(f"node {node} reads {text}")
    remedy = (
        "track the file as an asset: hold the transform's layer in the exported module, and "
        "do not read its folder in the graph."
    )
    fine = f"no constant of the graph is a path outside its {len(assets)} assets"
    return from_problems(name, sorted(set(problems)), fine, remedy=remedy)


def _texts(graph: graph_pb2.GraphDef) -> Iterator[tuple[str, str]]:
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    for node in nodes:
        for value in node.attr.values():
            yield from ((node.name, text) for text in _strings(node, value.tensor))


def _strings(node: node_def_pb2.NodeDef, tensor: tensor_pb2.TensorProto) -> Iterator[str]:
    for value in tensor.string_val:
        if 1 < len(value) <= _LONGEST_PATH:
            yield value.decode("utf-8", errors="replace")


def _is_tracked(text: str, assets: set[str]) -> bool:
    # Exporting leaves the path that an asset was copied from in a constant which
    # loading replaces; such constants have an asset's file name.
    return Path(text).name in {Path(asset).name for asset in assets}


def _is_outside_file(text: str) -> bool:
    return text.startswith("/") and "\n" not in text and Path(text).is_file()
