"""Where the time of a layer goes: the critical path of a segment, walked backwards from its last operator.

The walk asks at each moment what had to be there last. An operator waits for the read of the last vector of
an operand, or for the end of its producer on the same node. A slot waits for that of its vectors whose
readiness leaves it the least freedom: vector j, ready at r, allows the slot to depart at r - j pitches. A sum that has
to turn round before it leaves is followed to the operand which lets it leave last. What lies between readiness and
start is waiting: a deskew, a link or a unit held by others, or unforced. Every step adds to one part, so that the parts
sum to the makespan exactly; what a hop adds is also counted for the class of its link.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.report.event_index import EventIndex, broken
from lpxsched.report.token_time import token_time
from lpxsched.units import NONE, ceil_cycles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lpxsched.report.event_index import Piece, Span
    from lpxsched.timetable.build import Build

SERIALISATION, LATENCY, GUARD, TURNAROUND = "serialisation", "latency", "guard", "turnaround"
LINK_BUSY, UNIT_BUSY, UNFORCED, DESKEW, ROUNDING = "link_busy", "unit_busy", "unforced", "deskew", "rounding"
COMPUTE = "compute_"
# What a hop spends on the wire, the wait for its link included.
OF_HOPS = (SERIALISATION, LATENCY, GUARD, TURNAROUND, LINK_BUSY)
# Cycles by part and link class; the class is empty in front of an operator.
Parts = dict[tuple[str, str], Fraction]


@dataclass(frozen=True, slots=True)
class LayerTime:
    """Segments whose time goes the same way.

    Attributes
    ----------
    segments, layers : tuple of int
    makespan_cycles : int
        Of each of these segments.
    lower_bound_cycles : int
        The least of theirs.
    chips : (int, int)
        Chips of the smallest and of the largest of them.
    cells : dict of Fraction
        Cycles of the critical path by part and class of the link; they sum to the makespan. Parts: ``serialisation``
        (vectors entering a wire), ``latency`` (of wires), ``guard`` (reads kept late for the clocks), ``turnaround``
        (in relays), ``link_busy`` and ``unit_busy`` (held by others), ``unforced`` (nothing forces this wait),
        ``deskew`` (stalls), ``rounding`` (up to the next whole cycle), ``compute_KIND`` for each kind of
        operator.
    """

    segments: tuple[int, ...]
    layers: tuple[int, ...]
    makespan_cycles: int
    lower_bound_cycles: int
    chips: tuple[int, int]
    cells: Mapping[tuple[str, str], Fraction]

    @property
    def parts(self) -> dict[str, Fraction]:
        """Cycles by part; they sum to the makespan."""
        return _summed((part, cycles) for (part, _), cycles in self.cells.items())

    @property
    def classes(self) -> dict[str, Fraction]:
        """Cycles that hops on links of each class spend, the turnaround and the wait before them included."""
        return _summed((name, cycles) for (part, name), cycles in self.cells.items() if name and part in OF_HOPS)


class Place(NamedTuple):
    """Where the walk stands: at the start of an operator, or at the read of one vector of a slot."""

    operator: int
    slot: int = NONE
    vector: int = NONE


def layer_times(build: Build) -> tuple[LayerTime, ...]:
    """Return the parts of every segment's makespan, segments with equal parts together.

    Raises
    ------
    InputError
        When the timetable breaks causality, so that no path leads back to time zero.
    """
    index, token = EventIndex.of(build), token_time(build)
    groups: dict[tuple[int, tuple[tuple[tuple[str, str], Fraction], ...]], list[int]] = {}
    for segment in token.order.tolist():
        parts, _ = segment_path(index, segment)
        key = (int(build.segments.makespan_cycles[segment]), tuple(sorted(parts.items())))
        groups.setdefault(key, []).append(segment)
    return tuple(
        LayerTime(
            segments=tuple(members),
            layers=tuple(sorted(layer for segment in members for layer in token.layers[segment])),
            makespan_cycles=makespan,
            lower_bound_cycles=min(int(build.segments.lower_bound_cycles[segment]) for segment in members),
            chips=_sizes(build, members),
            cells=dict(parts),
        )
        for (makespan, parts), members in groups.items()
    )


def _sizes(build: Build, segments: Iterable[int]) -> tuple[int, int]:
    sizes = [len(build.graph.chips_of(segment)) for segment in segments]
    return min(sizes), max(sizes)


def cycles_by_class(times: Iterable[LayerTime]) -> dict[str, Fraction]:
    """Return the cycles along one token that hops on links of each class spend; see `LayerTime`."""
    return _summed((name, len(time.segments) * cycles) for time in times for name, cycles in time.classes.items())


def _summed(pairs: Iterable[tuple[str, Fraction]]) -> dict[str, Fraction]:
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for name, cycles in pairs:
        sums[name] += cycles
    return dict(sorted(sums.items()))


def segment_path(index: EventIndex, segment: int) -> tuple[Parts, list[Place]]:
    """Return the cycles of one segment's critical path by part and link class, and its places from last to first."""
    parts: Parts = defaultdict(Fraction)
    place: Place | None = Place(index.last_operator(segment))
    seen: dict[Place, None] = {}
    while place is not None:
        if place in seen:
            raise broken("operands.parquet", f"operator {place.operator} waits for itself")
        seen[place] = None
        walk = _before_start if place.slot < 0 else _before_read
        place = walk(_Step(index, parts, index.deskew_spans(segment), index.link_class(place.slot), seen), place)
    return {key: cycles for key, cycles in parts.items() if cycles}, list(seen)


