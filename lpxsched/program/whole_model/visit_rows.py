"""Visits of a whole model in a row on equal tiles of a fabric, those that use what others keep beside these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InfeasibleError
from lpxsched.program.whole_model.visit_memory import Needs
from lpxsched.units import NONE, counted
from lpxsched.workload.lpu_visits import Visit, chips_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric

# What a visit needs on a group of so many chips.
NeedsOfKind = Callable[[Visit, int], Needs]


@dataclass(frozen=True, slots=True)
class Together:
    """Visits of a step, and what those need together that lie on the same chips.

    Attributes
    ----------
    visits : sequence of Visit
    homes : tuple of int
        The visit on whose chips each lies.
    needs_of_kind : callable
    """

    visits: Sequence[Visit]
    homes: tuple[int, ...]
    needs_of_kind: NeedsOfKind

    @classmethod
    def of(cls, visits: Sequence[Visit], needs_of_kind: NeedsOfKind) -> Together:
        """Return the visits of a step."""
        return cls(visits, chips_of(visits), needs_of_kind)

    @property
    def laid(self) -> list[int]:
        """Visits that lie on chips of their own, in their order."""
        return sorted(set(self.homes))

    def needs(self, home: int, width: int) -> Needs:
        """Return what a visit needs with all others on its chips."""
        pairs = zip(self.visits, self.homes, strict=True)
        every = [self.needs_of_kind(visit, width) for visit, of in pairs if of == home]
        resident = tuple(map(sum, zip(*(one.resident for one in every), strict=True)))
        return Needs(resident, max(one.working for one in every))

    @property
    def least_bytes(self) -> int:
        """Bytes of all visits, each on one chip."""
        return sum(sum(self.needs_of_kind(visit, 1).resident) for visit in self.visits)


def chips_up(fabric: Fabric) -> int:
    """Return the number of chips that are up."""
    return int((~fabric.node_down[: fabric.chips]).sum())


def refuse_oversize(fabric: Fabric, visits: Together, what: str) -> None:
    """Refuse what cannot fit wherever it lies: more chips never hold fewer bytes in all, nor more bytes each.

    Raises
    ------
    InfeasibleError
        With bytes a chip.
    """
    chips, capacity, total = chips_up(fabric), fabric.chip.sram_bytes, visits.least_bytes
    if total > chips * capacity:
        raise InfeasibleError(
            f"{what} keeps {total:,} bytes, {-(-total // chips):,} bytes a chip on the {counted(chips, 'chip')} of "
            f"{fabric.name}; a chip holds {capacity:,}"
        )


def in_a_row(
    fabric: Fabric, tiles: Sequence[tuple[int, ...]], visits: Together, *, most: int
) -> list[tuple[int, ...]] | None:
    """Return the tile of each visit that is laid, filled with so many at most before the next; None if they run out.

    The next is the first of those on most chips of which links of the last one end.
    """
    width, chosen, tile = len(tiles[0]), list[tuple[int, ...]](), 0
    reached, left = _reached(fabric, tiles), np.ones(len(tiles), dtype=np.bool_)
    resident, working, laid = [0] * width, 0, 0
    for visit in visits.laid:
        needs = visits.needs(visit, width)
        more = [kept + own for kept, own in zip(resident, needs.resident, strict=True)]
        if laid == most or max(more) + max(working, needs.working) > fabric.chip.sram_bytes:
            left[tile] = False
            laid, tile, more, working = 0, int(np.where(left, reached[tile], 0).argmax()), list(needs.resident), 0
            if not left[tile] or max(more) + needs.working > fabric.chip.sram_bytes:
                return None
        resident, working, laid = more, max(working, needs.working), laid + 1
        chosen.append(tiles[tile])
    return chosen


def _reached(fabric: Fabric, tiles: Sequence[tuple[int, ...]]) -> NDArray[np.int64]:
    """Return on how many chips of a tile links of another tile end, shape (tiles, tiles): from, to."""
    tile_of = np.full(fabric.nodes, NONE, dtype=np.int64)
    for number, chips in enumerate(tiles):
        tile_of[list(chips)] = number
    ends = tile_of[fabric.source], fabric.destination
    kept = fabric.link_up & (ends[0] >= 0) & (tile_of[ends[1]] >= 0)
    pairs = np.unique(np.stack([ends[0][kept], ends[1][kept]]), axis=1)
    reached = np.zeros((len(tiles), len(tiles)), dtype=np.int64)
    np.add.at(reached, (pairs[0], tile_of[pairs[1]]), 1)
    return reached
