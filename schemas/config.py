"""The configuration of a data set: `goalpath.yaml` as frozen, checked models."""

from __future__ import annotations

import copy
import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import yaml

from schemas import names
from schemas.errors import ConfigError, UnknownStageError


class Kind(str, enum.Enum):
    """What a configured column holds."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    TEXT = "text"
    DATE = "date"


class Cadence(str, enum.Enum):
    """When snapshots are taken."""

    EVERY_EVENT = "every_event"
    DAILY = "daily"
    WEEKLY = "weekly"


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class TableConfig(_Model):
    """Where a table is and how its columns are to be read.

    Attributes:
      path: file, folder or glob, relative to the data folder. None: `<table>.csv`,
        `<table>.parquet` or a folder `<table>/`, whichever is there.
      rename: column in the file -> column of the contract. All at once, so two
        columns may swap names.
      date_format: strptime format of date and time columns; None: ISO 8601.
      date_formats: the same for single columns (contract names).
      features: columns to use as features, with their kinds; all others are ignored.
      null_values: texts that mean "missing", beside the empty one.
      separator: between the fields of a CSV file.
      encoding: of a CSV file, as Python calls it.
    """

    path: str | None = None
    rename: Mapping[str, str] = pydantic.Field(default_factory=dict)
    date_format: str | None = None
    date_formats: Mapping[str, str] = pydantic.Field(default_factory=dict)
    features: Mapping[str, Kind] = pydantic.Field(default_factory=dict)
    null_values: tuple[str, ...] = ("",)
    separator: str = pydantic.Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"


class EventsTableConfig(TableConfig):
    """The events.

    Attributes:
      duplicates: what an event is that repeats another in every column: "reject"
        (a fault of the export) or "keep" (it happened twice, and the export's
        clock is too coarse to tell).
    """

    duplicates: Literal["reject", "keep"] = "reject"


class TablesConfig(_Model):
    """One entry a table; `stage_changes` and `cohorts` only where they exist."""

    students: TableConfig = TableConfig()
    engagements: TableConfig = TableConfig()
    events: EventsTableConfig = EventsTableConfig()
    stage_changes: TableConfig | None = None
    cohorts: TableConfig | None = None


class HorizonsConfig(_Model):
    """How far each label looks ahead, in days."""

    likelihood_days: pydantic.PositiveInt = 28
    risk_days: pydantic.PositiveInt = 28
    goal_days: pydantic.PositiveInt = 90

    @property
    def longest_days(self) -> int:
        """The longest of the three, in days."""
        return max(self.likelihood_days, self.risk_days, self.goal_days)


class ResponsesConfig(_Model):
    """What a response means.

    Attributes:
      active: responses that count as activity. None: every event is active.
      grades: relevance of a response for ranking (0 to 7). An active response
        without a grade has 1, one that is not active 0.
      lost: responses that lose the student for good, such as "unsubscribed".
    """

    active: tuple[str, ...] | None = None
    grades: Mapping[str, Annotated[float, pydantic.Field(ge=0, le=7)]] = pydantic.Field(
        default_factory=dict
    )
    lost: tuple[str, ...] = ()


class RankingConfig(_Model):
    """The candidate list of a snapshot.

    Attributes:
      window_days: responses within so many days of t are what ranking predicts.
      negatives: draws of negatives a training snapshot gets.
      popular_share: share of the draws made in proportion to popularity, the
        others being uniform.
      evaluation_share: share of evaluation snapshots (by hash) that carry their
        whole list of eligible engagements; the others carry none.
    """

    window_days: pydantic.PositiveInt = 7
    negatives: pydantic.PositiveInt = 48
    popular_share: float = pydantic.Field(default=0.5, ge=0, lt=1)
    evaluation_share: float = pydantic.Field(default=0.2, gt=0, le=1)


class SnapshotsConfig(_Model):
    """When the state of a student is taken, and how much of its history."""

    cadence: Cadence = Cadence.WEEKLY
    history_length: pydantic.PositiveInt = 32


class TimeSplitConfig(_Model):
    """Evaluate on what came later.

    Attributes:
      evaluation_share: share of the usable period that evaluation takes.
      evaluation_from: the date itself, in place of the share.
      calibration_share: share of students (by hash) set apart for calibration.
      embargo_days: no snapshot between training's last label and evaluation's
        first snapshot. None: the longer of the likelihood and risk horizons.
    """

    method: Literal["time"] = "time"
    evaluation_share: float = pydantic.Field(default=0.25, gt=0, lt=1)
    evaluation_from: dt.date | None = None
    calibration_share: float = pydantic.Field(default=0.15, gt=0, lt=1)
    embargo_days: pydantic.NonNegativeInt | None = None


class CohortSplitConfig(_Model):
    """Evaluate on other cohorts.

    Attributes:
      train: values of the students' `cohort` column to learn from.
      eval: values to evaluate on. Other cohorts get states, but no Examples.
      calibration_share: share of the training students (by hash) set apart.
    """

    method: Literal["cohort"]
    train: tuple[str, ...] = pydantic.Field(min_length=1)
    eval: tuple[str, ...] = pydantic.Field(min_length=1)
    calibration_share: float = pydantic.Field(default=0.15, gt=0, lt=1)

    @pydantic.model_validator(mode="after")
    def _no_cohort_in_both(self) -> CohortSplitConfig:
        both = sorted(set(self.train) & set(self.eval))
        if both:
            raise ValueError(f"train and eval must not share a cohort; both have {both}")
        return self


class LossWeightsConfig(_Model):
    """How much each head's loss counts in the sum that training minimises."""

    ranking: pydantic.PositiveFloat = 1.0
    likelihood: pydantic.PositiveFloat = 1.0
    risk: pydantic.PositiveFloat = 1.0
    goal: pydantic.PositiveFloat = 1.0


