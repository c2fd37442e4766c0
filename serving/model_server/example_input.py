"""The Examples of a Classify, Regress or MultiInference request, as one string tensor."""

from __future__ import annotations

import numpy as np
from google.protobuf.message import Message

from serving.wire.status import invalid_argument
from serving.wire.tensors import Array


def serialized_examples(request_input: Message) -> Array:
    """Serialized Examples of an `Input`, object `[B]`.

    A context is put before each of them: what an Example says again, counts, since of two
    values for one key the parser takes the last.

    Raises:
      StatusError: there is none.
    """
    kind = request_input.WhichOneof("kind")
    if kind == "example_list":
        parts = [example.SerializeToString() for example in request_input.example_list.examples]
    elif kind == "example_list_with_context":
        listed = request_input.example_list_with_context
        context = listed.context.SerializeToString()
        parts = [context + example.SerializeToString() for example in listed.examples]
    else:
        parts = []
    if not parts:
        raise invalid_argument("Input is empty.")
    tensor = np.empty(len(parts), np.object_)
    tensor[:] = parts
    return tensor
