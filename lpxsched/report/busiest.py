"""The busiest links and chips of a build, each measured against the makespan of its own segment, or against the period.

What repeats without end uses its links and units once a period.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from lpxsched.report.relays import RELAY, mere_relays, relays_of_segments
from lpxsched.report.sharing import layers_of, turn_cycles
from lpxsched.report.token_time import token_time
from lpxsched.report.utilisation import LINK, utilisation
from lpxsched.timetable.columns import WITHOUT_UNIT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True)
class BusyLink:
    """One link.

    Attributes
    ----------
    link : int
    link_class : str
    source, destination : str
        Positions of its ends.
    lane : int
    layers : tuple of int
        Layers of the segments that use it.
    vectors : int
    share : float
        Busy share of the segment's makespan, or of the period.
    """

    link: int
    link_class: str
    source: str
    destination: str
    lane: int
    layers: tuple[int, ...]
    vectors: int
    share: float


@dataclass(frozen=True, slots=True)
class BusyChip:
    """One chip.

    Attributes
    ----------
    chip : int
    position : str
    relay : bool
        Whether it computes nothing of any segment, and only passes vectors on or sums them on the way.
    layers : tuple of int
        Layers of its segments.
    unit_shares : dict of float
        Share of the segment's makespan, or of the period, during which each functional unit runs.
    vectors_in, vectors_out : int
        Vectors that its links bring and take.
    """

    chip: int
    position: str
    relay: bool
    layers: tuple[int, ...]
    unit_shares: dict[str, float]
    vectors_in: int
    vectors_out: int

    @property
    def name(self) -> str:
        """Position with its noun: ``chip 0.3``, ``relay 0.3``."""
        return f"{RELAY if self.relay else 'chip'} {self.position}"


Busy = TypeVar("Busy", BusyLink, BusyChip)


def busy_links(build: Build) -> list[BusyLink]:
    """Return the links that carry vectors, the busiest first, equal ones in the order of their numbers."""
    token = token_time(build)
    busy = utilisation(build, bins=1, by=LINK)
    cycles = turn_cycles(build, build.slots.link, token.slot_segment, len(build.links))
    layers = layers_of(token, build.slots.link, token.slot_segment)
    position = build.chips.position
    found = [
        BusyLink(
            link=link,
            link_class=group.link_class,
            source=str(position[build.links.src[link]]),
            destination=str(position[build.links.dst[link]]),
            lane=int(build.links.lane[link]),
            layers=layers[link],
            vectors=group.vectors,
            share=float(busy.busy_cycles(link) / int(cycles[link])),
        )
        for link, group in enumerate(busy.groups)
        if group.vectors
    ]
    return sorted(found, key=lambda link: -link.share)


@dataclass(frozen=True, slots=True)
class Alike(Generic[Busy]):
    """Links or chips that are equally busy with equally many vectors.

    Attributes
    ----------
    one : BusyLink or BusyChip
        The first of them.
    count : int
    layers : tuple of int
        Layers of the segments that use any of them.
    """

    one: Busy
    count: int
    layers: tuple[int, ...]


def alike_links(links: Iterable[BusyLink]) -> list[Alike[BusyLink]]:
    """Return links in the order given, each followed by no other of its class that is as busy as it."""
    return _alike(links, lambda link: (link.link_class, link.vectors, link.share))


def alike_chips(chips: Iterable[BusyChip]) -> list[Alike[BusyChip]]:
    """Return chips in the order given, each followed by no other that is as busy as it."""
    return _alike(chips, lambda chip: (chip.relay, *chip.unit_shares.items(), chip.vectors_in, chip.vectors_out))


def _alike(all_of_them: Iterable[Busy], key: Callable[[Busy], Hashable]) -> list[Alike[Busy]]:
    groups: dict[Hashable, list[Busy]] = {}
    for each in all_of_them:
        groups.setdefault(key(each), []).append(each)
    return [
        Alike(members[0], len(members), tuple(sorted({layer for each in members for layer in each.layers})))
        for members in groups.values()
    ]


def busy_chips(build: Build) -> list[BusyChip]:
    """Return the chips (no hosts) that run operators or relay, in the order of their numbers."""
    token, operators = token_time(build), build.operators
    relays = relays_of_segments(build, token)
    mere = set(mere_relays(build, relays))
    vectors_in = np.zeros(len(build.chips), dtype=np.int64)
    vectors_out = np.zeros(len(build.chips), dtype=np.int64)
    np.add.at(vectors_in, build.links.dst[build.slots.link], build.slots.vectors)
    np.add.at(vectors_out, build.links.src[build.slots.link], build.slots.vectors)
    units = sorted(set(operators.unit.tolist()) - WITHOUT_UNIT)
    cycles = {unit: np.zeros(len(build.chips), dtype=np.int64) for unit in units}
    for unit in units:
        of_unit = operators.unit == unit
        np.add.at(cycles[unit], operators.chip[of_unit], operators.cycles[of_unit])
    uses = _uses(build, relays)
    turn = turn_cycles(build, *uses, len(build.chips))
    return [
        BusyChip(
            chip=chip,
            position=str(build.chips.position[chip]),
            relay=chip in mere,
            layers=layers,
            unit_shares={unit: float(Fraction(int(cycles[unit][chip]), int(turn[chip]))) for unit in units},
            vectors_in=int(vectors_in[chip]),
            vectors_out=int(vectors_out[chip]),
        )
        for chip, layers in sorted(layers_of(token, *uses).items())
        if not build.chips.host[chip]
    ]


def _uses(build: Build, relays: Sequence[Sequence[int]]) -> tuple[Integers, Integers]:
    """Return a chip and a segment for each operator, and for each relay of a segment."""
    passing = [(chip, segment) for segment, of in enumerate(relays) for chip in of]
    rows = np.array(passing, dtype=np.int64).reshape(-1, 2)
    return np.append(build.operators.chip, rows[:, 0]), np.append(build.operators.segment, rows[:, 1])


def busiest_alike(chips: list[BusyChip], shown: int) -> list[Alike[BusyChip]]:
    """Return the busiest chips, those alike once, and the busiest relays, so many of each at most.

    They are in the order of their busiest functional unit, and of vectors where nothing runs on one.
    """
    on_units = any(chip.unit_shares for chip in chips)
    found = alike_chips(busiest_by_unit(chips) if on_units else busiest_by_vectors(chips))
    first = [*found[:shown], *[alike for alike in found if alike.one.relay][:shown]]
    return [alike for alike in found if alike in first]


def busiest_by_unit(chips: list[BusyChip]) -> list[BusyChip]:
    """Return chips by the share of their busiest functional unit, the largest first."""
    return sorted(chips, key=lambda chip: -max(chip.unit_shares.values(), default=0.0))


def busiest_by_vectors(chips: list[BusyChip]) -> list[BusyChip]:
    """Return chips by the vectors that come in and go out, the most first."""
    return sorted(chips, key=lambda chip: -(chip.vectors_in + chip.vectors_out))
