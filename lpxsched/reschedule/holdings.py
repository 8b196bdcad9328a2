"""Which nodes hold vectors of each tensor, and from when on: what producers left, and what slots brought."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lpxsched.compiled.kernels import Flags
    from lpxsched.reschedule.tasks import Moves, Work
    from lpxsched.reschedule.wires import WireTimes

Pitch = tuple[int, int]


class Holding(NamedTuple):
    """Vectors `first` to `end` - 1 at a node: vector k may leave `offset` + (k - first) pitch after a task starts."""

    node: int
    first: int
    end: int
    task: int
    offset: int
    pitch: Pitch


@dataclass(slots=True)
class Holdings:
    """What nodes hold by tensor, and the nodes that wait for vectors of it."""

    of_tensor: dict[int, list[Holding]] = field(default_factory=lambda: defaultdict(list))

    def add(self, tensor: int, held: Holding) -> None:
        """Let a node hold vectors of a tensor."""
        self.of_tensor[tensor].append(held)

    def touching(self, tensor: int, first: int, end: int) -> Iterator[Holding]:
        """Yield what nodes hold of some vectors."""
        return (held for held in self.of_tensor[tensor] if held.first < end and first < held.end)


def holdings_of(moves: Moves, work: Work, wires: WireTimes, tensors: Sequence[int], lost: Flags) -> Holdings:
    """Return who holds vectors of some tensors, by slots that are not lost and by producers; tasks as `tasks` has them.

    Parameters
    ----------
    moves : Moves
    work : Work
    wires : WireTimes
    tensors : sequence of int
    lost : ndarray of bool, shape (slots,)
    """
    holdings, wanted, sums = Holdings(), set(tensors), set(work.reader[work.summed].tolist())
    slots = len(moves.tensor)
    for tensor in sorted(wanted):
        node, maker = int(work.made_at[tensor]), int(work.producer[tensor])
        # What a sum leaves may have to turn around first.
        turn = int(wires.turnaround[node]) if maker in sums else 0
        holdings.add(tensor, Holding(node, 0, 1 << 40, slots + maker, int(work.cycles[maker]) + turn, (0, 1)))
    # Hosts pass nothing on.
    stays = ~lost & ~wires.host[moves.destination] & np.isin(moves.tensor, tensors)
    for slot in np.flatnonzero(stays).tolist():
        link, node, first = int(moves.link[slot]), int(moves.destination[slot]), int(moves.first[slot])
        offset = int(moves.hop[slot] + wires.turnaround[node])
        pitch = int(wires.pitch[link]), int(wires.denominator[link])
        holdings.add(
            int(moves.tensor[slot]), Holding(node, first, first + int(moves.vectors[slot]), slot, offset, pitch)
        )
    return holdings


def ready_cycles(
    pieces: Iterable[Holding], run: tuple[int, int], start: Sequence[int], fastest: Pitch
) -> tuple[int, list[int]] | None:
    """Return when a slot of a run may leave a node at the fastest pitch, and what it waits for; None without all of it.

    Parameters
    ----------
    pieces : iterable of Holding
        At one node.
    run : (int, int)
        First vector, and the one behind the last.
    start : sequence of int
        Of each task.
    fastest : Pitch
        At this pitch or a longer one the slot leaves.
    """
    first, end = run
    reached, ready, tasks = first, 0, []
    for held in sorted(pieces, key=lambda held: (held.first, held.end)):
        if held.end <= reached or held.first >= end:
            continue
        if held.first > reached:
            return None
        for vector in (max(held.first, first), min(held.end, end) - 1):
            passed = (vector - held.first) * held.pitch[0] * fastest[1] - (vector - first) * fastest[0] * held.pitch[1]
            late = ceil_div(passed, held.pitch[1] * fastest[1])
            ready = max(ready, start[held.task] + held.offset + late)
        reached = held.end
        tasks.append(held.task)
    return (ready, tasks) if reached >= end else None
