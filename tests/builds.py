"""A build of two chips, small enough to be worked out by hand; every test of a reader of builds starts from it.

Fabric: chips 0 and 1, one host (node 2). v = 5/2 cycles, latency 10, 12 to the host; turnaround 3. Clocks may disagree
by 0.9 + 2.6 + 1 cycles (residual, jitter, crossing) and some hundredths of drift, so a chip reads a vector 18 cycles
after it departs (ceil(2.5 + 10 + 4.5..)); the host takes it after 15 (ceil(2.5 + 12)). Links, sorted by source,
destination, lane:

    0: 0 -> 1   1: 0 -> host   2: 1 -> 0   3: 1 -> host   4: host -> 0   5: host -> 1

Four input vectors, two a chip:

    deskew   [0, 2): 2 x 0.9 and 2 x 10^-4 x 126
    ingress  at 2 on the host
    links 4, 5: depart 2, read 20 (second vector 22.5)
    links 0, 2: depart 20 + 3 = 23, read 41 (second vector 43.5)
    router   [44, 55) on both chips: max(9600 / 960, 40 / 8) + 1 = 11
    experts  [55, 75): max(960 / 960, 160 / 8) + 0 = 20, of 4 columns 2 a chip
    combine  [75, 80): max(960 / 960, 160 / 160) + 4 = 5
    links 0, 2: partial sums of the other chip's share, depart 80, read 98 (second vector 100.5)
    add      [101, 107): max(3 x 2 x 320 / 960, 1 x 2 x 160 / 160) + 4 = 6
    links 1, 3: depart 110, since the last operand was read at 100.5, 3 to turn round and 6 to add; there at 125 (second
                vector 127.5)
    egress   at 128 on the host

Chips do not poll: a segment waits for an epoch of 252 cycles, and one more for the level of its tree. At worst a token
takes (504 + 128 + 1) / (1 - 10^-4) + 0.9 + 2.6 = 636.5633.. ns: waiting, makespan and crossing on the slowest clock, a
residual, jitter on the way to the host.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.timetable.build import Build, content_sha256
from lpxsched.timetable.columns import (
    Chips,
    Deskews,
    Frames,
    Links,
    Operands,
    Operators,
    Segments,
    Slots,
    Tensors,
)
from lpxsched.timetable.documents import (
    GraphFile,
    GraphGroup,
    GraphInput,
    GraphLayer,
    GraphOperator,
    GraphSegment,
    GraphTensor,
    ManifestFile,
    canonical_json,
)

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers

VECTOR_BYTES = 320
MAKESPAN_CYCLES = 128


def ints(*values: int) -> Integers:
    """Return an int64 column."""
    return np.array(values, dtype=np.int64)


def two_chip_build() -> Build:
    """Return the build of the module's docstring."""
    build = Build(
        slots=_slots(),
        operators=_operators(),
        operands=_operands(),
        tensors=_tensors(),
        chips=_chips(),
        links=_links(),
        segments=Segments(ints(0), ints(0), ints(0), ints(504), ints(128), ints(128), ints(-1)),
        frames=Frames(ints(0), ints(0), ints(0), ints(0), (ints(),), ints(0)),
        deskews=Deskews(ints(0), ints(0), ints(2), ints(0)),
        graph=_graph(),
        manifest=_manifest(),
        graph_json=canonical_json(_graph()),
    )
    return signed(build)


def signed(build: Build) -> Build:
    """Return the build with the content hash of what it now holds."""
    sha256 = content_sha256(build.tables, build.graph_json)
    return replace(build, manifest=build.manifest.model_copy(update={"content_sha256": sha256}))


def _slots() -> Slots:
    rows = [
        # tensor, first_vector, vectors, link, depart, read
        (0, 0, 2, 0, 23, 41),
        (6, 2, 2, 0, 80, 98),
        (8, 0, 2, 1, 110, 125),
        (1, 0, 2, 2, 23, 41),
        (7, 0, 2, 2, 80, 98),
        (9, 0, 2, 3, 110, 125),
        (0, 0, 2, 4, 2, 20),
        (1, 0, 2, 5, 2, 20),
    ]
    return Slots(*(np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)))


def _operators() -> Operators:
    kinds = ["ingress", "router", "experts", "combine", "add", "egress"]
    units = ["host", "matrix", "matrix", "vector", "vector", "host"]
    starts, cycles = [2, 44, 55, 75, 101, 128], [0, 11, 20, 5, 6, 0]
    dtypes = ["none", "bf16", "fp8", "bf16", "bf16", "none"]
    sram_bytes, macs, fixed = [0, 9600, 960, 960, 1920, 0], [0, 40, 160, 160, 320, 0], [0, 1, 0, 4, 4, 0]

    def twice(values: list[int]) -> Integers:
        return np.repeat(np.array(values, dtype=np.int64), 2)

    return Operators(
        operator=np.arange(12, dtype=np.int64),
        segment=np.zeros(12, dtype=np.int64),
        chip=ints(2, 2, 0, 1, 0, 1, 0, 1, 0, 1, 2, 2),
        shard=np.tile(ints(0, 1), 6),
        unit=np.repeat(np.array(units), 2),
        kind=np.repeat(np.array(kinds), 2),
        layer=np.zeros(12, dtype=np.int64),
        start=twice(starts),
        cycles=twice(cycles),
        dtype=np.repeat(np.array(dtypes), 2),
        sram_bytes=twice(sram_bytes),
        macs=twice(macs),
        fixed_cycles=twice(fixed),
    )


