"""What a build is, and how long it takes, in a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.formats import percent
from lpxsched.report.mapping import position_ranges
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.report.frames import Windows
    from lpxsched.report.summary import Summary


def name_of(summary: Summary) -> str:
    """Return what the build is."""
    facts = summary.facts
    names = (facts[key] for key in ("model", "collective", "topology"))
    name = " on ".join(str(told) for told in names if told is not None) or "build"
    return name if facts["batch"] is None else f"{name}, batch {facts['batch']}"


def length_of(summary: Summary) -> str:
    """Return how long a build takes beside its lower bound."""
    facts = summary.facts
    bound = "" if facts["bound"] is None else f" ({facts['bound']})"
    ends = " between embedding and head" if summary.visits else ""
    layers = f"{counted(facts['layer_count'], 'layer')}{ends}, " if facts["collective"] is None else ""
    period = facts["period_cycles"]
    # A model tells its worst case in the headline.
    told = facts["collective"] is not None and "proved_worst_ns" in facts
    worst = f" (at worst {facts['proved_worst_ns']:,.0f} ns, waiting included)" if told else ""
    of = "that" if summary.windows is None else windows_owned(summary.windows)
    repeats = f"repeats every {counted(period, 'cycle')} (shares of links and chips are of {of}), " if period else ""
    # Beside that of the period, which stands first.
    one = facts.get("makespan_lower_bound_cycles")
    beside = f", of the makespan {counted(one, 'cycle')} ({facts.get('makespan_bound')})" if one else ""
    return (
        f"{layers}{_relays(facts['relays'])}{repeats}"
        f"makespan {counted(facts['makespan_cycles'], 'cycle')} = {facts['makespan_ns']:,.0f} ns{worst}, "
        f"lower bound{' of the period' if period else ''} {counted(facts['lower_bound_cycles'], 'cycle')}{bound}"
        f"{beside}"
    )


def windows_owned(windows: Windows) -> str:
    """Return what shares of a period are of, and how many windows are owned."""
    owned = f"{windows.owned:,} of {counted(windows.every, 'window')} {'is' if windows.owned == 1 else 'are'}"
    told = f"a period in which every window is owned: {owned}"
    share = percent(windows.owned_share)
    return f"{told}, {windows.free:,} could be, so over the longest step shares are {share} of these"


def _relays(positions: Sequence[str]) -> str:
    """Return which chips only pass vectors on, with a comma behind; nothing where none does."""
    return f"{counted(len(positions), 'relay')} ({position_ranges(positions)}), " if positions else ""
