"""What a step of a model takes, in three parts: proved, assumed, and what no part contains.

*Proved* is the timetable, its clocks and the waiting for it. *Assumed* is the time outside of the fabric, each number
with the range in which it may lie. A step is all layers once, one token a user without drafts. Nothing that contains
an assumed number is a bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.files.ranged import Ranged, total
from lpxsched.units import ceil_cycles, counted, exact

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.program.outside.micro_batch import Outside

# In the order in which they are told; `results` of a manifest holds all or none of them.
HEADLINE = (
    "proved_ns",
    "proved_worst_ns",
    "assumed_ns",
    "assumed_low_ns",
    "assumed_high_ns",
    "not_modelled",
    "step_ns",
    "step_high_ns",
    "tokens_per_s_per_user",
    "tokens_per_s_per_user_low",
    "tokens_per_s",
)
# Of what is assumed, in the order of a step.
PARTS = ("mixers", "hand-over", "LM head and sampling", "drafts")
QUEUEING, DRAFTER = "queueing before the machine", "drafter (speculation)"
NEVER_MODELLED = ("embedding", QUEUEING, DRAFTER)
# Where all of a model runs on the chips.
OUTSIDE = ("what a host does between two steps", "prefill", QUEUEING, DRAFTER)


def assumed_ns(outside: Outside) -> Ranged:
    """Return what a step takes outside of the fabric, in ns, rounded up to a picosecond."""
    return outside.assumed_ns.apply(lambda time_ns: exact(picoseconds_up(time_ns)))


def assumed_parts(outside: Outside) -> dict[str, list[float]]:
    """Return what is assumed by its parts: value, low and high of each in ns, rounded up to a picosecond.

    Where drafts are guessed, all that GPUs do before a visit of a module is theirs: what chooses the token before, join
    and mixers. The head after the last visit is that of the last draft then.
    """
    own = len(outside.visits) - outside.draft_visits
    mixers, drafts = (total(visit.attention for visit in of) for of in (outside.visits[:own], outside.visits[own:]))
    parts = (mixers, outside.handover_ns, outside.ending, *[drafts] * (outside.draft_visits > 0))
    return {
        name: [picoseconds_up(end) for end in (part.value, part.low, part.high)]
        for name, part in zip(PARTS, parts, strict=False)
    }


def headline_results(
    proved_ns: Fraction,
    proved_worst_ns: Fraction,
    assumed: Ranged,
    missing: list[str],
    *,
    emitted: tuple[int, Fraction],
    step_ns: Fraction | None = None,
) -> dict[str, Any]:
    """Return the keys of `HEADLINE`; times in ns, rounded up to a picosecond.

    The proved times are those of one step on perfect clocks without waiting, and of the longest within the
    specification; of layers in flight, whose longest step holds whatever its parts take, what is left of it beside the
    most that is assumed. Of their nominal step (`step_ns`) what is neither proved nor assumed waits for windows, and is
    told too. `emitted` are the users of a step, and the tokens that it emits to each of them on average.
    """
    proved, worst = exact(picoseconds_up(proved_ns)), exact(picoseconds_up(proved_worst_ns))
    step = proved + assumed.value if step_ns is None else exact(picoseconds_up(step_ns))
    (users, tokens), high = emitted, worst + assumed.high
    typical = tokens * 10**9 / step
    times = tuple(map(float, (proved, worst, assumed.value, assumed.low, assumed.high)))
    # Rounded down; and a step may emit no more than one token.
    rates = tuple(int(rate * 1000) / 1000 for rate in (typical, 10**9 / high, users * typical))
    told = dict(zip(HEADLINE, (*times, missing, float(step), float(high), *rates), strict=True))
    return told if step_ns is None else told | {"waiting_ns": float(step - proved - assumed.value)}


def not_modelled(unread: int, *, routed: bool = False, windows: int = 1, guessed: bool = False) -> list[str]:
    """Return what neither part of a step contains, mixers on GPUs; `unread` mixers have no widths in the config.

    Where rows are `routed` on GPUs as well, those have no kernels for it. What guesses drafts is there where they are
    `guessed` by modules of the model.

    Rows beyond the capacity of experts take further `windows`, which the worst case counts and the nominal step does
    not.
    """
    mixers = (f"caches and weights of {counted(unread, 'mixer')} without widths in the config",) if unread else ()
    again = (f"rows beyond the capacity, but at worst ({windows} windows a layer)",) if windows > 1 else ()
    routers = ("routers and choices of experts on GPUs",) if routed else ()
    return [*mixers, *routers, *again, *(what for what in NEVER_MODELLED if what != DRAFTER or not guessed)]


def picoseconds_up(time_ns: Fraction) -> float:
    """Return a time rounded up to a picosecond: a bound must not lose anything to rounding."""
    return ceil_cycles(time_ns * 1000) / 1000