def _operands() -> Operands:
    rows = [
        # operator, tensor, first_vector, vectors, role
        *((operator, tensor, 0, 2, "copy") for operator in (2, 3, 4, 5) for tensor in (0, 1)),
        (2, 10, 0, 1, "weight"),
        (3, 11, 0, 1, "weight"),
        (4, 2, 0, 1, "copy"),
        (4, 12, 0, 2, "weight"),
        (5, 3, 0, 1, "copy"),
        (5, 13, 0, 2, "weight"),
        (6, 2, 0, 1, "copy"),
        (6, 4, 0, 8, "copy"),
        (7, 3, 0, 1, "copy"),
        (7, 5, 0, 8, "copy"),
        (8, 6, 0, 2, "reduce"),
        (8, 7, 0, 2, "reduce"),
        (9, 6, 2, 2, "reduce"),
        (9, 7, 2, 2, "reduce"),
        (10, 8, 0, 2, "copy"),
        (11, 9, 0, 2, "copy"),
    ]
    columns = list(zip(*sorted(rows), strict=True))
    return Operands(*(np.array(column, dtype=np.int64) for column in columns[:4]), role=np.array(columns[4]))


def _tensors() -> Tensors:
    rows = [
        # name, offset, vectors, dtype, layout, chip, producer, bytes
        ("layer.0.input", 0, 2, "fp8", "sharded", 2, 0, 640),
        ("layer.0.input", 2, 2, "fp8", "sharded", 2, 1, 640),
        ("layer.0.routing", 0, 1, "bf16", "replicated", 0, 2, 320),
        ("layer.0.routing", 0, 1, "bf16", "replicated", 1, 3, 320),
        ("layer.0.expert_output", 0, 8, "bf16", "partial", 0, 4, 2560),
        ("layer.0.expert_output", 0, 8, "bf16", "partial", 1, 5, 2560),
        ("layer.0.output", 0, 4, "bf16", "partial", 0, 6, 1280),
        ("layer.0.output", 0, 4, "bf16", "partial", 1, 7, 1280),
        ("layer.0.output", 0, 2, "bf16", "sharded", 0, 8, 640),
        ("layer.0.output", 2, 2, "bf16", "sharded", 1, 9, 640),
        ("layer.0.router.weights", 0, 1, "bf16", "replicated", 0, -1, 320),
        ("layer.0.router.weights", 0, 1, "bf16", "replicated", 1, -1, 320),
        ("layer.0.experts.weights", 0, 2, "fp8", "sharded", 0, -1, 640),
        ("layer.0.experts.weights", 0, 2, "fp8", "sharded", 1, -1, 640),
    ]
    name, offset, vectors, dtype, layout, chip, producer, size = zip(*rows, strict=True)
    return Tensors(
        tensor=np.arange(len(rows), dtype=np.int64),
        name=np.array(name),
        offset=ints(*offset),
        vectors=ints(*vectors),
        dtype=np.array(dtype),
        layout=np.array(layout),
        chip=ints(*chip),
        producer=ints(*producer),
        bytes=ints(*size),
    )


def _chips() -> Chips:
    def on_chips(value: int) -> Integers:
        return ints(value, value, 0)

    none = ints(-1, -1, -1)
    return Chips(
        chip=ints(0, 1, 2),
        position=np.array(["0.0", "0.1", "host 0"]),
        host=np.array([False, False, True]),
        sram_bytes=on_chips(1_000_000),
        weight_bytes=on_chips(960),
        sram_bytes_per_cycle=on_chips(960),
        matrix_fp8_macs_per_cycle=on_chips(8),
        matrix_bf16_macs_per_cycle=on_chips(8),
        vector_operations_per_cycle=on_chips(160),
        matrix_fixed_cycles=on_chips(1),
        vector_fixed_cycles=on_chips(4),
        shard_columns=on_chips(1),
        sram_efficiency=np.array([1.0, 1.0, 0.0]),
        deskew_buffer_vectors=on_chips(16),
        resident=np.array([False, False, False]),
        sum_cycles_in_hop=on_chips(0),
        inject_per_cycle=none,
        eject_per_cycle=none,
        ports=none,
        turnaround_cycles=on_chips(3),
        hac_parent=ints(0, 0, -1),
        hac_depth=ints(0, 1, -1),
        down=np.zeros(3, dtype=np.bool_),
    )


