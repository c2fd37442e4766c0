"""Golden inputs and outputs: what each signature gave in the process that trained it.

A file holds, for each signature, its inputs and outputs by name. Texts are stored as
bytes and offsets, since NumPy's fixed-width texts lose trailing zero bytes and its
object arrays need pickle.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Side = Literal["inputs", "outputs"]
Golden = dict[str, dict[Side, dict[str, Array]]]
"""Signature -> "inputs" or "outputs" -> name -> array; texts are bytes objects."""

MODEL_INPUTS: Final = "model_inputs"
"""Stands among the signatures and is none: its inputs are what the preprocessing made
of the golden Examples for the Keras model. It has no outputs."""

_SEPARATOR = "/"
_MACHINE = "machine"
_TEXT = "#text"
_OFFSETS = "#offsets"
_SHAPE = "#shape"


def dump_golden(
    golden: Mapping[str, Mapping[Side, Mapping[str, Array]]], *, machine: str = ""
) -> bytes:
    """The content of a golden file.

    Args:
      golden: what the traced functions were given, and gave.
      machine: `schemas.machine.machine_fingerprint()` of where they ran: elsewhere
        the last bits may differ.
    """
    arrays: dict[str, Array] = {_MACHINE: np.array(machine)}
    for signature, sides in golden.items():
        for side, values in sides.items():
            for name, array in values.items():
                key = _SEPARATOR.join((signature, side, name))
                arrays.update(_packed(key, np.asarray(array)))
    buffer = io.BytesIO()
    # NumPy 2 has a parameter beside the arrays, which its types mistake them for.
    save: Callable[..., None] = np.savez_compressed
    save(buffer, **arrays)
    return buffer.getvalue()


def load_golden(content: bytes) -> Golden:
    """Reads what `dump_golden` wrote."""
    golden: Golden = {}
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        for key in arrays.files:
            if key == _MACHINE or key.endswith((_OFFSETS, _SHAPE)):
                continue
            signature, side, name = key.removesuffix(_TEXT).split(_SEPARATOR, 2)
            value = _unpacked(key, arrays) if key.endswith(_TEXT) else arrays[key]
            sides = golden.setdefault(signature, {"inputs": {}, "outputs": {}})
            sides["inputs" if side == "inputs" else "outputs"][name] = value
    return golden


def golden_machine(content: bytes) -> str:
    """The machine that a golden file's outputs were computed on; "" where unknown."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return str(arrays[_MACHINE]) if _MACHINE in arrays.files else ""


def _packed(key: str, array: Array) -> dict[str, Array]:
    if array.dtype != object:
        return {key: array}
    texts = [bytes(text) for text in array.reshape(-1).tolist()]
    return {
        key + _TEXT: np.frombuffer(b"".join(texts), np.uint8),
        key + _OFFSETS: np.cumsum([0, *(len(text) for text in texts)], dtype=np.int64),
        key + _SHAPE: np.array(array.shape, np.int64),
    }


def _unpacked(key: str, arrays: Mapping[str, Array]) -> Array:
    base = key.removesuffix(_TEXT)
    content = arrays[key].tobytes()
    offsets = arrays[base + _OFFSETS]
    values = np.empty(len(offsets) - 1, object)
    values[:] = [content[start:end] for start, end in itertools.pairwise(offsets)]
    return values.reshape(arrays[base + _SHAPE])
