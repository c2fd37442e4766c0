"""Every name that crosses a module border, defined once.

Tables and their columns, the features of an Example, its labels, the splits, the
signatures of the SavedModel with their inputs and outputs, and the files of a
bundle. Shapes are given per Example; `N` is the length of the candidate list,
`H` the length of the history, `T` the number of engagement types met, `K` the
number of configured stages.
"""

from __future__ import annotations

from typing import Final

# Tables of a data set.
STUDENTS: Final = "students"
ENGAGEMENTS: Final = "engagements"
EVENTS: Final = "events"
STAGE_CHANGES: Final = "stage_changes"
COHORTS: Final = "cohorts"
TABLES: Final = (STUDENTS, ENGAGEMENTS, EVENTS, STAGE_CHANGES, COHORTS)

CONFIG_FILE: Final = "goalpath.yaml"
# Run parameters of the pipeline on Kubeflow.
DATA_DIR_PARAMETER: Final = "data_dir"
AS_OF_PARAMETER: Final = "as_of"
WINDOW_DAYS_PARAMETER: Final = "window_days"
MAX_BAD_ROWS_PARAMETER: Final = "max_bad_rows"
TRAINING_EPOCHS_PARAMETER: Final = "training_epochs"
SERVING_DIR_PARAMETER: Final = "serving_dir"
STATES_DIR_PARAMETER: Final = "states_dir"

TRUTH_FILE: Final = "truth.parquet"

# Columns.
STUDENT_ID: Final = "student_id"
ENGAGEMENT_ID: Final = "engagement_id"
ENGAGEMENT_TYPE: Final = "engagement_type"
AUDIENCE: Final = "audience"
AVAILABLE_FROM: Final = "available_from"
AVAILABLE_TO: Final = "available_to"
DUE: Final = "due"
ENTERED_AT: Final = "entered_at"
TIMESTAMP: Final = "timestamp"
RESPONSE: Final = "response"
VALUE: Final = "value"
STAGE_AFTER: Final = "stage_after"
STAGE: Final = "stage"
COHORT: Final = "cohort"
STARTS: Final = "starts"
CLOSES: Final = "closes"
OBSERVED_UNTIL: Final = "observed_until"
LOST: Final = "lost"  # the word in a stage column that says: lost for good

# Splits of the Examples.
TRAIN: Final = "train"
CALIBRATION: Final = "calibration"
EVAL: Final = "eval"
SPLITS: Final = (TRAIN, CALIBRATION, EVAL)
SERVING: Final = "serving"  # the states as of the run, without labels; for statistics

# Keys of an Example that name it and are no input of the model.
SNAPSHOT_TIME: Final = "snapshot_time"  # int64 [1], microseconds since the epoch, UTC
# STUDENT_ID, AUDIENCE and COHORT are bytes [1]; "" where there is none.