def _before_start(step: _Step, place: Place) -> Place | None:
    """Step from the start of an operator to the last of what it waited for; None when there is nothing."""
    index, operator, table = step.index, place.operator, step.index.build.operators
    causes = [
        (index.ready(piece, piece.last), piece.last, piece)
        for tensor, first, last in index.operands(operator)
        for piece in index.pieces(tensor, first, last, int(table.chip[operator]))
    ]
    moment = max(causes)[0] if causes else Fraction(0)
    step.wait(moment, int(table.start[operator]), UNIT_BUSY, index.unit_spans(operator))
    return step.follow(max(causes)[2], max(causes)[1]) if causes else None


def _before_read(step: _Step, place: Place) -> Place | None:
    """Step from the read of a vector back through its slot to what let the slot depart."""
    index, links = step.index, step.index.build.links
    tensor, first, link, depart, read, v, pitch = index.hop(place.slot)
    latency, node = int(links.latency_cycles[link]), int(links.src[link])
    arrival = depart + v + latency
    # The guard that a link is told to have explains a wait as far as there is one.
    guard = max(Fraction(0), min(Fraction(int(links.guard_cycles[link])), read - arrival))
    step.wait(arrival + guard, read)
    # Readiness is linear in the vectors of a piece, so one of its ends is the tightest.
    causes = [
        (index.leaves(piece, vector) - (vector - first) * pitch, vector, piece)
        for piece in index.pieces(tensor, first, place.vector, node)
        for vector in (piece.first, piece.last)
    ]
    moment, vector, piece = max(causes)
    step.wait(moment, depart, LINK_BUSY, index.link_spans(place.slot))
    step.add(SERIALISATION, v)
    step.add(LINK_BUSY if pitch > v else SERIALISATION, (place.vector - vector) * pitch)
    step.add(LATENCY, latency)
    step.add(GUARD, guard)
    return step.follow_out(piece, vector)


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """Adds what it passes to the parts of one segment.

    Attributes
    ----------
    index : EventIndex
    parts : dict of Fraction
        Grows with every step.
    deskews : list of Span
        Stalls of the segment.
    link_class : str
        Of the hop behind this step; empty behind an operator.
    seen : dict
        Places that the walk has passed; sums that turned round on the way are added to them.
    """

    index: EventIndex
    parts: Parts
    deskews: list[Span]
    link_class: str
    seen: dict[Place, None]

    def add(self, part: str, cycles: Fraction | int) -> None:
        """Add cycles to a part."""
        self.parts[part, self.link_class] += cycles

    def wait(self, since: Fraction, until: int, busy_part: str = "", busy: Iterable[Span] = ()) -> None:
        """Add the time between readiness and use: rounding, then deskews, then others' use; the rest is unforced."""
        if since > until:
            problem = f"something happens at cycle {until} that needs what is there at {float(since):g}"
            raise broken("timetable.parquet", problem)
        whole = ceil_cycles(since)
        self.add(ROUNDING, whole - since)
        free = self._take(DESKEW, [(whole, until)], self.deskews)
        free = self._take(busy_part, free, busy)
        self.add(UNFORCED, _length(free))

    def follow(self, piece: Piece, vector: int) -> Place | None:
        """Return the place from which a vector came, passing through the operator that produced it."""
        if piece.slot >= 0:
            return Place(NONE, piece.slot, vector)
        producer = self.index.producer(piece)
        if producer < 0:
            return None
        kind = str(self.index.build.operators.kind[producer])
        self.add(COMPUTE + kind, self._cycles(producer))
        return Place(producer)

    def follow_out(self, piece: Piece, vector: int) -> Place | None:
        """Return the place from which a vector came that leaves again: turnarounds lie behind it."""
        index = self.index
        while piece.slot < 0:
            producer = index.producer(piece)
            last = index.turning(producer).piece if producer >= 0 else None
            if last is None:
                return self.follow(piece, vector)
            self.add(COMPUTE + str(index.build.operators.kind[producer]), self._cycles(producer))
            self.seen[Place(producer)] = None
            piece, vector = last, last.last
        self.add(TURNAROUND, index.turnaround(piece))
        return Place(NONE, piece.slot, vector)

    def _cycles(self, operator: int) -> int:
        return int(self.index.build.operators.cycles[operator])

    def _take(self, part: str, free: list[Span], taken: Iterable[Span]) -> list[Span]:
        """Give the overlap of free and taken time to a part; return what stays free."""
        rest = free
        for start, end in taken:
            rest = [(low, high) for a, b in rest for low, high in ((a, min(b, start)), (max(a, end), b)) if low < high]
        if part:
            self.add(part, _length(free) - _length(rest))
        return rest


def _length(spans: list[Span]) -> int:
    return sum(end - start for start, end in spans)