class TrainingConfig(_Model):
    """How the model is built and trained.

    Attributes:
      epochs: passes over the training split, at most; early stopping may end it.
      batch_size: snapshots in a step.
      learning_rate: peak of the cosine schedule.
      warmup_share: share of the steps in which the rate rises to its peak.
      weight_decay: decoupled from the gradient (AdamW).
      gradient_clip_norm: most that the norm of a step's gradient may be.
      patience: epochs without a better loss on the calibration split before it ends.
      embedding_dim: width `D` of student and engagement embeddings.
      hidden_units: widths of the query tower's layers.
      candidate_units: widths of the candidate tower's layers.
      head_units: widths of each head's own layers.
      dropout: rate in towers and heads.
      id_dropout: share of the lists and histories whose engagement ids are hidden
        in training, so that the model can also rank engagements it has never seen.
      category_dropout: share of the types, responses, words and profile values hidden
        in training, one by one, for the same reason.
      vocabulary_size: entries kept of each open vocabulary, by frequency.
      text_tokens: words read of a text column, from its start.
      warm_start: begin from the weights of the last pushed version, where there is one,
        instead of random ones.
      loss_weights: of the heads.
      seed: of initialisation, shuffling and dropout.
    """

    epochs: pydantic.PositiveInt = 6
    batch_size: pydantic.PositiveInt = 256
    learning_rate: pydantic.PositiveFloat = 2e-3
    warmup_share: float = pydantic.Field(default=0.05, ge=0, lt=1)
    weight_decay: pydantic.NonNegativeFloat = 1e-4
    gradient_clip_norm: pydantic.PositiveFloat = 1.0
    patience: pydantic.PositiveInt = 2
    embedding_dim: pydantic.PositiveInt = 48
    hidden_units: tuple[pydantic.PositiveInt, ...] = (128, 64)
    candidate_units: tuple[pydantic.PositiveInt, ...] = (128, 64)
    head_units: tuple[pydantic.PositiveInt, ...] = pydantic.Field(default=(64,), min_length=1)
    dropout: float = pydantic.Field(default=0.1, ge=0, lt=1)
    id_dropout: float = pydantic.Field(default=0.5, ge=0, lt=1)
    category_dropout: float = pydantic.Field(default=0.02, ge=0, lt=1)
    vocabulary_size: pydantic.PositiveInt = 20_000
    text_tokens: pydantic.PositiveInt = 16
    warm_start: bool = False
    loss_weights: LossWeightsConfig = LossWeightsConfig()
    seed: int = 1


