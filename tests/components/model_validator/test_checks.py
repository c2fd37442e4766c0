"""Each check of the validator, on arrays made by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from components.model_validator import heads, outputs, weights
from components.model_validator.report import CheckResult, Report, from_problems, guarded

KERNEL = np.array([[1.0, 2.0]], np.float32)
BIAS = np.array([0.5], np.float32)


def trained() -> list[weights.WeightRecord]:
    return [weights.record("tower/kernel", KERNEL), weights.record("tower/bias", BIAS)]


def test_a_record_is_the_digest_of_the_bytes() -> None:
    found = weights.record("x", KERNEL)
    # 1.0f and 2.0f, little-endian.
    digest = hashlib.sha256(bytes.fromhex("0000803f00000040")).hexdigest()
    assert found == weights.WeightRecord("x", (1, 2), "float32", digest)


def test_records_are_read_back(tmp_path: Path) -> None:
    entry = {"path": "x", "shape": [1, 2], "dtype": "float32", "sha256": "ab"}
    (tmp_path / "weights.json").write_text(json.dumps([entry]))
    assert weights.read_records(tmp_path / "weights.json") == [
        weights.WeightRecord("x", (1, 2), "float32", "ab")
    ]


def test_the_trained_weights_pass_every_comparison() -> None:
    assert weights.check_in_order("v", trained(), [KERNEL, BIAS]).passed
    by_path = {"tower/kernel": KERNEL, "tower/bias": BIAS}
    assert weights.check_by_path("v", trained(), by_path).passed
    assert weights.check_as_set("v", trained(), {"a": BIAS, "b": KERNEL, "c": KERNEL}).passed
    assert weights.check_finite("v", by_path).passed


@pytest.mark.parametrize(
    ("kernel", "said"),
    [
        (np.zeros_like(KERNEL), "tower/kernel: its values are not the trained ones"),
        (KERNEL.T, "trained as float32[1, 2], found float32[2, 1]"),
        (KERNEL.astype(np.float64), "found float64"),
        (np.nextafter(KERNEL, 9, dtype=np.float32), "its values are not"),
    ],
)
def test_one_changed_variable_is_named(kernel: np.ndarray, said: str) -> None:
    for result in (
        weights.check_in_order("v", trained(), [kernel, BIAS]),
        weights.check_by_path("v", trained(), {"tower/kernel": kernel, "tower/bias": BIAS}),
    ):
        assert not result.passed
        assert said in result.detail
        assert "tower/bias" not in result.detail
    assert not weights.check_as_set("v", trained(), {"a": kernel, "b": BIAS}).passed


def test_missing_and_extra_variables_are_named() -> None:
    assert "trained 2 variables, found 1" in weights.check_in_order("v", trained(), [KERNEL]).detail
    result = weights.check_by_path("v", trained(), {"tower/kernel": KERNEL, "other": BIAS})
    assert result.detail == (
        "tower/bias: was trained, and is not there; other: is there, and was not trained"
    )


def test_a_nan_weight_is_counted() -> None:
    result = weights.check_finite("v", {"k": np.array([1, np.nan, np.inf], np.float32)})
    assert not result.passed
    assert result.detail == "k: 2 of 3 values are NaN or infinite"


def test_bit_for_bit_here_and_within_tolerance_elsewhere() -> None:
    golden = {"risk": np.array([0.5], np.float32)}
    last_bit = {"risk": np.nextafter(golden["risk"], 1, dtype=np.float32)}
    assert outputs.check_golden("g", golden, golden, same_machine=True).passed
    assert not outputs.check_golden("g", golden, last_bit, same_machine=True).passed
    assert outputs.check_golden("g", golden, last_bit, same_machine=False).passed
    far = {"risk": golden["risk"] + 1e-3}
    assert not outputs.check_golden("g", golden, far, same_machine=False).passed


def test_a_missing_output_and_another_text_are_differences() -> None:
    golden = {"id": np.array([b"e1"]), "score": np.array([1.0])}
    assert "score is missing" in outputs.check_golden("g", golden, {}, same_machine=True).detail
    other = {"id": np.array([b"e2"]), "score": np.array([1.0])}
    assert "id differs" in outputs.check_golden("g", golden, other, same_machine=True).detail


def test_nan_on_one_side_alone_is_a_difference() -> None:
    one, other = np.array([1.0, np.nan]), np.array([1.0, 2.0])
    assert outputs.largest_difference(one, other) == np.inf
    assert outputs.largest_difference(one, one) == 0
    assert outputs.largest_difference(one, one[:1]) == np.inf
    assert outputs.largest_difference(np.empty(0), np.empty(0)) == 0


def test_values_out_of_range_or_not_finite_are_refused() -> None:
    fine = {"risk": np.array([0.0, 1.0])}
    assert heads.check_range("h", fine, probabilities=True).passed
    for values in ([0.2, 1.01], [-0.01, 0.5], [0.5, np.nan], [0.5, np.inf]):
        assert not heads.check_range("h", {"risk": np.array(values)}, probabilities=True).passed
    assert heads.check_range("h", {"score": np.array([-7.0, 9.0])}, probabilities=False).passed


@pytest.mark.parametrize("values", [[0.3, 0.3, 0.3], [0.3], []])
def test_a_constant_head_is_refused(values: list[float]) -> None:
    scores = {"risk": np.array(values), "likelihood": np.array([0.1, 0.9, 0.4])}
    result = heads.check_not_constant("h", scores)
    assert not result.passed
    assert result.detail.startswith("risk:")
    assert "likelihood" not in result.detail


def test_a_head_that_ignores_its_inputs_is_refused() -> None:
    before = {"a": np.array([0.1, 0.2]), "b": np.array([0.3, 0.4])}
    after = {"a": np.array([0.2, 0.1]), "b": np.array([0.3, 0.4])}
    result = heads.check_sensitive("h", before, after)
    assert not result.passed
    assert result.detail == "b: the same values with other inputs"
    assert heads.check_sensitive("h", {"a": before["a"]}, {"a": after["a"]}).passed


def test_a_monotone_copy_is_refused_in_either_direction() -> None:
    x = np.linspace(-2, 2, 20)
    for copy in (np.exp(x), 1 / (1 + np.exp(x))):
        result = heads.check_own_order("h", {"likelihood": x, "risk": copy})
        assert not result.passed
        assert "risk orders rows as likelihood does" in result.detail


def test_one_exchange_in_twenty_rows_is_an_order_of_its_own() -> None:
    x = np.arange(20.0)
    other = x.copy()
    other[[3, 4]] = other[[4, 3]]
    result = heads.check_own_order("h", {"a": x, "b": other})
    # rho = 1 - 6 * sum(d^2) / (n^3 - n) = 1 - 6 * 2 / 7980
    assert result.passed
    assert result.values["a~b"] == pytest.approx(1 - 12 / 7980)


def test_too_few_rows_cannot_be_judged() -> None:
    result = heads.check_own_order("h", {"a": np.arange(7.0), "b": np.arange(7.0)[::-1]})
    assert not result.passed
    assert "7 rows, 8 are needed" in result.detail


def test_lists_must_descend_and_be_the_best() -> None:
    every = [np.array([3.0, 1.0, 2.0])]
    assert heads.check_top_k("t", [np.array([3.0, 2.0])], every).passed
    assert not heads.check_top_k("t", [np.array([2.0, 3.0])], every).passed
    assert not heads.check_top_k("t", [np.array([3.0, 1.0])], every).passed
    assert not heads.check_top_k("t", [np.array([3.0, 2.0, 1.0, 0.0])], every).passed
    assert heads.check_top_k("t", [np.empty(0)], [np.empty(0)]).passed


def test_what_a_check_raises_is_its_failure() -> None:
    def broken() -> CheckResult:
        raise OSError("variables file\nis torn")

    result = guarded("variables", broken)
    assert (result.name, result.passed) == ("variables", False)
    assert result.detail == "OSError: variables file is torn"


def test_a_report_is_written_and_read_back(tmp_path: Path) -> None:
    report = Report((CheckResult("a", True, "fine"), CheckResult("b", False, "bad")), "copy")
    report.write(tmp_path / "report.json")
    assert Report.read(tmp_path / "report.json") == report
    assert not report.blessed
    assert Report((report.checks[0],)).blessed
    assert not Report(()).blessed


def test_a_long_list_of_problems_is_cut_and_counted() -> None:
    result = from_problems("x", [str(n) for n in range(8)], "")
    assert result.detail == "0; 1; 2; 3; 4; and 3 more"
