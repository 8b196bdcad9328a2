"""Topology files as written in YAML, one pydantic model a kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lpxsched.files.schema import Strict, Tagged

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Size = Annotated[int, Field(ge=1, le=2**31)]
Extent = Annotated[int, Field(ge=0, le=1_000_000)]
ClockMhz = Annotated[float, Field(ge=1e-3, le=1e6)]
Gbps = Annotated[float, Field(ge=1e-9, le=1e9)]
HopTime = Annotated[float, Field(gt=0, le=1e9)]
Time = Annotated[float, Field(ge=0, le=1e9)]


class WireFile(Strict):
    """One class of links, by the published time of a hop from SRAM to SRAM."""

    lanes: Tagged[Count]
    hop_ns: Tagged[HopTime]
    gbps: Tagged[Gbps]


class HostFile(WireFile):
    """Links between chips and hosts."""

    chips_per_host: Tagged[Count]
    gpu_latency_ns: Tagged[Time]


class _Common(Strict):
    name: str
    chip: str
    wire: Literal["pipelined", "busy"] = "pipelined"
    vector_bytes: Tagged[Size]
    wire_bytes: Tagged[Size]
    turnaround_cycles: Tagged[Extent]
    host: HostFile


class LpxFile(_Common):
    """``kind: lpx``."""

    kind: Literal["lpx"]
    trays: Tagged[Count]
    chips_per_tray: Tagged[Count]
    tray: WireFile
    spine: WireFile


class TspFile(_Common):
    """``kind: tsp``, one node."""

    kind: Literal["tsp"]
    chips_per_node: Tagged[Count]
    local: WireFile


class LinkDefaults(Strict):
    """Defaults of an explicit topology's links."""

    lanes: Tagged[Count] = Tagged(value=1)
    latency_ns: Tagged[Time] | None = None
    gbps: Tagged[Gbps] | None = None


class ExplicitFile(Strict):
    """``kind: explicit``: links from a CSV beside the file."""

    kind: Literal["explicit"]
    name: str
    chips: Tagged[Count]
    clock_mhz: Tagged[ClockMhz]
    vector_bytes: Tagged[Size]
    wire_bytes: Tagged[Size] | None = None
    wire: Literal["pipelined", "busy"]
    turnaround_cycles: Tagged[Extent] = Tagged(value=0)
    chip: str = "lp30"
    link: LinkDefaults = LinkDefaults()
    links: str