class EvaluationConfig(_Model):
    """What a model must reach to be blessed.

    Attributes:
      slices: feature columns (contract names) to slice metrics by, protected
        attributes among them. The stage is always one.
      min_likelihood_auc: absolute threshold, pooled over the evaluation split.
      min_risk_auc: the same for risk.
      min_ndcg_at_10: the same for ranking.
      min_log_loss_skill: likelihood and risk must beat the best constant probability
        by this share of its log loss; 0: at least as good. None: reported only.
      beat_simple_peers: AUC and NDCG@10 must be no lower than what one number reaches
        that needs no model: see `components/evaluator/simple_peers.py`.
      max_auc_drop: how much worse than the last pushed version is still let through.
      max_ndcg_drop: the same for NDCG@10.
      importance_examples: evaluation snapshots whose attributions are averaged for the
        importance of features.
    """

    slices: tuple[str, ...] = ()
    min_likelihood_auc: float = pydantic.Field(default=0.55, ge=0, le=1)
    min_risk_auc: float = pydantic.Field(default=0.55, ge=0, le=1)
    min_ndcg_at_10: float = pydantic.Field(default=0.1, ge=0, le=1)
    min_log_loss_skill: float | None = pydantic.Field(default=0.0, le=1)
    beat_simple_peers: bool = True
    max_auc_drop: float = pydantic.Field(default=0.02, ge=0, le=1)
    max_ndcg_drop: float = pydantic.Field(default=0.02, ge=0, le=1)
    importance_examples: pydantic.PositiveInt = 256


class ComparatorsConfig(_Model):
    """The most that a feature's distribution may move.

    Drift is against the last pushed version, skew that of the served states against
    training; by L-infinity distance for categorical features, by Jensen-Shannon
    divergence for numeric ones. None: reported, never an anomaly.
    """

    drift_linf: float | None = pydantic.Field(default=0.3, gt=0, le=1)
    drift_js: float | None = pydantic.Field(default=0.5, gt=0, le=1)
    skew_linf: float | None = pydantic.Field(default=None, gt=0, le=1)
    skew_js: float | None = pydantic.Field(default=None, gt=0, le=1)


class ValidationConfig(_Model):
    """What an anomaly of the Examples does.

    Attributes:
      on_anomaly: `stop` the run, or `report` it and go on.
    """

    on_anomaly: Literal["stop", "report"] = "stop"


class GoalsConfig(_Model):
    """How goal likelihoods are put together from the heads, on the calibration split.

    Attributes:
      interval_level: of the intervals.
      group_size: an interval is of the share that reaches the goal among so many
        students with like predictions in one week.
      fewest_conversions: students that must have taken a step, for weights of its own.
      ridge: pull of a step's weights to those of all steps.
      folds: that calibration students are cut into, to choose what to read.
      rate_prior: students more that count at the mean rate, in a stage after some days
        and in a cluster.
    """

    interval_level: float = pydantic.Field(default=0.9, gt=0, lt=1)
    group_size: int = pydantic.Field(default=25, ge=2)
    fewest_conversions: int = pydantic.Field(default=20, ge=1)
    ridge: float = pydantic.Field(default=1.0, ge=0)
    folds: int = pydantic.Field(default=5, ge=2)
    rate_prior: float = pydantic.Field(default=20.0, gt=0)