def _links() -> Links:
    def all_links(value: int) -> Integers:
        return np.full(6, value, dtype=np.int64)

    return Links(
        link=np.arange(6, dtype=np.int64),
        src=ints(0, 0, 1, 1, 2, 2),
        dst=ints(1, 2, 0, 2, 0, 1),
        lane=all_links(0),
        link_class=np.array(["tray", "host", "tray", "host", "host", "host"]),
        latency_cycles=ints(10, 12, 10, 12, 10, 10),
        vector_time_numerator=all_links(5),
        vector_time_denominator=all_links(2),
        guard_cycles=ints(5, 0, 5, 0, 5, 5),
        down=np.zeros(6, dtype=np.bool_),
    )


def _graph() -> GraphFile:
    def tensor(name: str, rows: int, dtype: str, bits: int, layout: str, place: str = "chips") -> GraphTensor:
        return GraphTensor.model_validate(
            {
                "name": f"layer.0.{name}",
                "layer": 0,
                "rows": rows,
                "vectors_per_row": 1,
                "vectors": rows,
                "row_bytes": 320,
                "dtype": dtype,
                "element_bits": bits,
                "layout": layout,
                "place": place,
            }
        )

    def operator(kind: str, unit: str, inputs: dict[str, str], outputs: list[str], **work: Any) -> GraphOperator:
        return GraphOperator(
            name=f"layer.0.{kind}",
            kind=kind,
            layer=0,
            place="hosts" if unit == "host" else "chips",
            unit=unit,
            inputs=[
                GraphInput.model_validate({"tensor": f"layer.0.{name}", "layout": layout})
                for name, layout in inputs.items()
            ],
            outputs=[f"layer.0.{name}" for name in outputs],
            **({"dtype": "none"} | work),
        )

    def weights(kind: str, layout: str, **amount: int) -> list[dict[str, Any]]:
        dtype, name = "bf16" if layout == "replicated" else "fp8", f"layer.0.{kind}.weights"
        return [{"name": name, "dtype": dtype, "layout": layout, "terms": [term("bytes", "matrix", **amount)]}]

    def term(counts: str, unit: str, **amounts: int) -> dict[str, Any]:
        return {"counts": counts, "unit": unit, **amounts}

    return GraphFile(
        tensors=[
            tensor("input", 4, "fp8", 8, "sharded", "hosts"),
            tensor("routing", 1, "bf16", 16, "replicated"),
            tensor("expert_output", 8, "bf16", 16, "partial"),
            tensor("output", 4, "bf16", 16, "partial"),
        ],
        operators=[
            operator("ingress", "host", {}, ["input"]),
            operator(
                "router",
                "matrix",
                {"input": "replicated"},
                ["routing"],
                dtype="bf16",
                rows=4,
                work=[term("bytes", "matrix", constant=320, per_row=2320), term("macs", "matrix", per_row=10)],
                pipelines={"matrix": 1},
                resident=weights("router", "replicated", constant=320),
            ),
            operator(
                "experts",
                "matrix",
                {"input": "replicated", "routing": "replicated"},
                ["expert_output"],
                dtype="fp8",
                rows=8,
                columns=4,
                work=[term("bytes", "matrix", per_column=480), term("macs", "matrix", per_row_column=10)],
                resident=weights("experts", "sharded", per_column=320),
            ),
            operator(
                "combine",
                "vector",
                {"expert_output": "partial", "routing": "replicated"},
                ["output"],
                dtype="bf16",
                rows=4,
                work=[term("bytes", "vector", per_row=240), term("elements", "vector", per_row=40)],
                pipelines={"vector": 1},
            ),
            operator("egress", "host", {"output": "sharded"}, [], ends=True),
        ],
        groups=[GraphGroup(group=0, chips=[0, 1], hosts=[2, 2])],
        layers=[GraphLayer(layer=0, group=0)],
        segments=[GraphSegment(segment=0, layers=[0])],
    )


def _manifest() -> ManifestFile:
    clock = {
        "name": "example",
        "offset_ppm": {"value": 100.0, "tag": "published", "source": "example"},
        "residual_ns": {"value": 0.9, "tag": "published", "source": "example"},
        "jitter_peak_to_peak_ns": {"value": 2.6, "tag": "published", "source": "example"},
        "crossing_cycles": {"value": 1, "tag": "published", "source": "example"},
        "temperature_ns": {"value": 0.0, "tag": "published", "source": "example"},
        "hac_period_cycles": {"value": 252, "tag": "published", "source": "example"},
    }
    return ManifestFile(
        format=2,
        versions={"lpxsched": "0"},
        inputs={},
        options={},
        seed=0,
        clock_mhz="1000",
        vector_bytes=VECTOR_BYTES,
        wire="pipelined",
        guard_in_hop=False,
        clock=clock,
        assumptions={},
        results={"makespan_cycles": 128, "lower_bound_cycles": 128, "proved_worst_ns": 636.564},
        content_sha256="",
    )
