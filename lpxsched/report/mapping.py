"""Which chips hold which layers, and how far weights fill their SRAM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.report.token import token_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.timetable.build import Build


@dataclass(frozen=True, slots=True)
class Held:
    """A segment and what holds it.

    Attributes
    ----------
    layers : tuple of int
    chips : str
        Positions, runs joined: ``0.0-6, 1.3``.
    count : int
    least_filled, most_filled : float
        Share of the SRAM that weights take, of all layers on the chip.
    """

    layers: tuple[int, ...]
    chips: str
    count: int
    least_filled: float
    most_filled: float


def mapping(build: Build) -> list[Held]:
    """Return what holds each segment, in the order of a token."""
    token, chips = token_time(build), build.chips
    found = []
    for segment in token.order.tolist():
        members = build.graph.chips_of(segment)
        filled = chips.weight_bytes[members] / chips.sram_bytes[members].clip(1)
        places = position_ranges(chips.position[members].tolist())
        least, most = float(filled.min(initial=1.0)), float(filled.max(initial=0.0))
        found.append(Held(token.layers[segment], places, len(members), min(least, most), most))
    return found


def position_ranges(positions: Iterable[str]) -> str:
    """Return positions with runs inside a tray joined: ``0.0-6, 1.3``; what does not end in a number stands alone."""
    runs: list[tuple[str, int, int] | str] = []
    for name in positions:
        tray, _, place = name.rpartition(".")
        last = runs[-1] if runs else None
        if not place.isdecimal():
            runs.append(name)
        elif isinstance(last, tuple) and (last[0], last[2]) == (tray, int(place) - 1):
            runs[-1] = (tray, last[1], int(place))
        else:
            runs.append((tray, int(place), int(place)))
    return ", ".join(run if isinstance(run, str) else _run(*run) for run in runs)


def _run(tray: str, first: int, last: int) -> str:
    start = f"{tray}.{first}" if tray else str(first)
    return start if first == last else f"{start}-{last}"