class PatternsConfig(_Model):
    """How conversion patterns are counted.

    Attributes:
      level: of every interval.
      false_discovery_rate: bound on the expected share of false findings.
      smallest_group: no path or engagement that fewer students share is shown.
      smallest_exposure: student-windows in which something must have been met to be
        compared.
      days_in_stage: ascending from 0; the chance from now on is counted for students
        who have been in the stage this long.
      arrival_days: bounds of the classes of days from entering the funnel to entering a
        stage; chances are estimated within them and put together.
      stage_time_days: bounds of the classes of time in stage that are compared within.
      recency_days: bounds of the classes of days since the last activity, likewise.
      most_meetings: windows with so many meetings or more are compared with each other.
      sequence_days: how long before the end of a window a sequence may have begun.
      self_chosen_share: a type of whose meetings so many are active is the students' own
        choice: nothing is claimed of its effect.
      sample_states: states that clusters, indicators and journeys are made of, at most.
      most_clusters: numbers of clusters from 2 to this are tried.
      least_stability: adjusted Rand index between reseeded clusterings, at least.
      path_length: types of a path, at most.
    """

    level: float = pydantic.Field(default=0.95, gt=0.5, lt=1)
    false_discovery_rate: float = pydantic.Field(default=0.05, gt=0, lt=1)
    smallest_group: int = pydantic.Field(default=5, ge=2)
    smallest_exposure: pydantic.PositiveInt = 30
    days_in_stage: tuple[pydantic.NonNegativeInt, ...] = (0, 7, 14, 28, 56, 112)
    arrival_days: tuple[pydantic.PositiveInt, ...] = (7, 21, 42, 84)
    stage_time_days: tuple[pydantic.PositiveInt, ...] = (14, 56)
    recency_days: tuple[pydantic.PositiveInt, ...] = (7, 28)
    most_meetings: pydantic.PositiveInt = 3
    sequence_days: pydantic.PositiveInt = 28
    self_chosen_share: float = pydantic.Field(default=0.99, gt=0, le=1)
    sample_states: pydantic.PositiveInt = 20_000
    most_clusters: int = pydantic.Field(default=8, ge=2)
    least_stability: float = pydantic.Field(default=0.8, ge=0, le=1)
    path_length: pydantic.PositiveInt = 4

    @pydantic.model_validator(mode="after")
    def _bounds_ascend(self) -> PatternsConfig:
        for key in ("days_in_stage", "arrival_days", "stage_time_days", "recency_days"):
            bounds = getattr(self, key)
            if list(bounds) != sorted(set(bounds)):
                raise ValueError(f"{key} must ascend; got {list(bounds)}")
        if self.days_in_stage[:1] != (0,):
            raise ValueError(f"days_in_stage must begin with 0; got {list(self.days_in_stage)}")
        return self


class ServingConfig(_Model):
    """What the pushed model is called."""

    model_name: str = pydantic.Field(default="goalpath", pattern=r"^[a-z][a-z0-9_-]*$")


class GoalpathConfig(_Model):
    """A data set's whole configuration; the content of `goalpath.yaml`.

    Attributes:
      name: of the data set.
      stages: the funnel, in order, two at least. A student without a recorded
        stage is in the first.
      default_goal: the stage asked about where none is named.
      stage_aliases: spelling found in the data -> stage (or "lost").
      timezone: IANA name for timestamps without an offset.
    """

    name: str = pydantic.Field(min_length=1)
    stages: tuple[str, ...] = pydantic.Field(min_length=2)
    default_goal: str
    stage_aliases: Mapping[str, str] = pydantic.Field(default_factory=dict)
    timezone: str = "UTC"
    tables: TablesConfig = TablesConfig()
    horizons: HorizonsConfig = HorizonsConfig()
    responses: ResponsesConfig = ResponsesConfig()
    ranking: RankingConfig = RankingConfig()
    snapshots: SnapshotsConfig = SnapshotsConfig()
    split: Annotated[
        TimeSplitConfig | CohortSplitConfig,
        pydantic.Field(discriminator="method"),
    ] = TimeSplitConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    comparators: ComparatorsConfig = ComparatorsConfig()
    validation: ValidationConfig = ValidationConfig()
    goals: GoalsConfig = GoalsConfig()
    patterns: PatternsConfig = PatternsConfig()
    serving: ServingConfig = ServingConfig()

    @pydantic.model_validator(mode="after")
    def _stages_are_consistent(self) -> GoalpathConfig:
        if len(set(self.stages)) != len(self.stages):
            raise ValueError(f"stages must not repeat; got {list(self.stages)}")
        if names.LOST in self.stages:
            raise ValueError('"lost" is no stage: it is the word for a lost student')
        if self.default_goal not in self.stages:
            raise ValueError(
                f"default_goal must be one of {list(self.stages)}; got {self.default_goal!r}"
            )
        for spelling, stage in self.stage_aliases.items():
            if stage not in (*self.stages, names.LOST):
                raise ValueError(
                    f"stage_aliases: {spelling!r} must lead to a stage of "
                    f'{list(self.stages)} or "lost"; got {stage!r}'
                )
        return self

    @pydantic.model_validator(mode="after")
    def _slices_are_categorical_features(self) -> GoalpathConfig:
        features = self.tables.students.features
        usable = sorted(c for c, kind in features.items() if kind is Kind.CATEGORICAL)
        wrong = [c for c in self.evaluation.slices if c not in usable]
        if wrong:
            raise ValueError(
                "evaluation.slices must be categorical columns of "
                f"tables.students.features, which has {usable}; got {wrong}"
            )
        return self

    def stage_index(self, stage: str) -> int:
        """Place of `stage` in the funnel, from 0.

        Raises:
          UnknownStageError: `stage` is not in the list.
        """
        try:
            return self.stages.index(stage)
        except ValueError:
            raise UnknownStageError(
                "a stage must be one of the configured stages.",
                where="stage",
                received=repr(stage),
                remedy=f"use one of {', '.join(self.stages)}.",
            ) from None


