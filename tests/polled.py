"""The build of two chips where these poll: its one host sends a flag over both lanes behind the rows.

    ingress   links 4, 5: two vectors depart at 2 and hold their lanes until 7, read 20 and 22.5
    flags     links 4, 5: one vector departs at 7, read 25
    branch    at 25 on both chips

In a pass without the flag the slots that depart at 23 on links 0 and 2 are read at 41 and 43.5: it is over at 44, in
one epoch of 252 cycles. At worst a token takes (252 + 128 + 1) / (1 - 10^-4) + 0.9 + 2.6 = 384.538.. ns.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.flags import with_flag_rows
from lpxsched.assembly.program import Program
from lpxsched.assembly.segment import Sent
from lpxsched.timetable.documents import GraphFile, canonical_json
from tests.builds import ints, signed, two_chip_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

# Rows of `polled_build`: operators and the tensor behind those of two chips, and slots, on links 4 and 5.
FLAGS, BRANCHES, FLAG, SLOTS = 12, (13, 14), 14, (7, 9)


# Its flag, over both lanes.
SENT = Sent(
    host=ints(2, 2),
    link=ints(4, 5),
    depart=ints(7, 7),
    read=ints(25, 25),
    guard_cycles=ints(5, 5),
    branch_cycles=25,
)


def tables(build: Build) -> Program:
    """Return the four tables of a build."""
    return Program(build.slots, build.operators, build.operands, build.tensors)


def polled_build(waiting_cycles: int = 252) -> Build:
    """Return the build of the module's docstring; it may say that it waits for longer."""
    bare = two_chip_build()
    program, graph = with_flag_rows(tables(bare), bare.graph, [SENT], vector_bytes=320)
    results = bare.manifest.results | ({"proved_worst_ns": 384.539} if waiting_cycles == 252 else {})
    build = replace(
        bare,
        slots=program.slots,
        operators=program.operators,
        operands=program.operands,
        tensors=program.tensors,
        chips=replace(bare.chips, resident=np.array([True, True, False])),
        segments=replace(bare.segments, waiting_cycles=ints(waiting_cycles)),
        graph=graph,
        graph_json=canonical_json(graph),
        manifest=bare.manifest.model_copy(update={"results": results}),
    )
    return signed(build)


def keeping(build: Build, name: str) -> Build:
    """Return a build whose router calls what it keeps by another name."""
    old, new = "layer.0.router.weights", f"layer.0.router.{name}"
    text = build.graph_json.decode().replace(old, new)
    build = replace(build, graph=GraphFile.model_validate_json(text), graph_json=text.encode())
    names = np.array([new if name == old else name for name in build.tensors.name.tolist()])
    return signed(replace(build, tensors=replace(build.tensors, name=names)))