# Query features, scalars of shape [1], float32 unless said.
Q_STAGE: Final = "stage"  # bytes
Q_STAGE_POSITION: Final = "stage_position"  # index / (K - 1), in [0, 1]
Q_DAYS_IN_STAGE: Final = "days_in_stage"
Q_DAYS_SINCE_ENTRY: Final = "days_since_entry"
Q_DAYS_SINCE_EVENT: Final = "days_since_event"  # since entry where there is no event
Q_DAYS_SINCE_ACTIVE: Final = "days_since_active"
Q_EVENTS: Final = {7: "events_7", 28: "events_28", 0: "events_all"}
Q_ACTIVE: Final = {7: "active_7", 28: "active_28", 0: "active_all"}
Q_VALUE: Final = {7: "value_7", 28: "value_28", 0: "value_all"}
Q_ACTIVE_DAYS: Final = {7: "active_days_7", 28: "active_days_28", 0: "active_days_all"}
Q_DISTINCT_28: Final = "distinct_engagements_28"
Q_DISTINCT_ALL: Final = "distinct_engagements_all"
Q_COHORT_KNOWN: Final = "cohort_known"  # 0 or 1; the next two are 0 where it is 0
Q_DAYS_SINCE_START: Final = "days_since_start"
Q_DAYS_TO_CLOSE: Final = "days_to_close"
Q_YEAR_SIN: Final = "year_sin"
Q_YEAR_COS: Final = "year_cos"
Q_WEEKDAY_SIN: Final = "weekday_sin"
Q_WEEKDAY_COS: Final = "weekday_cos"
Q_DUE_PASSED: Final = "due_passed"  # due dates of the audience before t
Q_DUE_DONE: Final = "due_done"  # of those, engagements the student was active in
Q_DUE_MISSED: Final = "due_missed"
Q_DUE_NEXT_7: Final = "due_next_7"
Q_DUE_NEXT_28: Final = "due_next_28"
Q_NEXT_DUE_KNOWN: Final = "next_due_known"  # 0 or 1
Q_DAYS_TO_NEXT_DUE: Final = "days_to_next_due"
Q_NEXT_DUE_DONE: Final = "next_due_done"  # already done before it is due, 0 or 1
Q_LAST_DUE_KNOWN: Final = "last_due_known"  # 0 or 1
Q_DAYS_SINCE_LAST_DUE: Final = "days_since_last_due"
Q_LAST_DUE_DONE: Final = "last_due_done"  # 0 or 1
# Query vector of shape [WEEKS]: active events of the last weeks, latest first.
Q_WEEKLY_ACTIVE: Final = "weekly_active"
WEEKS: Final = 12

# Query features per engagement type met so far, ragged [T], same order.
TYPE_NAME: Final = "type_name"  # bytes
TYPE_ACTIVE_28: Final = "type_active_28"  # active events of the last 28 days
TYPE_ACTIVE_ALL: Final = "type_active_all"
TYPE_MET_ALL: Final = "type_met_all"  # events of any response
TYPE_VALUE_ALL: Final = "type_value_all"  # sum of `value`
TYPE_DAYS_SINCE: Final = "type_days_since"

# The last events before t, latest first, ragged [H], H at most `history_length`.
HISTORY_ID: Final = "history_engagement_id"  # bytes
HISTORY_TYPE: Final = "history_type"  # bytes
HISTORY_RESPONSE: Final = "history_response"  # bytes, "" where there is none
HISTORY_DAYS_AGO: Final = "history_days_ago"
HISTORY_VALUE: Final = "history_value"  # 0 where there is none
HISTORY_ACTIVE: Final = "history_active"  # 0 or 1

# A configured column `c` becomes PROFILE_PREFIX + c on the query side and
# CANDIDATE_PREFIX + ATTRIBUTE_INFIX + c on the candidate side; numeric and date
# columns have a twin with KNOWN_SUFFIX that is 1 where a value is there, else 0.
PROFILE_PREFIX: Final = "profile_"
CANDIDATE_PREFIX: Final = "candidate_"
ATTRIBUTE_INFIX: Final = "attribute_"
KNOWN_SUFFIX: Final = "_known"

# Candidate features, ragged [N], parallel.
C_ID: Final = "candidate_id"  # bytes
C_TYPE: Final = "candidate_type"  # bytes
C_POPULARITY_7: Final = "candidate_popularity_7"  # share of the audience's active events
C_POPULARITY_28: Final = "candidate_popularity_28"
C_REACH_7: Final = "candidate_reach_7"  # share of the audience's active students
C_REACH_28: Final = "candidate_reach_28"
C_OWN_COUNT: Final = "candidate_own_count"  # own active events with this engagement
C_OWN_COUNT_7: Final = "candidate_own_count_7"
C_OWN_COUNT_28: Final = "candidate_own_count_28"
C_OWN_MET: Final = "candidate_own_met"  # own events of any response (sent, ignored, ...)
C_OWN_DAYS_SINCE: Final = "candidate_own_days_since"  # since last met; 0 where never
C_OWN_TYPE_SHARE: Final = "candidate_own_type_share"  # own active events of that type / all
C_OWN_TYPE_COUNT_28: Final = "candidate_own_type_count_28"
C_AVAILABLE_KNOWN: Final = "candidate_available_known"  # 0 or 1
C_DAYS_AVAILABLE: Final = "candidate_days_available"  # t - available_from, may be < 0
C_DUE_KNOWN: Final = "candidate_due_known"  # 0 or 1
C_DAYS_TO_DUE: Final = "candidate_days_to_due"  # due - t, may be < 0