def load_config(data_dir: str | Path) -> GoalpathConfig:
    """Reads and checks `goalpath.yaml` of a data folder.

    Raises:
      ConfigError: the file is missing, is no YAML mapping, or breaks a rule; the
        message names every key that does, the value received and the remedy.
    """
    path = Path(data_dir) / names.CONFIG_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"a data folder needs a {names.CONFIG_FILE}.",
            where=str(path),
            received=error.strerror or str(error),
            remedy="write one (see the README), or check the path after --data.",
        ) from error
    return parse_config(text, where=str(path))


def parse_config(text: str, *, where: str = names.CONFIG_FILE) -> GoalpathConfig:
    """Checks the text of a `goalpath.yaml`.

    Args:
      text: the YAML.
      where: how messages call the file.

    Raises:
      ConfigError: as `load_config`.
    """
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            "the configuration must be YAML.",
            where=where,
            received=" ".join(str(error).split()),
            remedy="mend the line named above.",
        ) from error
    if not isinstance(raw, dict):
        raise ConfigError(
            "the configuration must be a mapping of keys to values.",
            where=where,
            received=type(raw).__name__,
            remedy="start with `name:`, `stages:` and `default_goal:`.",
        )
    try:
        return GoalpathConfig.model_validate(raw)
    except pydantic.ValidationError as error:
        raise ConfigError(explain(error), where=where) from error


def stored_config(stored: object, *, where: str) -> GoalpathConfig:
    """The configuration that a model version was made with, maybe by another goalpath.

    Keys that this goalpath does not know any more are left out: what they decided is
    in the model already.

    Args:
      stored: `config` of the version's manifest.
      where: how messages call the version.

    Raises:
      ConfigError: as `load_config`, for anything but unknown keys.
    """
    known = copy.deepcopy(stored)
    for place in _unknown_keys(known):
        _remove(known, place)
    try:
        return GoalpathConfig.model_validate(known)
    except pydantic.ValidationError as error:
        raise ConfigError(explain(error), where=where) from error


def _unknown_keys(stored: object) -> list[tuple[int | str, ...]]:
    try:
        GoalpathConfig.model_validate(stored)
    except pydantic.ValidationError as error:
        return [each["loc"] for each in error.errors() if each["type"] == "extra_forbidden"]
    return []


def _remove(tree: object, place: Sequence[int | str]) -> None:
    """Removes a key; the parts of `place` that name no key are a union's choices."""
    branch: Any = tree
    for part in place[:-1]:
        if isinstance(part, int) or part in branch:
            branch = branch[part]
    del branch[place[-1]]


def explain(error: pydantic.ValidationError) -> str:
    """What is wrong with a configuration: each key, the rule and the value received."""
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"]) or "(whole file)"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "no such key; remove it or correct its spelling"
        if item["type"] == "missing":
            lines.append(f"{key}: this key is required; add it")
            continue
        received = "" if isinstance(item["input"], dict) else f" (received {item['input']!r})"
        lines.append(f"{key}: {message}{received}")
    return "; ".join(lines) + "."
