"""The features of candidates, with those of the student beside them."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from benchmarks.quality_parts.feature_table import FeatureTable, codes_of, known_or_nan
from benchmarks.quality_parts.snapshots import Snapshots
from benchmarks.quality_parts.student_features import StudentFeatures
from schemas import names
from schemas.config import GoalpathConfig, Kind
from schemas.features import DType, FeatureSpec, candidate_features

Numbers = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class CandidateFeatures:
    """Makes the same columns of the candidates of any split.

    Attributes:
      specs: the candidate features.
      vocabularies: texts met in training, by feature key; of the ids, too.
      students: what is known of the student.
      matches: pairs of a student's and a candidate's category that share words, such
        as the programme of both: whether they agree is a feature.
    """

    specs: tuple[FeatureSpec, ...]
    vocabularies: dict[str, tuple[str, ...]]
    students: StudentFeatures
    matches: tuple[tuple[str, str], ...]

    def table(self, snapshots: Snapshots, places: Places) -> FeatureTable:
        """One row a candidate.

        Args:
          snapshots: a split.
          places: which of its candidates, as places in the flat columns.
        """
        row = np.searchsorted(snapshots.columns[names.C_ID].starts, places, side="right") - 1
        own = self._own(snapshots, places)
        student = self.students.scalars(snapshots).take(row)
        return own.beside(student).beside(self._agreement(snapshots, places, row))

    def _own(self, snapshots: Snapshots, places: Places) -> FeatureTable:
        numbers: dict[str, Numbers] = {}
        categories: dict[str, Places] = {}
        known = {names.C_OWN_DAYS_SINCE: names.C_OWN_MET}
        for spec in self.specs:
            column = snapshots.columns[spec.key]
            if spec.key in self.vocabularies:
                categories[spec.key] = codes_of(column, self.vocabularies[spec.key])[places]
            elif spec.dtype is DType.FLOAT:
                numbers[spec.key] = column.values[places].astype(np.float32)
                twin = spec.known_key or known.get(spec.key)
                if twin is not None:
                    is_known = snapshots.columns[twin].values[places].astype(np.float32)
                    numbers[spec.key] = known_or_nan(numbers[spec.key], is_known)
        sizes = {key: len(self.vocabularies[key]) for key in categories}
        return FeatureTable(numbers, categories, sizes)

    def _agreement(self, snapshots: Snapshots, places: Places, row: Places) -> FeatureTable:
        numbers = {}
        for student, candidate in self.matches:
            # Codes in the candidate's vocabulary on both sides; -1 agrees with nothing.
            words = self.vocabularies[candidate]
            theirs = codes_of(snapshots.columns[student], words)[row]
            its = codes_of(snapshots.columns[candidate], words)[places]
            agree = (theirs == its) & (its >= 0)
            numbers[f"{student}_is_{candidate}"] = agree.astype(np.float32)
        return FeatureTable(numbers, {}, {})


def candidate_features_of(
    train: Snapshots, config: GoalpathConfig, students: StudentFeatures
) -> CandidateFeatures:
    """Learns the vocabularies.

    Args:
      train: the training split.
      config: of the data set.
      students: learnt from the same.
    """
    specs = candidate_features(config)
    vocabularies = {
        spec.key: tuple(sorted(train.columns[spec.key].vocabulary))
        for spec in specs
        if spec.kind is Kind.CATEGORICAL
    }
    theirs = [spec.key for spec in students.specs if spec.kind is Kind.CATEGORICAL]
    scalars = students.scalars(train).categories
    matches = tuple(
        (student, candidate)
        for student in theirs
        for candidate in vocabularies
        if student in scalars
        and candidate != names.C_ID
        and len(set(students.vocabularies[student]) & set(vocabularies[candidate]) - {""}) > 1
    )
    return CandidateFeatures(specs, vocabularies, students, matches)
