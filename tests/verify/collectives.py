"""Builds of collectives on three chips, laid by hand; every chip has a link to every other one.

v = 5/2 cycles, latency 10, perfect clocks: a vector is read 13 cycles after it departs (ceil(12.5)); turnaround 3.
Links, sorted by source and destination:

    0: 0 -> 1   1: 0 -> 2   2: 1 -> 0   3: 1 -> 2   4: 2 -> 0   5: 2 -> 1

A sum of m vectors a place takes max(ceil((m + 1) 320 n / 960), (m - 1) n) + 4 cycles for n places. Its result leaves
that many cycles and the turnaround after the last of them was read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.timetable.build import Build
from lpxsched.timetable.columns import Chips, Deskews, Frames, Links, Operands, Operators, Segments, Slots, Tensors
from lpxsched.timetable.documents import GraphFile, canonical_json
from tests.builds import VECTOR_BYTES, ints, signed, two_chip_build

if TYPE_CHECKING:
    from collections.abc import Sequence

CHIPS = 3
HOP_CYCLES = 13
# Chips that nobody has to align wait for one epoch of the counter.
EPOCH = 252
KINDS = (
    "all-gather",
    "reduce-scatter",
    "all-reduce",
    "all-to-all",
    "broadcast",
    "reduce",
    "gather",
    "scatter",
)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum on a chip: the run of the tensor, and which rows of tensors enter from which vector on."""

    chip: int
    start: int
    offset: int
    vectors: int
    operands: tuple[tuple[int, int], ...]
    layout: str = "sharded"

    @property
    def work(self) -> tuple[int, int, int]:
        """Cycles, bytes of SRAM, operations."""
        sram_bytes = (len(self.operands) + 1) * self.vectors * VECTOR_BYTES
        macs = (len(self.operands) - 1) * self.vectors * 160
        return max(-(-sram_bytes // 960), macs // 160) + 4, sram_bytes, macs


@dataclass(frozen=True, slots=True)
class Laid:
    """A collective as rows.

    Attributes
    ----------
    graph : sequence
        Name, vectors, layout and shard of each tensor of the graph.
    wanted : tuple
        Layout and shard in which all of them are read.
    held : sequence
        Name, chip, offset and vectors of what chips hold at first: the first rows of the tensors.
    slots : sequence
        Tensor, first vector, vectors, link, departure.
    reads : sequence
        Chip, tensor, first vector and vectors of what chips read in the end.
    starts : sequence
        When each chip that takes part has read all of it.
    sums : sequence of Sum
        Their results are the last rows of the tensors.
    chips, relays : sequence
    """

    graph: Sequence[tuple[str, int, str, int | None]]
    wanted: tuple[str, int | None]
    held: Sequence[tuple[str, int, int, int]]
    slots: Sequence[tuple[int, int, int, int, int]]
    reads: Sequence[tuple[int, int, int, int]]
    starts: Sequence[int]
    sums: Sequence[Sum] = ()
    chips: tuple[int, ...] = (0, 1, 2)
    relays: tuple[int, ...] = ()


def _exchange(depart: int, tensors: tuple[int, int, int], firsts: Sequence[int] | None = None) -> list[Any]:
    """Return six slots of one vector, from every chip to every other: vector `firsts[target]` of the chip's tensor."""
    ends = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    return [(tensors[a], firsts[b] if firsts else 0, 1, link, depart) for link, (a, b) in enumerate(ends)]


def _everyone(*tensors: tuple[int, int, int]) -> list[tuple[int, int, int, int]]:
    return [(chip, *tensor) for chip in range(CHIPS) for tensor in tensors]


PARTIAL = [("data", chip, 0, 3) for chip in range(CHIPS)]
# Three operands of one vector: max(ceil(1280 / 960), 2) + 4 = 6 cycles, [13, 19).
SHARE_SUMS = [Sum(chip, 13, chip, 1, ((0, chip), (1, chip), (2, chip))) for chip in range(CHIPS)]

LAID = {
    # Vectors of 5/2 cycles from 0 on are read at 13 and 15.5.
    "all-gather": Laid(
        graph=[("data", 6, "sharded", None)],
        wanted=("replicated", None),
        held=[("data", chip, 2 * chip, 2) for chip in range(CHIPS)],
        slots=[(link // 2, 0, 2, link, 0) for link in range(6)],
        reads=_everyone((0, 0, 2), (1, 0, 2), (2, 0, 2)),
        starts=[16, 16, 16],
    ),
    "reduce-scatter": Laid(
        graph=[("data", 3, "partial", None)],
        wanted=("sharded", None),
        held=PARTIAL,
        slots=_exchange(0, (0, 1, 2), (0, 1, 2)),
        reads=[(chip, 3 + chip, 0, 1) for chip in range(CHIPS)],
        starts=[19, 19, 19],
        sums=SHARE_SUMS,
    ),
    # The sums leave at 13 + 3 + 6.
    "all-reduce": Laid(
        graph=[("data", 3, "partial", None)],
        wanted=("replicated", None),
        held=PARTIAL,
        slots=[*_exchange(0, (0, 1, 2), (0, 1, 2)), *_exchange(22, (3, 4, 5))],
        reads=_everyone((3, 0, 1), (4, 0, 1), (5, 0, 1)),
        starts=[35, 35, 35],
        sums=SHARE_SUMS,
    ),
    "all-to-all": Laid(
        graph=[(f"from.{shard}", 3, "single", shard) for shard in range(CHIPS)],
        wanted=("sharded", None),
        held=[(f"from.{chip}", chip, 0, 3) for chip in range(CHIPS)],
        slots=_exchange(0, (0, 1, 2), (0, 1, 2)),
        reads=[(chip, tensor, chip, 1) for chip in range(CHIPS) for tensor in range(CHIPS)],
        starts=[13, 13, 13],
    ),
    # Chip 1 reads at 13, 15.5 and 18, and sends on from 13 + 3 = 16: chip 2 reads at 29, 31.5 and 34.
    "broadcast": Laid(
        graph=[("data", 3, "single", 0)],
        wanted=("replicated", None),
        held=[("data", 0, 0, 3)],
        slots=[(0, 0, 3, 0, 0), (0, 0, 3, 3, 16)],
        reads=_everyone((0, 0, 3)),
        starts=[0, 18, 34],
    ),
    # Two vectors are there at 15.5; three operands take max(ceil(2560 / 960), 4) + 4 = 8 cycles, [16, 24).
    "reduce": Laid(
        graph=[("data", 2, "partial", None)],
        wanted=("single", 0),
        held=[("data", chip, 0, 2) for chip in range(CHIPS)],
        slots=[(1, 0, 2, 2, 0), (2, 0, 2, 4, 0)],
        reads=[(0, 3, 0, 2)],
        starts=[24, 0, 0],
        sums=[Sum(0, 16, 0, 2, ((0, 0), (1, 0), (2, 0)))],
    ),
    "gather": Laid(
        graph=[("data", 3, "sharded", None)],
        wanted=("single", 2),
        held=[("data", chip, chip, 1) for chip in range(CHIPS)],
        slots=[(0, 0, 1, 1, 0), (1, 0, 1, 3, 0)],
        reads=[(2, 0, 0, 1), (2, 1, 0, 1), (2, 2, 0, 1)],
        starts=[0, 0, 13],
    ),
    "scatter": Laid(
        graph=[("data", 3, "single", 1)],
        wanted=("sharded", None),
        held=[("data", 1, 0, 3)],
        slots=[(0, 0, 1, 2, 0), (0, 2, 1, 3, 0)],
        reads=[(chip, 0, chip, 1) for chip in range(CHIPS)],
        starts=[13, 0, 13],
    ),
}

# Chips 0 and 1 sum one vector on chip 2, which takes no part: two operands take 5 cycles, [13, 18), and leave at 21.
RELAYED_REDUCE = Laid(
    graph=[("data", 1, "partial", None)],
    wanted=("single", 0),
    held=[("data", 0, 0, 1), ("data", 1, 0, 1)],
    slots=[(0, 0, 1, 1, 0), (1, 0, 1, 3, 0), (2, 0, 1, 4, 21)],
    reads=[(0, 2, 0, 1)],
    starts=[34, 0],
    sums=[Sum(2, 13, 0, 1, ((0, 0), (1, 0)))],
    chips=(0, 1),
    relays=(2,),
)


def collective_build(kind: str) -> Build:
    """Return the build of one kind."""
    return build_of(LAID[kind])


def build_of(laid: Laid, *, wire: str = "pipelined", period: int = 0) -> Build:
    """Return the build of rows; on busy wires, and with a period, departures and starts stay what they are."""
    makespan = max(laid.starts)
    bound = min(makespan, period or makespan)
    graph = _graph(laid)
    results = {"makespan_cycles": makespan, "lower_bound_cycles": bound, "period_cycles": period}
    said = {"wire": wire, "results": results, "clock": _perfect_clock()}
    segment_bound, frame_bound = (0, bound) if period else (bound, 0)
    manifest = two_chip_build().manifest.model_copy(update=said)
    build = Build(
        slots=_slots(laid),
        operators=_operators(laid),
        operands=_operands(laid),
        tensors=_tensors(laid),
        chips=_chips(),
        links=_links(),
        segments=Segments(
            *(ints(0), ints(0), ints(0), ints(max(EPOCH, period)), ints(makespan), ints(segment_bound), ints(-1))
        ),
        frames=Frames(ints(0), ints(-1), ints(period), ints(int(period > 0)), (ints(),), ints(frame_bound)),
        deskews=Deskews(*(ints() if period else ints(0) for _ in range(4))),
        graph=graph,
        manifest=manifest,
        graph_json=canonical_json(graph),
    )
    return signed(build)


def limited(build: Build, **limits: int) -> Build:
    """Return a build with the same limits on every chip."""
    columns = {name: np.full(len(build.chips), limit, dtype=np.int64) for name, limit in limits.items()}
    return signed(replace(build, chips=replace(build.chips, **columns)))


def _perfect_clock() -> dict[str, Any]:
    clock = two_chip_build().manifest.clock
    keys = ("offset_ppm", "residual_ns", "jitter_peak_to_peak_ns", "crossing_cycles")
    return clock | {key: clock[key] | {"value": 0} for key in keys}


def _slots(laid: Laid) -> Slots:
    rows = sorted(laid.slots, key=lambda row: (row[3], row[4]))
    tensor, first_vector, vectors, link, depart = (ints(*column) for column in zip(*rows, strict=True))
    return Slots(tensor, first_vector, vectors, link, depart, depart + HOP_CYCLES)


def _operators(laid: Laid) -> Operators:
    chips, width = [*laid.chips, *laid.relays], len(laid.chips)
    rows = [(laid.chips[s], s, "none", "source", 0, 0, 0, 0, 0) for s in range(width)]
    rows += [(laid.chips[s], s, "none", "deliver", laid.starts[s], 0, 0, 0, 0) for s in range(width)]
    for one in laid.sums:
        cycles, sram_bytes, macs = one.work
        rows.append((one.chip, chips.index(one.chip), "vector", "add", one.start, cycles, sram_bytes, macs, 4))
    chip, shard, unit, kind, start, cycles_, sram, operations, fixed = zip(*rows, strict=True)
    zeros = np.zeros(len(rows), dtype=np.int64)
    return Operators(
        operator=np.arange(len(rows), dtype=np.int64),
        segment=zeros,
        chip=ints(*chip),
        shard=ints(*shard),
        unit=np.array(unit),
        kind=np.array(kind),
        layer=zeros,
        start=ints(*start),
        cycles=ints(*cycles_),
        dtype=np.full(len(rows), "bf16"),
        sram_bytes=ints(*sram),
        macs=ints(*operations),
        fixed_cycles=ints(*fixed),
    )


def _operands(laid: Laid) -> Operands:
    width = len(laid.chips)
    rows = [(width + laid.chips.index(chip), *part, "copy") for chip, *part in laid.reads]
    for number, one in enumerate(laid.sums, start=2 * width):
        rows += [(number, tensor, first, one.vectors, "reduce") for tensor, first in one.operands]
    columns = list(zip(*sorted(rows), strict=True))
    return Operands(*(ints(*column) for column in columns[:4]), role=np.array(columns[4]))


def _tensors(laid: Laid) -> Tensors:
    layouts = {name: layout for name, _, layout, _ in laid.graph}
    rows = [
        (name, offset, vectors, layouts[name], chip, laid.chips.index(chip))
        for name, chip, offset, vectors in laid.held
    ]
    for number, one in enumerate(laid.sums, start=2 * len(laid.chips)):
        rows.append((laid.graph[0][0], one.offset, one.vectors, one.layout, one.chip, number))
    name, offset, vectors, layout, chip, producer = zip(*rows, strict=True)
    return Tensors(
        tensor=np.arange(len(rows), dtype=np.int64),
        name=np.array(name),
        offset=ints(*offset),
        vectors=ints(*vectors),
        dtype=np.full(len(rows), "bf16"),
        layout=np.array(layout),
        chip=ints(*chip),
        producer=ints(*producer),
        bytes=ints(*vectors) * VECTOR_BYTES,
    )


def _chips() -> Chips:
    def every(value: int) -> Any:
        return np.full(CHIPS, value, dtype=np.int64)

    return Chips(
        chip=np.arange(CHIPS, dtype=np.int64),
        position=np.array(["0.0", "0.1", "0.2"]),
        host=np.zeros(CHIPS, dtype=np.bool_),
        sram_bytes=every(1_000_000),
        weight_bytes=every(0),
        sram_bytes_per_cycle=every(960),
        matrix_fp8_macs_per_cycle=every(8),
        matrix_bf16_macs_per_cycle=every(8),
        vector_operations_per_cycle=every(160),
        matrix_fixed_cycles=every(1),
        vector_fixed_cycles=every(4),
        shard_columns=every(1),
        sram_efficiency=np.ones(CHIPS),
        deskew_buffer_vectors=every(16),
        resident=np.zeros(CHIPS, dtype=np.bool_),
        sum_cycles_in_hop=every(0),
        inject_per_cycle=every(-1),
        eject_per_cycle=every(-1),
        ports=every(-1),
        turnaround_cycles=every(3),
        hac_parent=every(-1),
        hac_depth=every(-1),
        down=np.zeros(CHIPS, dtype=np.bool_),
    )


def _links() -> Links:
    def every(value: int) -> Any:
        return np.full(6, value, dtype=np.int64)

    return Links(
        link=np.arange(6, dtype=np.int64),
        src=ints(0, 0, 1, 1, 2, 2),
        dst=ints(1, 2, 0, 2, 0, 1),
        lane=every(0),
        link_class=np.full(6, "tray"),
        latency_cycles=every(10),
        vector_time_numerator=every(5),
        vector_time_denominator=every(2),
        guard_cycles=every(0),
        down=np.zeros(6, dtype=np.bool_),
    )


def _graph(laid: Laid) -> GraphFile:
    tensors = [
        {
            "name": name,
            "layer": 0,
            "rows": vectors,
            "vectors_per_row": 1,
            "vectors": vectors,
            "row_bytes": VECTOR_BYTES,
            "dtype": "bf16",
            "element_bits": 16,
            "layout": layout,
            "shard": shard,
            "place": "chips",
        }
        for name, vectors, layout, shard in laid.graph
    ]
    names = [name for name, *_ in laid.graph]
    reads = [{"tensor": name, "layout": laid.wanted[0], "shard": laid.wanted[1]} for name in names]
    both = {"layer": 0, "place": "chips", "unit": "none", "dtype": "bf16"}
    group = {"group": 0, "chips": list(laid.chips), "hosts": [], "relays": list(laid.relays)}
    return GraphFile.model_validate(
        {
            "tensors": tensors,
            "operators": [
                {"name": "source", "kind": "source", "inputs": [], "outputs": names, **both},
                {"name": "deliver", "kind": "deliver", "inputs": reads, "outputs": [], "ends": True, **both},
            ],
            "groups": [group],
            "layers": [{"layer": 0, "group": 0}],
            "segments": [{"segment": 0, "layers": [0]}],
        }
    )
