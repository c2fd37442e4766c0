"""What the simulated world is made of: contact types, policy, effects, hazards.

The numbers were chosen so that about half of the students are lost within a year and
about a fifth enrol, with some thirty contacts each; docs/simulator.md has what they
give. They are assumptions and no findings about any real institution.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from schemas.errors import InputError

AWARENESS: Final = "Awareness"
INTEREST: Final = "Interest"
CONSIDERATION: Final = "Consideration"
APPLICATION: Final = "Application"
ENROLLMENT: Final = "Enrollment"
STAGES: Final = (AWARENESS, INTEREST, CONSIDERATION, APPLICATION, ENROLLMENT)

IGNORED: Final = "ignored"
OPENED: Final = "opened"
CLICKED: Final = "clicked"
REPLIED: Final = "replied"
BOOKED: Final = "booked"
ATTENDED: Final = "attended"
VISITED: Final = "visited"
UNSUBSCRIBED: Final = "unsubscribed"
ACTIVE_RESPONSES: Final = (CLICKED, REPLIED, BOOKED, ATTENDED, VISITED)
GRADES: Final = {CLICKED: 1.0, VISITED: 1.0, REPLIED: 2.0, BOOKED: 2.0, ATTENDED: 3.0}

WEEKS_A_YEAR: Final = 52
DAYS_A_WEEK: Final = 7

PROGRAMMES: Final = ("arts", "business", "computing", "engineering", "health", "science")
ADMISSIONS: Final = "admissions"
GENERAL_TOPICS: Final = ("funding", "housing", ADMISSIONS)
STUDENT_LIFE: Final = "student_life"
RESEARCH: Final = "research"
ALL_TOPICS: Final = (*PROGRAMMES, *GENERAL_TOPICS, STUDENT_LIFE, RESEARCH)

MODERATE: Final = 1
STRONG: Final = 2


@dataclasses.dataclass(frozen=True)
class ContactType:
    """A kind of engagement.

    Attributes:
      name: as in `engagement_type`.
      responsiveness: log-odds of an active response of an average student.
      fatigue_rise: probability that one contact raises fatigue by a level.
      unsubscribe: probability that a rested student unsubscribes at a contact.
      hours: contacts happen in [first, second) o'clock, UTC.
      value: mean of `value` of an active response: minutes, or clicks.
      responses: active response -> its share among active ones.
      weak_responses: those that have an effect one level below the type's.
      can_be_opened: whether a contact without an active response may be "opened".
      cost: of one contact, in currency units.
      student_initiated: the student comes by; always active, never sent.
      topics: of its items.
      per_stage: whether there is an item for each topic and stage.
      round_weeks: items come in rounds of so many weeks, three topics at a time.
      reminds: whether there are items that remind of deadlines.
      in_minutes: whether `value` is a duration.
    """

    name: str
    responsiveness: float
    fatigue_rise: float
    unsubscribe: float
    hours: tuple[int, int]
    value: float
    responses: Mapping[str, float]
    weak_responses: tuple[str, ...] = ()
    can_be_opened: bool = False
    cost: float = 0.0
    student_initiated: bool = False
    topics: tuple[str, ...] = ()
    per_stage: bool = False
    round_weeks: int | None = None
    reminds: bool = False
    in_minutes: bool = True


@dataclasses.dataclass(frozen=True)
class Effect:
    """Active responses to a type raise the momentum towards the next stage.

    Attributes:
      contact_type: name of the type.
      stage: the stage in which it helps.
      strength: momentum level that it raises to, `MODERATE` or `STRONG`.
    """

    contact_type: str
    stage: str
    strength: int


@dataclasses.dataclass(frozen=True)
class Policy:
    """What is sent when. At most one contact a day reaches a student.

    Attributes:
      daily_rate: stage -> probability that something is sent on a working day.
      mix: stage -> type -> weight among what is sent.
      weekday_factor: multiplies `daily_rate`, Monday first.
      offered_weeks: type -> [first, last) weeks of the year in which it exists; a type
        that is not named always does. The mix is shared among those that exist.
    """

    daily_rate: Mapping[str, float]
    mix: Mapping[str, Mapping[str, float]]
    weekday_factor: tuple[float, ...]
    offered_weeks: Mapping[str, tuple[tuple[int, int], ...]]


@dataclasses.dataclass(frozen=True)
class Hazards:
    """Daily rates of moving on and of being lost, and how latent levels drift.

    A rate r acts as the probability 1 - exp(-r). Lists by level begin at level 0.

    Attributes:
      advance: stage -> rate of an average student without momentum.
      advance_interest: log-rate per unit of interest.
      advance_momentum: factor by momentum level.
      advance_silence: factor by silence level.
      loss: stage -> rate of an average student who is not silent.
      loss_interest: log-rate per unit of interest.
      loss_silence: factor by silence level.
      silence_rise: probability a day without active response raises silence by a level.
      momentum_decay: probability a day lowers momentum by a level.
      fatigue_decay: probability a day without contact lowers fatigue by a level.
      deadlines: stage -> weeks of the year at whose start a deadline for leaving that
        stage passes.
      before_deadline: factor on `advance` in the `rush_weeks` weeks before.
      after_deadline: factor in the `lull_weeks` weeks after.
      rush_weeks: see above.
      lull_weeks: see above.
    """

    advance: Mapping[str, float]
    advance_interest: float
    advance_momentum: tuple[float, float, float]
    advance_silence: tuple[float, float, float]
    loss: Mapping[str, float]
    loss_interest: float
    loss_silence: tuple[float, float, float]
    silence_rise: float
    momentum_decay: float
    fatigue_decay: float
    deadlines: Mapping[str, tuple[int, ...]]
    before_deadline: float
    after_deadline: float
    rush_weeks: int
    lull_weeks: int


@dataclasses.dataclass(frozen=True)
class Responding:
    """Log-odds of an active response, beside the type's own.

    Attributes:
      interest: per unit of interest.
      preferred: for a type that the student's preference group likes.
      other: for any other type.
      fatigue: per level of fatigue.
      silence: per level of silence.
      unsubscribe_fatigue: log-odds of unsubscribing per level of fatigue.
      visit_rate: daily probability that an average student comes by unasked.
      visit_interest: log of that rate per unit of interest.
      visit_silence: log of that rate per level of silence.
    """

    interest: float
    preferred: float
    other: float
    fatigue: float
    silence: float
    unsubscribe_fatigue: float
    visit_rate: float
    visit_interest: float
    visit_silence: float


@dataclasses.dataclass(frozen=True)
class Traits:
    """What a student brings along and nobody sees.

    Attributes:
      interest: its levels.
      interest_shares: how common each is.
      preferences: group -> types it likes.
      preference_shares: how common each group is.
      susceptibility: factors on the rise of fatigue.
      susceptibility_shares: how common each is.
    """

    interest: tuple[float, ...]
    interest_shares: tuple[float, ...]
    preferences: Mapping[str, tuple[str, ...]]
    preference_shares: tuple[float, ...]
    susceptibility: tuple[float, ...]
    susceptibility_shares: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class FunnelParameters:
    """A whole simulated world; `dataclasses.replace` makes a different one."""

    types: tuple[ContactType, ...]
    effects: tuple[Effect, ...]
    policy: Policy
    responding: Responding
    hazards: Hazards
    traits: Traits


_TYPES = (
    ContactType(
        name="email",
        responsiveness=-1.5,
        fatigue_rise=0.22,
        unsubscribe=0.0012,
        hours=(8, 20),
        value=2.0,
        responses={CLICKED: 0.8, REPLIED: 0.2},
        can_be_opened=True,
        cost=0.01,
        topics=ALL_TOPICS,
        per_stage=True,
        reminds=True,
        in_minutes=False,
    ),
    ContactType(
        name="sms",
        responsiveness=-1.4,
        fatigue_rise=0.4,
        unsubscribe=0.003,
        hours=(10, 19),
        value=1.0,
        responses={CLICKED: 0.5, REPLIED: 0.5},
        cost=0.05,
        topics=GENERAL_TOPICS,
        per_stage=True,
        reminds=True,
        in_minutes=False,
    ),
    ContactType(
        name="webinar",
        responsiveness=-1.4,
        fatigue_rise=0.15,
        unsubscribe=0.0005,
        hours=(16, 20),
        value=45.0,
        responses={BOOKED: 0.35, ATTENDED: 0.65},
        weak_responses=(BOOKED,),
        can_be_opened=True,
        cost=4.0,
        topics=ALL_TOPICS,
        round_weeks=4,
    ),
    ContactType(
        name="campus_visit",
        responsiveness=-1.7,
        fatigue_rise=0.12,
        unsubscribe=0.0005,
        hours=(9, 17),
        value=180.0,
        responses={BOOKED: 0.3, ATTENDED: 0.7},
        weak_responses=(BOOKED,),
        can_be_opened=True,
        cost=35.0,
        topics=(ADMISSIONS, *PROGRAMMES),
    ),
    ContactType(
        name="advisor_meeting",
        responsiveness=-1.2,
        fatigue_rise=0.12,
        unsubscribe=0.0003,
        hours=(9, 18),
        value=30.0,
        responses={BOOKED: 0.25, ATTENDED: 0.75},
        weak_responses=(BOOKED,),
        can_be_opened=True,
        cost=20.0,
        topics=(*GENERAL_TOPICS, *PROGRAMMES),
    ),
    ContactType(
        name="phone_call",
        responsiveness=-1.0,
        fatigue_rise=0.45,
        unsubscribe=0.003,
        hours=(9, 19),
        value=8.0,
        responses={REPLIED: 1.0},
        cost=6.0,
        topics=(ADMISSIONS,),
        per_stage=True,
    ),
    ContactType(
        name="workshop",
        responsiveness=-1.5,
        fatigue_rise=0.12,
        unsubscribe=0.0005,
        hours=(14, 20),
        value=90.0,
        responses={BOOKED: 0.3, ATTENDED: 0.7},
        weak_responses=(BOOKED,),
        can_be_opened=True,
        cost=15.0,
        topics=(*GENERAL_TOPICS, *PROGRAMMES),
        round_weeks=8,
    ),
    ContactType(
        name="portal",
        responsiveness=0.0,
        fatigue_rise=0.0,
        unsubscribe=0.0,
        hours=(8, 20),
        value=6.0,
        responses={VISITED: 1.0},
        student_initiated=True,
        topics=ALL_TOPICS,
    ),
)

_EFFECTS = (
    Effect("webinar", AWARENESS, STRONG),
    Effect("campus_visit", INTEREST, STRONG),
    Effect("phone_call", INTEREST, MODERATE),
    Effect("workshop", CONSIDERATION, STRONG),
    Effect("advisor_meeting", CONSIDERATION, MODERATE),
    Effect("advisor_meeting", APPLICATION, STRONG),
)

_POLICY = Policy(
    daily_rate={AWARENESS: 0.23, INTEREST: 0.25, CONSIDERATION: 0.27, APPLICATION: 0.24},
    mix={
        AWARENESS: {
            "email": 0.42, "sms": 0.16, "webinar": 0.2, "campus_visit": 0.05,
            "advisor_meeting": 0.04, "phone_call": 0.08, "workshop": 0.05,
        },
        INTEREST: {
            "email": 0.32, "sms": 0.12, "webinar": 0.16, "campus_visit": 0.16,
            "advisor_meeting": 0.07, "phone_call": 0.12, "workshop": 0.05,
        },
        CONSIDERATION: {
            "email": 0.26, "sms": 0.1, "webinar": 0.1, "campus_visit": 0.12,
            "advisor_meeting": 0.14, "phone_call": 0.1, "workshop": 0.18,
        },
        APPLICATION: {
            "email": 0.3, "sms": 0.16, "webinar": 0.06, "campus_visit": 0.08,
            "advisor_meeting": 0.18, "phone_call": 0.14, "workshop": 0.08,
        },
    },
    weekday_factor=(1.0, 1.0, 1.0, 1.0, 1.0, 0.3, 0.3),
    offered_weeks={"campus_visit": ((6, 20), (32, 46))},
)  # fmt: skip

_RESPONDING = Responding(
    interest=0.8,
    preferred=1.7,
    other=-0.8,
    fatigue=-0.7,
    silence=-0.6,
    unsubscribe_fatigue=0.8,
    visit_rate=0.03,
    visit_interest=0.7,
    visit_silence=-1.0,
)

_HAZARDS = Hazards(
    advance={AWARENESS: 0.0085, INTEREST: 0.007, CONSIDERATION: 0.006, APPLICATION: 0.007},
    advance_interest=0.9,
    advance_momentum=(1.0, 4.0, 11.0),
    advance_silence=(1.0, 0.6, 0.3),
    loss={AWARENESS: 0.001, INTEREST: 0.0009, CONSIDERATION: 0.0008, APPLICATION: 0.0006},
    loss_interest=-0.7,
    loss_silence=(1.0, 2.5, 7.0),
    silence_rise=0.05,
    momentum_decay=0.06,
    fatigue_decay=0.1,
    deadlines={CONSIDERATION: (24, 50), APPLICATION: (32, 6)},
    before_deadline=2.5,
    after_deadline=0.5,
    rush_weeks=3,
    lull_weeks=2,
)

_TRAITS = Traits(
    interest=(-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5),
    interest_shares=(0.08, 0.13, 0.18, 0.22, 0.18, 0.13, 0.08),
    preferences={
        "reader": ("email", "webinar"),
        "mobile": ("sms", "phone_call"),
        "visitor": ("campus_visit", "workshop"),
        "personal": ("advisor_meeting", "phone_call"),
    },
    preference_shares=(0.35, 0.25, 0.2, 0.2),
    susceptibility=(0.5, 1.6),
    susceptibility_shares=(0.6, 0.4),
)


def funnel() -> FunnelParameters:
    """The default world."""
    return FunnelParameters(_TYPES, _EFFECTS, _POLICY, _RESPONDING, _HAZARDS, _TRAITS)


def intense() -> FunnelParameters:
    """The default world with 1.8 times as many contacts."""
    world = funnel()
    rates = {stage: 1.8 * rate for stage, rate in world.policy.daily_rate.items()}
    return dataclasses.replace(world, policy=dataclasses.replace(world.policy, daily_rate=rates))


def placebo() -> FunnelParameters:
    """The default world in which no contact helps: a control for whoever looks for effects."""
    return dataclasses.replace(funnel(), effects=())


PROFILES: Final[Mapping[str, Callable[[], FunnelParameters]]] = {
    "funnel": funnel,
    "intense": intense,
    "placebo": placebo,
}


def profile(name: str) -> FunnelParameters:
    """The world called `name`.

    Raises:
      InputError: there is none.
    """
    if name not in PROFILES:
        raise InputError(
            "a profile must exist.",
            where="--profile",
            received=repr(name),
            remedy=f"use one of {', '.join(PROFILES)}.",
        )
    return PROFILES[name]()
