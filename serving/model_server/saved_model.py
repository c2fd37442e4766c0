"""Loads a SavedModel into a session of its own, as TF Serving does.

The graph is run as it was saved, by the tensor names of its signatures: that serves any
SavedModel, of TensorFlow 1 or 2, computes only what was asked for, and answers with the
messages of the same C++ code that TF Serving has inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import Message
from tensorflow.python.client import pywrap_tf_session  # the raw run, which names no Python line
from tensorflow.python.framework import ops

from serving.wire.status import Code, StatusError
from serving.wire.tensors import Array

_FILES = ("saved_model.pb", "saved_model.pbtxt")


class SavedModelSession:
    """A SavedModel in a session.

    Args:
      path: folder of the SavedModel.
      tags: of the graph in it.
      intra_op_threads: threads for one operation; 0: TensorFlow decides.
      inter_op_threads: operations at once; 0: TensorFlow decides.

    Attributes:
      signatures: `tensorflow.SignatureDef` by name.

    Raises:
      StatusError: there is no such SavedModel, or it cannot be loaded.
    """

    def __init__(
        self,
        path: Path,
        tags: Sequence[str],
        *,
        intra_op_threads: int = 0,
        inter_op_threads: int = 0,
    ) -> None:
        if not any((path / name).is_file() for name in _FILES):
            raise StatusError(
                Code.NOT_FOUND,
                "Could not find SavedModel .pb or .pbtxt at supplied export directory path: "
                f"{path}",
            )
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=intra_op_threads,
            inter_op_parallelism_threads=inter_op_threads,
        )
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        self._outputs: dict[str, object] = {}
        try:
            meta_graph = self._load(path, tags)
        except BaseException:
            self.close()
            raise
        self.signatures: dict[str, Message] = dict(meta_graph.signature_def)

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int | None
    ) -> list[Array]:
        """See `Runner.run`.

        Raises:
          StatusError: what TensorFlow answers.
        """
        fed = {self._output(name): value for name, value in feeds.items()}
        wanted = [self._output(name) for name in fetches]
        with _run_options(timeout_ms) as options:
            try:
                computed: list[Array] = pywrap_tf_session.TF_SessionRun_wrapper(
                    self._session._session, options, fed, wanted, [], None
                )
            except tf.errors.OpError as error:
                raise StatusError(Code(error.error_code), error.message) from error
        return computed

    def close(self) -> None:
        """Closes the session and frees variables and graph."""
        self._session.close()
        self._outputs.clear()
        # A graph is full of cycles, 200 MB of ours; to search for them stops all threads.
        ops.dismantle_graph(self._graph)

    def _load(self, path: Path, tags: Sequence[str]) -> Message:
        try:
            with self._graph.as_default():
                return tf.compat.v1.saved_model.loader.load(self._session, list(tags), str(path))
        except tf.errors.OpError as error:
            raise StatusError(Code(error.error_code), error.message) from error
        except RuntimeError as error:
            raise StatusError(
                Code.NOT_FOUND,
                "Could not find meta graph def matching supplied tags: { "
                + " ".join(tags)
                + " }. To inspect available tag-sets in the SavedModel, please use the SavedModel "
                "CLI: `saved_model_cli`",
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise StatusError(Code.DATA_LOSS, f"Can't parse {path}: {error}") from error

    def _output(self, name: str) -> object:
        found = self._outputs.get(name)
        if found is None:
            try:
                found = self._graph.get_tensor_by_name(name)._as_tf_output()
            except (KeyError, ValueError) as error:
                raise StatusError(
                    Code.NOT_FOUND, f"FeedInputs: unable to find feed output {name}"
                ) from error
            self._outputs[name] = found
        return found


@contextmanager
def _run_options(timeout_ms: int | None) -> Iterator[object]:
    if timeout_ms is None:
        yield None
        return
    options = tf.compat.v1.RunOptions(timeout_in_ms=timeout_ms)
    buffer = pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
    try:
        yield buffer
    finally:
        pywrap_tf_session.TF_DeleteBuffer(buffer)
