"""Which chips hold which layers, and how far weights fill their SRAM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.timetable.build import Build


@dataclass(frozen=True, slots=True)
class HeldLayers:
    """Layers and what holds them.

    Attributes
    ----------
    layers : tuple of int
    chips : str
        Positions, runs joined: ``0.0-6, 1-3.5``.
    count : int
    least_filled, most_filled : float
        Share of the SRAM that weights take, of all layers on the chip.
    """

    layers: tuple[int, ...]
    chips: str
    count: int
    least_filled: float
    most_filled: float


def mapping(build: Build) -> list[HeldLayers]:
    """Return the chips that hold layers, those on the same chips together, in the order of the first."""
    chips, groups, found = build.chips, {of.group: of.chips for of in build.graph.groups}, []
    layers: dict[tuple[int, ...], list[int]] = {}
    for of in sorted(build.graph.layers, key=lambda of: of.layer):
        layers.setdefault(tuple(groups[of.group]), []).append(of.layer)
    for held, held_layers in layers.items():
        members = list(held)
        filled = chips.weight_bytes[members] / chips.sram_bytes[members].clip(1)
        places = position_ranges(chips.position[members].tolist())
        least, most = float(filled.min(initial=1.0)), float(filled.max(initial=0.0))
        found.append(HeldLayers(tuple(held_layers), places, len(members), min(least, most), most))
    return found


def position_ranges(positions: Iterable[str]) -> str:
    """Return positions with runs joined: ``0.0-6, 2-4.7`` are 0 to 6 of tray 0, and 7 of trays 2, 3 and 4.

    What does not end in a number stands alone.
    """
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
    return ", ".join(_over_trays(runs))


def _over_trays(runs: Iterable[tuple[str, int, int] | str]) -> list[str]:
    """Return runs as text; the same places of trays that follow each other are one."""
    told: list[str] = []
    rack, first_tray, last_tray, places = "", NONE, NONE, ""
    for run in runs:
        if isinstance(run, str):
            told.append(run)
            last_tray = NONE
            continue
        (of_rack, dot, tray), of_places = run[0].rpartition("."), _run(*run[1:])
        if tray.isdecimal() and (of_rack, int(tray) - 1, of_places) == (rack, last_tray, places):
            last_tray = int(tray)
            told[-1] = f"{rack}{dot}{first_tray}-{last_tray}.{places}"
            continue
        rack, places = of_rack, of_places
        first_tray = last_tray = int(tray) if tray.isdecimal() else NONE
        told.append(f"{run[0]}.{places}" if run[0] else places)
    return told


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