# Labels, weights and what only training and evaluation read.
C_GRADE: Final = "candidate_grade"  # ragged [N]; 0 for no response in the window
C_SAMPLING_PROBABILITY: Final = (
    "candidate_sampling_probability"  # ragged [N]; 0: not in the ranking list
)
GIVEN_INDEX: Final = "given_index"  # int64 [1], place of the engagement met next; -1: none
RANKING_WEIGHT: Final = "ranking_weight"  # [1]; 1 where the window is observed and has a positive
LIKELIHOOD_LABEL: Final = "likelihood_label"
LIKELIHOOD_WEIGHT: Final = "likelihood_weight"
RISK_LABEL: Final = "risk_label"
RISK_WEIGHT: Final = "risk_weight"
GOAL_LABEL: Final = "goal_label"  # [K], 1 where stage k or a later one is reached
GOAL_WEIGHT: Final = "goal_weight"  # [K]

# What a stored student state has beside the query features (ragged, parallel):
# every engagement the student ever met, so that candidate features of any
# engagement can be computed from the state alone.
USED_ID: Final = "used_engagement_id"
USED_COUNT: Final = "used_count"
USED_COUNT_7: Final = "used_count_7"
USED_COUNT_28: Final = "used_count_28"
USED_MET: Final = "used_met"
USED_DAYS_SINCE: Final = "used_days_since"

# Signatures of the SavedModel.
SIGNATURE_DEFAULT: Final = "serving_default"
SIGNATURE_PREDICT: Final = "predict"
SIGNATURE_RECOMMEND: Final = "recommend"
SIGNATURE_EMBED_STUDENT: Final = "embed_student"
SIGNATURE_EMBED_ENGAGEMENT: Final = "embed_engagement"
SIGNATURE_GOAL_GIVEN: Final = "goal_given"
SIGNATURE_GOAL: Final = "goal"  # added by GoalCalibrator
SIGNATURE_ATTRIBUTE: Final = "attribute"
TRAINED_SIGNATURES: Final = (
    SIGNATURE_DEFAULT,
    SIGNATURE_PREDICT,
    SIGNATURE_RECOMMEND,
    SIGNATURE_EMBED_STUDENT,
    SIGNATURE_EMBED_ENGAGEMENT,
    SIGNATURE_GOAL_GIVEN,
    SIGNATURE_ATTRIBUTE,
)
SIGNATURES: Final = (*TRAINED_SIGNATURES, SIGNATURE_GOAL)
EXAMPLES_INPUT: Final = "examples"  # string [B], serialized tf.Examples
TOP_K_INPUT: Final = "k"  # int32 scalar
# Inputs of `recommend` of shape [M], M from 0: newer popularity than the catalogue
# has, for the rows named; the others keep what they have.
FRESH_AUDIENCE: Final = "fresh_audience"  # string
FRESH_ID: Final = "fresh_engagement_id"  # string
FRESH_POPULARITY: Final = {  # float32, by the candidate feature it replaces
    C_POPULARITY_7: "fresh_popularity_7",
    C_POPULARITY_28: "fresh_popularity_28",
    C_REACH_7: "fresh_reach_7",
    C_REACH_28: "fresh_reach_28",
}

