"""Golden files hold any array that a signature takes or gives, to the last bit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from trainer.golden import dump_golden, golden_machine, load_golden


def texts(values: list[bytes], shape: tuple[int, ...]) -> npt.NDArray[np.object_]:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, -0.0], [np.nan, np.inf]], np.float32),
        np.array(10, np.int32),
        np.array([2**62, -1], np.int64),
        np.zeros((0, 3), np.float32),
        texts([b"a\x00\x00", b"", b"\x00", b"a/b#text"], (2, 2)),
        texts(["Übung".encode(), b"\xff\xfe"], (2,)),
        texts([], (0,)),
        texts([], (3, 0)),
        texts([b"", b""], (2, 1)),
    ],
    ids=["floats", "scalar", "integers", "empty", "zeros", "bytes", "none", "no width", "blank"],
)
def test_an_array_comes_back_as_it_was(array: npt.NDArray[np.generic]) -> None:
    content = dump_golden({"predict": {"inputs": {"x": array}, "outputs": {"y": array}}})
    golden = load_golden(content)
    assert set(golden) == {"predict"}
    for back in (golden["predict"]["inputs"]["x"], golden["predict"]["outputs"]["y"]):
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        if array.dtype == object:
            assert back.tolist() == array.tolist()
        else:
            assert back.tobytes() == array.tobytes()


def test_signatures_and_sides_are_kept_apart() -> None:
    one, two, three = (np.array([n], np.float32) for n in (1, 2, 3))
    golden = load_golden(
        dump_golden(
            {
                "predict": {"inputs": {"a/b": one}, "outputs": {"a/b": two}},
                "recommend": {"inputs": {}, "outputs": {"machine": three}},
            }
        )
    )
    assert golden["predict"]["inputs"]["a/b"].tolist() == [1]
    assert golden["predict"]["outputs"]["a/b"].tolist() == [2]
    assert golden["recommend"]["outputs"]["machine"].tolist() == [3]
    assert golden["recommend"]["inputs"] == {}


@pytest.mark.parametrize("machine", ["", "x86_64 AVX2/2 cores"])
def test_the_machine_is_told_and_is_no_signature(machine: str) -> None:
    content = dump_golden({}, machine=machine)
    assert golden_machine(content) == machine
    assert load_golden(content) == {}
