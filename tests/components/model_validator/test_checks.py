"""Each check of the validator, on arrays made by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from components.model_validator import heads, outputs, weights
from components.model_validator.outputs import Comparison
from components.model_validator.report import (
    CheckResult,
    Report,
    from_problems,
    guarded,
    together,
)

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
    assert weights.check_as_set("v", trained(), {"b": KERNEL, "a": BIAS}).passed
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


def test_a_stored_variable_that_nobody_trained_is_named() -> None:
    stored = {"a": BIAS, "b": KERNEL, "temperature": np.ones(3, np.float32)}
    result = weights.check_as_set("v", trained(), stored)
    assert not result.passed
    assert result.detail == "temperature: is stored, and holds no trained values"


def test_an_empty_list_of_weights_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "weights.json").write_text("[]")
    with pytest.raises(ValueError, match=r"weights\.json names no variable"):
        weights.read_records(tmp_path / "weights.json")


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


def test_golden_values_that_were_never_recorded_are_missed() -> None:
    found = {"risk": np.array([0.5]), "likelihood": np.array([0.5])}
    golden = {"risk": np.empty(0)}
    result = outputs.check_golden(
        "g", golden, found, same_machine=True, wanted=("risk", "likelihood")
    )
    assert not result.passed
    assert "no golden value of risk was recorded" in result.detail
    assert "no golden value of likelihood was recorded" in result.detail
    whole = outputs.check_golden("g", found, found, same_machine=True, wanted=tuple(found))
    assert whole.passed


def test_differences_are_relative_to_values_above_one() -> None:
    one, other = np.array([0.5, 200.0, -1e9]), np.array([0.501, 200.1, -1e9])
    # |0.5 - 0.501| / 1 = 0.001; 0.1 / 200 = 0.0005; the sentinel is the same.
    assert outputs.largest_difference(one, other) == pytest.approx(0.001)
    assert outputs.largest_difference(one[1:], other[1:]) == pytest.approx(0.0005)
    infinite = np.array([np.inf])
    assert outputs.largest_difference(infinite, infinite) == 0
    assert outputs.largest_difference(infinite, np.array([1.0])) == np.inf
    assert outputs.largest_difference(np.array([1.0]), infinite) == np.inf


def test_computations_that_disagree_are_named_with_the_pair() -> None:
    same = Comparison({"a": np.array([1.0])}, {"a": np.array([1.0 + 1e-7])}, "x and y")
    other = Comparison({"a": np.array([1.0])}, {"a": np.array([1.1])}, "x and z")
    less = Comparison({"b": np.array([1.0])}, {}, "x and w")
    assert outputs.check_agreement("g", same, remedy="").passed
    result = outputs.check_agreement("g", same, other, less, remedy="export again")
    assert result.detail == "a differs by 0.1 between x and z; b is missing (x and w)"
    assert result.values["largest_difference"] == pytest.approx(0.1)
    assert result.remedy == "export again"


def test_padding_holds_the_sentinel_and_nothing_else() -> None:
    listed = np.array([[True, False], [True, True]])
    good = {"risk_given": np.array([[0.5, -1.0], [0.2, 0.1]], np.float32)}
    assert outputs.check_padding("p", good, listed, {"risk_given": -1.0}).passed
    zero = {"risk_given": np.array([[0.5, 0.0], [0.2, 0.1]], np.float32)}
    result = outputs.check_padding("p", zero, listed, {"risk_given": -1.0})
    assert result.detail == "risk_given: 1 places of padding hold 0"
    narrow = {"risk_given": np.zeros((2, 1), np.float32)}
    result = outputs.check_padding("p", narrow, listed, {"risk_given": -1.0})
    assert result.detail == "risk_given: shape [2, 1] for lists of [2, 2]"


def test_outputs_may_end_where_the_longest_list_does() -> None:
    listed = np.array([[True, False, False], [True, True, False]])
    scores = {"risk_given": np.array([[0.5, -1.0], [0.2, 0.1]], np.float32)}
    assert outputs.check_padding("p", scores, listed, {"risk_given": -1.0}).passed
    nobody = {"risk_given": np.empty((0, 0), np.float32)}
    assert outputs.check_padding("p", nobody, np.empty((0, 3), bool), {"risk_given": -1.0}).passed


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
    score = heads.check_range("h", {"score": np.array([-7.0, 9.0])}, probabilities=False)
    assert score.passed
    assert score.detail == "score -7 to 9"
    assert score.values == {"score": [-7.0, 9.0]}


@pytest.mark.parametrize("values", [[0.3, 0.3, 0.3], [0.3], []])
def test_a_constant_head_is_refused(values: list[float]) -> None:
    scores = {"risk": np.array(values), "likelihood": np.array([0.1, 0.9, 0.4])}
    result = heads.check_not_constant("h", scores)
    assert not result.passed
    assert result.detail.startswith("risk:")
    assert "likelihood" not in result.detail


def test_a_head_that_is_constant_for_some_rows_is_refused() -> None:
    alive = np.linspace(0.1, 0.9, 12)
    partly = np.concatenate([alive[:8], np.full(4, 0.5)])
    result = heads.check_not_constant("h", {"risk": partly, "likelihood": alive})
    assert not result.passed
    assert result.detail == "risk: 4 of 12 different rows get 0.5"
    # 3 of 12 are a quarter, and 2 of 3 may be chance.
    assert heads.check_not_constant("h", {"risk": np.append(alive[:9], [0.5] * 3)}).passed
    assert heads.check_not_constant("h", {"risk": np.array([0.1, 0.5, 0.5])}).passed


def test_the_largest_tie_is_relative_to_the_value() -> None:
    assert heads.largest_tie(np.array([3.0, 1.0, 3.0, 2.0])) == (2, 3.0)
    # Rare events have small probabilities, which are not the same for that.
    assert heads.largest_tie(np.array([1e-9, 2e-9, 3e-9]))[0] == 1
    assert heads.largest_tie(np.array([0.5, 0.5 + 1e-7]))[0] == 2
    assert heads.largest_tie(np.array([0.5])) == (1, 0.5)


def test_the_share_that_changed_is_of_what_is_judged() -> None:
    before = np.array([0.1, 0.2, 0.3, 0.4])
    after = np.array([0.1, 0.3, 0.3 + 1e-9, 0.5])
    judged = np.array([True, True, True, False])
    assert heads.changed_share(before, after, judged) == pytest.approx(1 / 3)
    assert heads.changed_share(before, after, np.zeros(4, bool)) is None
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert heads.changed_share(matrix, matrix.T, np.ones((2, 2), bool)) == pytest.approx(0.5)


def test_a_head_that_ignores_its_inputs_is_refused() -> None:
    sides = {"student": {"a": 1.0, "b": 0.4}}
    groups = {"history": {"a": 0.0, "b": 0.1}, "profile": {"a": None, "b": None}}
    result = heads.check_sensitive("h", sides, groups)
    assert not result.passed
    assert result.detail == (
        "b: 60% of the values stay the same with other student inputs; "
        "a: the same values with other history inputs"
    )
    assert result.values == {**sides, **groups}


def test_inputs_that_do_not_differ_are_not_judged_and_said_to_be() -> None:
    sides = {"student": {"a": 0.5}, "candidate": {"a": None}}
    result = heads.check_sensitive("h", sides, {"history": {"a": 0.01}})
    assert result.passed
    assert result.detail == (
        "every head reads student, history; the golden rows do not differ in candidate"
    )


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


def test_a_copy_within_lists_is_found_behind_an_offset_for_each_student() -> None:
    random = np.random.default_rng(0)
    given = random.random((20, 6))
    ranking = np.exp(given) + 10 * random.random((20, 1))
    listed = np.ones((20, 6), bool)
    # Over all rows the offset hides it.
    assert abs(heads.rank_correlation(given.ravel(), ranking.ravel())) < 0.9
    scores = {"ranking": ranking, "given": given, "other": random.random((20, 6))}
    result = heads.check_own_list_order("h", "ranking", scores, listed)
    assert not result.passed
    # 20 lists of 6 have 20 * 15 pairs.
    assert result.detail == "ranking orders every list as given does (300 pairs, Kendall 1.000000)"
    assert heads.check_own_list_order("h", "ranking", {**scores, "given": -given}, ~listed).passed
    reverse = heads.check_own_list_order("h", "ranking", {**scores, "given": -given}, listed)
    assert "Kendall -1.000000" in reverse.detail


def test_kendall_counts_the_pairs_within_each_list() -> None:
    one = np.array([[1.0, 2.0, 3.0], [5.0, 4.0, 0.0]])
    other = np.array([[1.0, 3.0, 2.0], [7.0, 7.0, 0.0]])
    listed = np.array([[True, True, True], [True, True, False]])
    # First list: +1 +1 -1; second: one pair, tied in one of the two.
    assert heads.list_correlation(one, other, listed) == (pytest.approx(1 / 4), 4)
    assert heads.list_correlation(one, other, np.zeros((2, 3), bool)) == (0.0, 0)


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


def test_a_report_for_a_person_begins_with_the_verdict_and_what_failed() -> None:
    checks = (
        CheckResult("a", True, "fine"),
        CheckResult("b", False, "bad", remedy="mend it."),
        CheckResult("c", False, "worse"),
    )
    assert Report(checks, "copy").text() == (
        "rejected: b, c\n"
        "inspected in: copy\n"
        "FAILED  b: bad\n"
        "        Remedy: mend it.\n"
        "FAILED  c: worse\n"
        "passed  a: fine\n"
    )
    assert Report(checks[:1], "copy").text() == "blessed\ninspected in: copy\npassed  a: fine\n"
    assert Report((), "").text().startswith("rejected: nothing was checked")


def test_checks_taken_together_fail_with_all_that_failed() -> None:
    good = CheckResult("x", True, "fine", {"one": 1})
    bad = CheckResult("x", False, "bad", {"two": 2}, "mend it.")
    worse = CheckResult("x", False, "worse", {}, "mend it.")
    assert together("x", [good, good]) == CheckResult("x", True, "fine", {"one": 1})
    both = CheckResult("x", False, "bad; worse", {"one": 1, "two": 2}, "mend it.")
    assert together("x", [good, bad, worse]) == both


def test_a_long_list_of_problems_is_cut_and_counted() -> None:
    result = from_problems("x", [str(n) for n in range(8)], "")
    assert result.detail == "0; 1; 2; 3; 4; and 3 more"
