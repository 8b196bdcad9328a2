"""Routes between two chips as data: all shortest ones, and those that are a bounded number of hops longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.fabric.distances import hops_from
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.fabric.adjacency import Adjacency


def routes(joined: Adjacency, source: int, destination: int, *, extra_hops: int = 0) -> Iterator[tuple[int, ...]]:
    """Yield the routes between two chips that are at most `extra_hops` longer than the shortest, no chip twice.

    Routes come in lexicographic order of their chips, one at a time, so a caller may stop after any number. One search
    from the destination suffices, whatever the size of the fabric.

    Parameters
    ----------
    joined : Adjacency
    source, destination : int
    extra_hops : int

    Yields
    ------
    tuple of int
        The chips of a route, both ends included.
    """
    to_go = hops_from(destination, joined.reversed())
    if to_go[source] == NONE:
        return
    longest = int(to_go[source]) + extra_hops
    route = [source]
    open_ends = [iter(joined.neighbours(source).tolist())]
    if source == destination:
        yield (source,)
        return
    while open_ends:
        chip = next(open_ends[-1], None)
        if chip is None:
            open_ends.pop()
            route.pop()
        elif chip == destination:
            yield (*route, chip)
        elif chip not in route and 0 <= to_go[chip] <= longest - len(route):
            route.append(chip)
            open_ends.append(iter(joined.neighbours(chip).tolist()))
