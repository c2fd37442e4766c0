"""The answers of all peers to the evaluation split, kept in a file between runs.

Training the peers takes minutes and depends on the Examples alone, not on our model.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Answers = dict[str, Floats]

_SEPARATOR: Final = "/"
_NOTES: Final = "notes"
# The modules that the peers' answers depend on.
_ANSWERING: Final = frozenset(
    {
        "als",
        "boosted_trees",
        "candidate_features",
        "candidate_lists",
        "collaborative",
        "feature_table",
        "labelled_rows",
        "lambda_rank",
        "logistic",
        "known_labels",
        "peers",
        "read_examples",
        "sampled_ndcg",
        "simple_probabilities",
        "simple_rankings",
        "snapshots",
        "student_features",
    }
)


@dataclasses.dataclass(frozen=True, eq=False)
class PeerAnswers:
    """What the peers say.

    Attributes:
      alone: LIKELIHOOD and RISK -> peer -> probability of each snapshot, `(n,)`.
      given: the same, told the engagement met next; NaN where there is none.
      ranking: peer -> score of each listed candidate, `(total,)`.
      notes: peer -> what was chosen for it.
    """

    alone: Mapping[str, Answers]
    given: Mapping[str, Answers]
    ranking: Answers
    notes: Mapping[str, str]

    def save(self, path: Path) -> None:
        """Writes a file that `load_answers` reads."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            _SEPARATOR.join((part, head, peer)): values
            for part, heads in (("alone", self.alone), ("given", self.given))
            for head, peers in heads.items()
            for peer, values in peers.items()
        }
        arrays.update(
            {_SEPARATOR.join(("ranking", "", peer)): v for peer, v in self.ranking.items()}
        )
        arrays[_NOTES] = np.array(json.dumps(dict(self.notes)))
        partial = path.with_suffix(".partial.npz")
        save: Callable[..., None] = np.savez_compressed  # as in trainer/golden.py
        save(partial, **arrays)
        partial.rename(path)


def load_answers(path: Path) -> PeerAnswers:
    """Reads what `PeerAnswers.save` wrote."""
    parts: dict[str, dict[str, Answers]] = {"alone": {}, "given": {}, "ranking": {"": {}}}
    with np.load(path) as stored:
        notes = json.loads(str(stored[_NOTES]))
        for key in stored.files:
            if key != _NOTES:
                part, head, peer = key.split(_SEPARATOR)
                parts[part].setdefault(head, {})[peer] = stored[key]
    return PeerAnswers(parts["alone"], parts["given"], parts["ranking"][""], notes)


def answers_key(*texts: str) -> str:
    """A name for answers: of what they depend on, and of the code in this folder."""
    digest = hashlib.sha256("\n".join(texts).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem in _ANSWERING:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