# Outputs. Past the end of a list, [B, N] scores hold PAD_SCORE and [B, N]
# probabilities hold PAD_PROBABILITY.
PAD_SCORE: Final = -1e9
PAD_PROBABILITY: Final = -1.0
RANKING_SCORE: Final = "ranking_score"  # float32 [B, N], log scale, orders candidates
LIKELIHOOD: Final = "likelihood"  # float32 [B], probability, no engagement given
RISK: Final = "risk"  # float32 [B], probability, no engagement given
LIKELIHOOD_GIVEN: Final = "likelihood_given"  # float32 [B, N], were this one met next
RISK_GIVEN: Final = "risk_given"  # float32 [B, N]
HEADS: Final = (RANKING_SCORE, LIKELIHOOD, RISK)
OF_STUDENT: Final = (LIKELIHOOD, RISK)
OF_ENGAGEMENT: Final = (RANKING_SCORE, LIKELIHOOD_GIVEN, RISK_GIVEN)
GOAL_PROBABILITY: Final = "goal_probability"  # float32 [B, K], reach stage k or a later one
GOAL_GIVEN: Final = "goal_probability_given"  # float32 [B, N, K], were this one met next
# Of the signature `goal`, float32 [B, K]; 1 for stages that are reached.
GOAL_LIKELIHOOD: Final = "goal_likelihood"  # reach stage k or a later one, calibrated
GOAL_LOWER: Final = "goal_lower"
GOAL_UPPER: Final = "goal_upper"
GOAL_VALUES: Final = (GOAL_LIKELIHOOD, GOAL_LOWER, GOAL_UPPER)
LOSSES: Final = (*HEADS, GOAL_PROBABILITY)  # the outputs that training has a loss for
ATTRIBUTED_HEADS: Final = (*OF_STUDENT, *OF_ENGAGEMENT)
ATTRIBUTED_HEAD: Final = "head"  # string scalar, an input of `attribute`
ATTRIBUTED_FEATURE: Final = "feature"  # string [B, F], the same in each row
ATTRIBUTION: Final = "attribution"  # float32 [B, F], adds up to score less baseline
ATTRIBUTED_SCORE: Final = "score"  # float32 [B], log-odds or ranking score of the head
ATTRIBUTION_BASELINE: Final = "baseline"  # float32 [B], the same where nothing is known
COMPLETENESS_ERROR: Final = "completeness_error"  # float32 [B], share of what is attributed
AGREEMENT: Final = "agreement"  # where categories of student and engagement are equal
RECOMMENDED_ID: Final = "engagement_id"  # string [B, k], "" past the end
RECOMMENDED_SCORE: Final = "score"  # float32 [B, k]
EMBEDDING: Final = "embedding"  # float32 [B, D]

# Files of a model version.
ASSETS_EXTRA: Final = "assets.extra"
MANIFEST_FILE: Final = "manifest.json"
CATALOGUE_FILE: Final = "catalogue.parquet"
CATALOGUE_SUMMARY_FILE: Final = "catalogue.json"
GOLDEN_FILE: Final = "golden.npz"
WARMUP_FILE: Final = "tf_serving_warmup_requests"  # where TensorFlow Serving looks for it
MODEL_CARD_FILE: Final = "model_card.json"
KERAS_FILE: Final = "model.keras"
CHECKSUMS_FILE: Final = "weights.json"
HISTORY_FILE: Final = "history.json"  # of training: losses and timings per epoch
PROGRESS_FILE: Final = "progress.json"  # of training, while it runs
GOAL_PARAMETERS_FILE: Final = "goal_parameters.json"
STATISTICS_FILE: Final = "train_statistics.pb"
STATES_FILE: Final = "states.parquet"
HISTORIES_FILE: Final = "histories.parquet"  # beside the states: what they were made from
REFERENCE_FILES: Final = {ENGAGEMENTS: "engagements.parquet", COHORTS: "cohorts.parquet"}
VECTORS_FILE: Final = "vectors.parquet"  # beside the states: what the model says of each
ENGAGEMENT_VECTORS_FILE: Final = "engagement_vectors.parquet"  # of the catalogue's rows
