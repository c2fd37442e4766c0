"""Students: their hidden traits, and the profile that hints at them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from datasets.simulator.parameters import PROGRAMMES, Traits
from schemas import names
from schemas.config import Kind

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

UNDERGRADUATE: Final = "undergraduate"
POSTGRADUATE: Final = "postgraduate"
AUDIENCES: Final = (UNDERGRADUATE, POSTGRADUATE)
PROFILE: Final = {
    "programme": Kind.CATEGORICAL,
    "region": Kind.CATEGORICAL,
    "age_band": Kind.CATEGORICAL,
    "gender": Kind.CATEGORICAL,
    "first_generation": Kind.CATEGORICAL,
    "source": Kind.CATEGORICAL,
    "gpa": Kind.NUMERIC,
    "distance_km": Kind.NUMERIC,
    "intended_start": Kind.DATE,
}

_REGIONS = ("north", "north_east", "east", "south_east", "south", "south_west", "west", "abroad")
_AGE_BANDS = ("17-20", "21-25", "26-35", "36+")
_GENDERS = ("F", "M", None)
_GENDER_SHARES = (0.53, 0.44, 0.03)
_SOURCES = ("web_form", "school_fair", "referral", "agency", "advert")
_PROGRAMME_SHARES = (0.14, 0.22, 0.2, 0.16, 0.16, 0.12)
_UNDERGRADUATE_SHARE = 0.72
_AGE_SHARES = {UNDERGRADUATE: (0.7, 0.2, 0.07, 0.03), POSTGRADUATE: (0.02, 0.45, 0.38, 0.15)}
_MAX_GPA = 4.0


@dataclasses.dataclass(frozen=True)
class Students:
    """A group of students, parallel arrays.

    Attributes:
      trait_class: index of the hidden class, as in `FunnelModel`.
      audience: index into `AUDIENCES`.
      programme: index into `PROGRAMMES`.
      interest: the hidden interest itself.
      profile: the visible columns of `PROFILE`.
    """

    trait_class: Ints
    audience: Ints
    programme: Ints
    interest: Floats
    profile: pl.DataFrame

    def first(self, count: int) -> Students:
        """The first `count` of them."""
        return Students(
            trait_class=self.trait_class[:count],
            audience=self.audience[:count],
            programme=self.programme[:count],
            interest=self.interest[:count],
            profile=self.profile.head(count),
        )


def draw_students(traits: Traits, count: int, start: dt.date, rng: np.random.Generator) -> Students:
    """Draws traits and, depending on them, profiles.

    Interest raises the grade average and the share of referrals, and lowers the shares
    of first-generation students and of missing grade averages. The preference group
    shows in region, age and distance. Gender says nothing about either.
    """
    interest_level = _pick(traits.interest_shares, rng, count)
    preference = _pick(traits.preference_shares, rng, count)
    susceptibility = _pick(traits.susceptibility_shares, rng, count)
    shape = (len(traits.interest), len(traits.preferences), len(traits.susceptibility))
    interest = np.asarray(traits.interest)[interest_level]
    audience = (rng.random(count) >= _UNDERGRADUATE_SHARE).astype(np.int64)
    programme = _pick(_PROGRAMME_SHARES, rng, count)
    columns: Mapping[str, pl.Series] = {
        "programme": _texts(PROGRAMMES, programme),
        "region": _texts(_REGIONS, _regions(preference, rng)),
        "age_band": _texts(_AGE_BANDS, _age_bands(audience, preference, rng)),
        "gender": _texts(_GENDERS, _pick(_GENDER_SHARES, rng, count)),
        "first_generation": _first_generation(interest, rng),
        "source": _texts(_SOURCES, _sources(interest, preference, rng)),
        "gpa": _gpa(interest, rng),
        "distance_km": _distance(preference, rng),
        "intended_start": _intended_start(interest, start, rng),
    }
    return Students(
        trait_class=np.ravel_multi_index((interest_level, preference, susceptibility), shape),
        audience=audience,
        programme=programme,
        interest=interest,
        profile=pl.DataFrame({name: columns[name] for name in PROFILE}),
    )


def audience_column(audience: Ints) -> pl.Series:
    """The `audience` column of the students table."""
    return _texts(AUDIENCES, audience).alias(names.AUDIENCE)


def _pick(shares: tuple[float, ...], rng: np.random.Generator, count: int) -> Ints:
    weights = np.asarray(shares)
    return _pick_rows(np.broadcast_to(weights, (count, len(weights))), rng)


def _pick_rows(weights: Floats, rng: np.random.Generator) -> Ints:
    """One column index a row of `weights` ([n, choices]), drawn in proportion."""
    cumulative = np.cumsum(weights, axis=1)
    draw = rng.random(len(weights)) * cumulative[:, -1]
    picked: Ints = (draw[:, None] >= cumulative[:, :-1]).sum(axis=1)
    return picked


def _texts(words: tuple[str | None, ...], index: Ints) -> pl.Series:
    return pl.Series(list(words), dtype=pl.String).gather(index)


def _regions(preference: Ints, rng: np.random.Generator) -> Ints:
    weights = np.ones((len(preference), len(_REGIONS)))
    weights[:, :4] += 0.6 * np.isin(preference, (0, 2))[:, None]
    weights[:, -1] += 2.0 * (preference == 1)
    return _pick_rows(weights, rng)


def _age_bands(audience: Ints, preference: Ints, rng: np.random.Generator) -> Ints:
    weights = np.array([_AGE_SHARES[name] for name in AUDIENCES])[audience]
    weights[:, 0] *= 1.0 + (preference == 1)
    weights[:, 2:] *= 1.0 + 0.8 * (preference == 3)[:, None]
    return _pick_rows(weights, rng)


def _first_generation(interest: Floats, rng: np.random.Generator) -> pl.Series:
    share = 1.0 / (1.0 + np.exp(0.8 + 0.7 * interest))
    draw = rng.random(len(interest))
    unknown = rng.random(len(interest)) < 0.08
    answer = np.where(unknown, 2, (draw < share).astype(np.int64))
    return _texts(("no", "yes", None), answer)


def _sources(interest: Floats, preference: Ints, rng: np.random.Generator) -> Ints:
    weights = np.tile(np.array([0.3, 0.2, 0.12, 0.13, 0.25]), (len(interest), 1))
    weights[:, 1] *= 1.0 + (preference == 2)
    weights[:, 2] *= np.exp(1.1 * interest)
    weights[:, 4] *= np.exp(-0.9 * interest)
    return _pick_rows(weights, rng)


def _gpa(interest: Floats, rng: np.random.Generator) -> pl.Series:
    value = 2.8 + 0.35 * interest + 0.35 * rng.standard_normal(len(interest))
    missing = rng.random(len(interest)) < 0.2 - 0.06 * interest
    rounded = np.round(np.clip(value, 0.0, _MAX_GPA), 2)
    return pl.Series(np.where(missing, np.nan, rounded)).fill_nan(None)


def _distance(preference: Ints, rng: np.random.Generator) -> pl.Series:
    centre = np.log(np.where(preference == 2, 25.0, 90.0))
    value = np.exp(centre + 0.9 * rng.standard_normal(len(preference)))
    return pl.Series(np.round(value, 1))


def _intended_start(interest: Floats, start: dt.date, rng: np.random.Generator) -> pl.Series:
    """The February or September in which a student wants to begin; keen ones sooner."""
    intakes = [
        day
        for year in range(start.year, start.year + 4)
        for day in (dt.date(year, 2, 1), dt.date(year, 9, 1))
        if day > start
    ][:4]
    weights = np.exp(-np.arange(len(intakes))[None, :] * (0.6 + 0.3 * interest[:, None]))
    return pl.Series(intakes, dtype=pl.Date).gather(_pick_rows(weights, rng))
