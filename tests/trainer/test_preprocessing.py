"""What is learned from the training Examples, and what it makes of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from schemas import names
from schemas.config import GoalpathConfig
from tests.random_examples import Row, random_rows, serialize, small_config
from tests.trained_run import analyse, train_rows
from trainer import features
from trainer.batching import model_inputs, raw_feature_spec
from trainer.example_batches import Transform
from trainer.features import Group, Scale

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float64]
Apply = Callable[[Iterable[Row]], dict[str, Array]]


def applied(layer: Transform, config: GoalpathConfig) -> Apply:
    parsing = raw_feature_spec(config, labels=False)

    def apply(rows: Iterable[Row]) -> dict[str, Array]:
        raw = tf.io.parse_example(serialize(config, rows), parsing)
        inputs = model_inputs(layer(raw), config, tuple(Group))
        return {key: value.numpy() for key, value in inputs.items()}

    return apply


@pytest.fixture(name="apply", scope="module")
def _apply(layer: Transform, config: GoalpathConfig) -> Apply:
    return applied(layer, config)


@pytest.fixture(name="learned", scope="module")
def _learned(config: GoalpathConfig) -> list[Row]:
    return train_rows(config)


@pytest.fixture(name="others", scope="module")
def _others(config: GoalpathConfig) -> list[Row]:
    """Not of the same distribution as what was learned."""
    rows = random_rows(config, 20, seed=404, empty_share=0.3)
    for row in rows:
        for key in (names.Q_DAYS_IN_STAGE, names.Q_WEEKLY_ACTIVE, "profile_age"):
            row[key] = [3 * value for value in row[key]]
    return rows


def column(inputs: dict[str, Array], config: GoalpathConfig, key: str, scale: Scale) -> Array:
    """The columns of a feature: `[rows, size]`, or `[present items, 1]` for lists."""
    for group in Group:
        start = 0
        for channel in features.channels(config, group):
            if (channel.key, channel.scale) == (key, scale):
                values = inputs[group.numbers][..., start : start + channel.size]
                if group.listed:
                    there = inputs[features.GROUP_ID[group] + features.INDEX_SUFFIX] > 0
                    return np.asarray(values[there])
                return np.asarray(values)
            start += channel.size
    raise KeyError(key)


def values(rows: Iterable[Row], key: str) -> Floats:
    """All values end to end; vectors keep their rows."""
    if key == names.Q_WEEKLY_ACTIVE:
        return np.array([row[key] for row in rows], np.float64)
    return np.array([value for row in rows for value in row[key]], np.float64)[:, np.newaxis]


def signed_log(x: Floats) -> Floats:
    return np.asarray(np.sign(x) * np.log(1 + np.abs(x)))


def unchanged(x: Floats) -> Floats:
    return x


def log_share(x: Floats) -> Floats:
    return np.asarray(np.log(x + 1e-4))


class Case(NamedTuple):
    key: str
    scale: Scale
    function: Callable[[Floats], Floats]
    known: str | None = None


CASES = (
    Case(names.Q_DAYS_IN_STAGE, Scale.SIGNED_LOG, signed_log),
    Case(names.Q_DAYS_IN_STAGE, Scale.LINEAR, unchanged),
    Case(names.Q_WEEKLY_ACTIVE, Scale.SIGNED_LOG, signed_log),
    Case(names.Q_DAYS_TO_CLOSE, Scale.LINEAR, unchanged, names.Q_COHORT_KNOWN),
    Case("profile_age", Scale.LINEAR, unchanged, "profile_age_known"),
    Case("profile_applied", Scale.SIGNED_LOG, signed_log, "profile_applied_known"),
    Case("profile_applied", Scale.LINEAR, unchanged, "profile_applied_known"),
    Case(names.TYPE_MET_ALL, Scale.SIGNED_LOG, signed_log),
    Case(names.HISTORY_DAYS_AGO, Scale.SIGNED_LOG, signed_log),
    Case(names.C_POPULARITY_7, Scale.LOG_SHARE, log_share),
    Case(names.C_OWN_DAYS_SINCE, Scale.SIGNED_LOG, signed_log, names.C_OWN_MET),
    Case("candidate_attribute_cost", Scale.LINEAR, unchanged, "candidate_attribute_cost_known"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key} {case.scale.value}")
def test_numbers_are_scores_by_mean_and_deviation_of_the_training_examples(
    apply: Apply, learned: list[Row], others: list[Row], config: GoalpathConfig, case: Case
) -> None:
    before, now = (case.function(values(rows, case.key)) for rows in (learned, others))
    is_known = np.ones(len(now), bool)
    if case.known:
        is_known = values(others, case.known)[:, 0] > 0
        assert len(set(is_known.tolist())) == 2
        before = before[values(learned, case.known)[:, 0] > 0]
    now = np.clip(now, before.min(axis=0), before.max(axis=0))
    expected = (now - before.mean(axis=0)) / before.std(axis=0)
    expected = np.clip(np.where(is_known[:, np.newaxis], expected, 0), -10, 10)
    actual = column(apply(others), config, case.key, case.scale)
    np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(
    "key",
    [
        names.Q_STAGE_POSITION,
        names.Q_NEXT_DUE_KNOWN,
        "profile_age_known",
        names.HISTORY_ACTIVE,
        names.C_OWN_TYPE_SHARE,
        "candidate_attribute_made_known",
    ],
)
def test_flags_and_shares_stay_as_they_are(
    apply: Apply, others: list[Row], config: GoalpathConfig, key: str
) -> None:
    actual = column(apply(others), config, key, Scale.UNIT)
    np.testing.assert_array_equal(actual, values(others, key).astype(np.float32))


def test_the_phase_of_the_year_is_not_told_by_less_than_two_years(
    apply: Apply, others: list[Row], config: GoalpathConfig
) -> None:
    for key in (names.Q_YEAR_SIN, names.Q_YEAR_COS):
        assert values(others, key).any()
        assert not column(apply(others), config, key, Scale.UNIT).any()


@pytest.mark.parametrize("value", [1e30, -1e30, 3e4])
def test_a_number_beyond_all_that_was_learned_is_read_as_the_nearest_of_them(
    apply: Apply,
    learned: list[Row],
    others: list[Row],
    config: GoalpathConfig,
    value: float,
) -> None:
    key = names.Q_DAYS_IN_STAGE
    edge = (max if value > 0 else min)(float(row[key][0]) for row in learned)
    rows = [{**others[0], key: [each]} for each in (value, edge)]
    for scale in (Scale.LINEAR, Scale.SIGNED_LOG):
        beyond, last = column(apply(rows), config, key, scale)[:, 0].tolist()
        assert beyond == last != 0


def test_where_few_had_a_value_another_is_no_outlier(
    config: GoalpathConfig, tmp_path: Path
) -> None:
    # Ages of 20 and 21 in training: 60 would be eighty standard deviations away.
    rows = random_rows(config, 30, seed=12)
    for place, row in enumerate(rows):
        row["profile_age"], row["profile_age_known"] = [0.0], [0.0]
        if place < 6:
            row["profile_age"], row["profile_age_known"] = [20.0 + place % 2], [1.0]
    folder = tmp_path / "transform"
    analyse(config, serialize(config, rows), folder)
    layer = tft.TFTransformOutput(str(folder)).transform_features_layer()
    asked = [{**rows[0], "profile_age": [age]} for age in (60.0, 21.0, 20.0)]
    scores = column(applied(layer, config)(asked), config, "profile_age", Scale.LINEAR)
    np.testing.assert_allclose(scores[:, 0], [1.0, 1.0, -1.0], rtol=1e-5)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number_is_unknown(
    apply: Apply, others: list[Row], config: GoalpathConfig, value: float
) -> None:
    row = {**others[0], names.Q_DAYS_IN_STAGE: [value]}
    actual = column(apply([row]), config, names.Q_DAYS_IN_STAGE, Scale.LINEAR)
    assert actual.tolist() == [[0]]


def test_a_row_does_not_depend_on_the_rows_beside_it(apply: Apply, others: list[Row]) -> None:
    together = apply(others)
    for place in (0, 7, 19):
        for key, alone in apply(others[place : place + 1]).items():
            expected = together[key][place]
            if alone.ndim > 1 and expected.shape != alone[0].shape:
                expected = expected[: alone.shape[1]]
            # A logarithm of one row takes another path through the processor.
            np.testing.assert_allclose(alone[0], expected, rtol=1e-5, atol=1e-6, err_msg=key)


def test_ids_of_history_and_candidates_share_a_vocabulary_by_frequency(
    apply: Apply, learned: list[Row], others: list[Row]
) -> None:
    counted = Counter(
        text for row in learned for key in (names.HISTORY_ID, names.C_ID) for text in row[key]
    )
    found: dict[bytes, set[int]] = {}
    inputs = apply(others)
    for key in (names.HISTORY_ID, names.C_ID):
        for row, index in zip(others, inputs[key + features.INDEX_SUFFIX], strict=True):
            assert not index[len(row[key]) :].any()
            for text, place in zip(row[key], index[: len(row[key])].tolist(), strict=True):
                found.setdefault(text, set()).add(place)
    assert len(found) > 30
    assert all(len(places) == 1 for places in found.values())
    ranked = sorted(found, key=lambda text: min(found[text]))
    counts = [counted[text] for text in ranked]
    assert counts == sorted(counts, reverse=True)
    places = [min(found[text]) for text in ranked]
    assert min(places) >= 1
    assert max(places) <= len(counted)


def first_index(apply: Apply, row: Row, key: str) -> int:
    return int(np.ravel(apply([row])[key + features.INDEX_SUFFIX])[0])


def test_what_is_missing_is_0_and_what_was_never_met_is_unknown(
    apply: Apply, learned: list[Row], others: list[Row], config: GoalpathConfig
) -> None:
    shared = features.vocabularies(config)[features.VALUE_VOCABULARY]
    assert set(shared) > {names.Q_STAGE, "profile_major"}
    met = {text for row in learned for key in shared for text in row[key]} - {b""}
    size = len(met)
    row = others[0]
    assert first_index(apply, {**row, "profile_major": [b""]}, "profile_major") == 0
    known = {first_index(apply, {**row, "profile_major": [m]}, "profile_major") for m in met}
    assert known == set(range(1, size + 1))
    strange = {
        first_index(apply, {**row, "profile_major": [b"new-%d" % i]}, "profile_major")
        for i in range(40)
    }
    assert strange == {size + 1}


def test_the_same_value_is_the_same_integer_in_every_column(
    apply: Apply, others: list[Row]
) -> None:
    attribute = "candidate_attribute_theme"
    row = {**others[0], "profile_major": [b"Second"], names.Q_STAGE: [b"Second"]}
    listed = [b"First", b"Second", b"Second"]
    row |= {key: (value * 3)[:3] for key, value in row.items() if key.startswith("candidate_")}
    row |= {attribute: listed, names.C_ID: [b"a", b"b", b"c"]}
    stage = first_index(apply, row, names.Q_STAGE)
    assert first_index(apply, row, "profile_major") == stage
    places = apply([row])[attribute + features.INDEX_SUFFIX][0].tolist()
    assert places[1:] == [stage, stage]
    assert places[0] not in (0, stage)


def test_a_text_is_its_first_words_in_lower_case(
    apply: Apply, others: list[Row], config: GoalpathConfig
) -> None:
    def tokens(text: str) -> list[int]:
        row = {**others[0], "profile_essay": [text.encode()]}
        return [int(token) for token in apply([row])["profile_essay" + features.TOKENS_SUFFIX][0]]

    length = config.training.text_tokens
    assert tokens("") == [0] * length
    assert tokens(" -- !? ") == [0] * length
    plain = tokens("open day campus")
    assert all(plain[:3])
    assert len(set(plain[:3])) == 3
    assert plain[3:] == [0] * (length - 3)
    assert tokens("  Open-DAY,\n(campus)!") == plain
    assert tokens("ÜBUNG day") == tokens("übung, day")
    assert tokens("open " * 30 + "day") == [plain[0]] * length
    vocabulary = 7
    assert all(token > vocabulary for token in tokens("never heard")[:2])


def test_empty_lists_stay_empty(apply: Apply, others: list[Row]) -> None:
    (row,) = [row for row in others if not row[names.HISTORY_ID] and not row[names.C_ID]][:1]
    inputs = apply([row])
    for group in (Group.TYPES, Group.HISTORY, Group.CANDIDATES):
        assert inputs[group.numbers].shape[:2] == (1, 0)
        assert inputs[features.GROUP_ID[group] + features.INDEX_SUFFIX].shape == (1, 0)


def blank(config: GoalpathConfig) -> Row:
    """One student without event, candidate, profile or anything that differs."""
    (row,) = random_rows(config, 1, seed=1, empty_share=1.0)
    for key, held in row.items():
        if held and isinstance(held[0], float):
            row[key] = [0.0] * len(held)
    return {**row, "profile_major": [b""], "profile_essay": [b""]}


@pytest.fixture(name="from_nothing", scope="module")
def _from_nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = small_config()
    folder = tmp_path_factory.mktemp("nothing") / "transform"
    analyse(config, serialize(config, [blank(config)]), folder)
    return folder


def test_from_one_blank_example_nothing_is_learned_and_all_else_still_transforms(
    from_nothing: Path, others: list[Row]
) -> None:
    config = small_config()
    transform = tft.TFTransformOutput(str(from_nothing))
    inputs = applied(transform.transform_features_layer(), config)(others)
    for group in Group:
        units = [
            channel.scale is Scale.UNIT
            for channel in features.channels(config, group)
            for _ in range(channel.size)
        ]
        numbers = inputs[group.numbers]
        assert np.isfinite(numbers).all()
        assert not numbers[..., ~np.array(units)].any()
    for name in features.vocabularies(config):
        assert transform.vocabulary_size_by_name(name) <= 1
    for category in features.categories(config):
        index = inputs[category.index]
        assert index.min() >= 0
        assert index.max() <= 2
        assert index.any(), category.key
