"""Checksums of weights tell every difference, and only differences."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import numpy.typing as npt
import pytest

from schemas.errors import ExportRejectedError
from trainer.weights import checksum, dump_checksums, load_checksums, require_equal

ONE = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
TWO = np.array([0.0, np.nan], np.float32)
TRAINED = [checksum("tower/kernel", ONE), checksum("tower/bias", TWO)]


def test_a_checksum_is_of_the_bytes_row_by_row() -> None:
    assert TRAINED[0] == {
        "path": "tower/kernel",
        "shape": [2, 2],
        "dtype": "float32",
        "sha256": hashlib.sha256(struct.pack("<4f", 1, 2, 3, 4)).hexdigest(),
    }
    assert checksum("tower/kernel", np.asfortranarray(ONE)) == TRAINED[0]


def test_checksums_are_read_as_written() -> None:
    assert load_checksums(dump_checksums(TRAINED)) == TRAINED
    assert load_checksums(dump_checksums([])) == []


def test_the_same_weights_pass() -> None:
    require_equal(TRAINED, iter([ONE.copy(), TWO.copy()]), where="export")
    require_equal([], [], where="export")


@pytest.mark.parametrize(
    ("loaded", "received"),
    [
        ([ONE], "1 of 2 weights, 0 of them different"),
        ([], "0 of 2 weights, 0 of them different"),
        ([ONE, TWO, TWO], "3 of 2 weights, 0 of them different"),
        ([ONE + np.float32(1e-7), TWO], "2 of 2 weights, 1 of them different: tower/kernel"),
        ([ONE.T, TWO], "2 of 2 weights, 1 of them different: tower/kernel"),
        ([ONE.reshape(4), TWO], "2 of 2 weights, 1 of them different: tower/kernel"),
        ([ONE.astype(np.float64), TWO], "2 of 2 weights, 1 of them different: tower/kernel"),
        ([ONE, -TWO], "2 of 2 weights, 1 of them different: tower/bias"),
        ([TWO, ONE], "2 of 2 weights, 2 of them different: tower/kernel, tower/bias"),
    ],
    ids=["fewer", "none", "more", "rounded", "turned", "flat", "wider", "minus zero", "swapped"],
)
def test_any_difference_is_named(loaded: list[npt.NDArray[np.generic]], received: str) -> None:
    with pytest.raises(ExportRejectedError, match="bit for bit") as error:
        require_equal(TRAINED, loaded, where="model.keras")
    assert error.value.where == "model.keras"
    assert error.value.received == received
