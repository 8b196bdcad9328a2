"""Flags of hosts as rows of a program, and as tensors and operators of its graph, behind all others.

A host leaves one vector (`flags`), of which the first chip with this host tells the shard. Each chip of a group, and
each relay, has one operator that reads those of all hosts of the segment (`branch`), in the first layer of the group.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.assembly.program import Program, joined_programs, renumbered, taken
from lpxsched.assembly.segment import Sent, texts
from lpxsched.schedule.problem.ragged import column
from lpxsched.timetable.columns import COPY, Operands, Operators, Slots, Tensors
from lpxsched.timetable.documents import GraphFile, GraphGroup, GraphInput, GraphOperator, GraphTensor
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import Place

FLAGS, BRANCH = "flags", "branch"
NO_TYPE, FLAG_TYPE, FLAG_BITS = "none", "int32", 32


class _Site(NamedTuple):
    """A group of a segment, the first layer on it, and hosts that are of no group before it."""

    layer: int
    group: GraphGroup
    hosts: tuple[int, ...]


def with_flag_rows(
    program: Program, graph: GraphFile, sent: Sequence[Sent | None], *, vector_bytes: int
) -> tuple[Program, GraphFile]:
    """Return a program and its graph with the flags that are sent in each segment; None where no chips poll."""
    tensors, operators, parts = list(graph.tensors), list(graph.operators), [program]
    for segment, flags in enumerate(sent):
        if flags is None:
            continue
        sites = list(_sites(graph, segment))
        inputs = [GraphInput(tensor=_name(site), layout="replicated") for site in sites if site.hosts]
        for site in sites:
            if site.hosts:
                tensors.append(_tensor(site, vector_bytes))
                operators.append(_operator(site, FLAGS, "hosts", inputs=[], outputs=[_name(site)]))
            operators.append(_operator(site, BRANCH, "chips", inputs=inputs, outputs=[]))
        first = sum(len(part.tensors) for part in parts), sum(len(part.operators) for part in parts)
        parts.append(_rows(first, segment, sites, flags, vector_bytes))
    joined = joined_programs(parts) if len(parts) > 1 else program
    return joined, graph.model_copy(update={"tensors": tensors, "operators": operators})


def _sites(graph: GraphFile, segment: int) -> Iterator[_Site]:
    """Yield the groups of a segment that have hosts or chips which those before have not."""
    of_layers, known = graph.groups_of_layers(), set[int]()
    for layer in graph.segments[segment].layers:
        group = of_layers[layer]
        if known.issuperset([*group.members, *group.hosts]):
            continue
        yield _Site(layer, group, tuple(host for host in dict.fromkeys(group.hosts) if host not in known))
        known.update(group.members, group.hosts)


def _name(site: _Site) -> str:
    return f"layer.{site.layer}.{FLAGS}"


def _tensor(site: _Site, vector_bytes: int) -> GraphTensor:
    """Return the flags of the hosts of a group: a vector of each, in the run of its first chip."""
    first = {site.group.hosts.index(host): number for number, host in enumerate(site.hosts)}
    return GraphTensor(
        name=_name(site),
        layer=site.layer,
        rows=len(site.hosts),
        vectors_per_row=1,
        vectors=len(site.hosts),
        row_bytes=vector_bytes,
        dtype=FLAG_TYPE,
        element_bits=FLAG_BITS,
        layout="reserved",
        runs=[[first[shard], 1] if shard in first else [0, 0] for shard in range(len(site.group.hosts))],
        place="hosts",
    )


def _operator(site: _Site, kind: str, place: Place, *, inputs: list[GraphInput], outputs: list[str]) -> GraphOperator:
    return GraphOperator(
        name=f"layer.{site.layer}.{kind}",
        kind=kind,
        layer=site.layer,
        place=place,
        unit="host" if place == "hosts" else "none",
        inputs=inputs,
        outputs=outputs,
        dtype=NO_TYPE,
    )


def _rows(first: tuple[int, int], segment: int, sites: Sequence[_Site], sent: Sent, vector_bytes: int) -> Program:
    """Return the rows of the flags of a segment, tensors and operators numbered from given numbers on."""
    hosts = [(site, number, host) for site in sites for number, host in enumerate(site.hosts)]
    chips = [(site, shard, chip) for site in sites for shard, chip in enumerate(site.group.members)]
    tensor = first[0] + np.arange(len(hosts), dtype=np.int64)
    operator = first[1] + np.arange(len(hosts) + len(chips), dtype=np.int64)
    of_host = {host: number for number, (_, _, host) in enumerate(hosts)}
    which = column(of_host[host] for host in sent.host.tolist())
    leaves = np.full(len(hosts), sent.branch_cycles, dtype=np.int64)
    np.minimum.at(leaves, which, sent.depart)
    none, reads = np.zeros(len(operator), dtype=np.int64), len(chips) * len(hosts)
    return Program(
        Slots(tensor[which], 0 * which, 0 * which + 1, sent.link, sent.depart, sent.read),
        Operators(
            operator=operator,
            segment=none + segment,
            chip=column([*(host for _, _, host in hosts), *(chip for _, _, chip in chips)]),
            shard=column([*(site.group.hosts.index(host) for site, _, host in hosts), *(at for _, at, _ in chips)]),
            unit=texts(["host"] * len(hosts) + ["none"] * len(chips)),
            kind=texts([FLAGS] * len(hosts) + [BRANCH] * len(chips)),
            layer=column(site.layer for site, _, _ in [*hosts, *chips]),
            start=np.append(leaves, np.full(len(chips), sent.branch_cycles)),
            cycles=none,
            dtype=texts([NO_TYPE] * len(operator)),
            sram_bytes=none,
            macs=none,
            fixed_cycles=none,
        ),
        Operands(
            operator=np.repeat(operator[len(hosts) :], len(hosts)),
            tensor=np.tile(tensor, len(chips)),
            first_vector=np.zeros(reads, dtype=np.int64),
            vectors=np.ones(reads, dtype=np.int64),
            role=np.full(reads, COPY),
        ),
        Tensors(
            tensor=tensor,
            name=texts([_name(site) for site, _, _ in hosts]),
            offset=column(number for _, number, _ in hosts),
            vectors=np.ones(len(hosts), dtype=np.int64),
            dtype=texts([FLAG_TYPE] * len(hosts)),
            layout=texts(["reserved"] * len(hosts)),
            chip=column(host for _, _, host in hosts),
            producer=operator[: len(hosts)],
            bytes=np.full(len(hosts), vector_bytes, dtype=np.int64),
        ),
    )


def without_flag_rows(build: Build) -> Build:
    """Return a build without flags, and what is left of its tables numbered from 0."""
    operators, tensors, graph = build.operators, build.tensors, build.graph
    stays = ~np.isin(operators.kind, (FLAGS, BRANCH))
    if stays.all():
        return build
    kept = (tensors.producer == NONE) | stays[tensors.producer]
    others_send = taken(build.slots, kept[build.slots.tensor])
    tables = Program(others_send, operators, build.operands, tensors)
    tables = renumbered(tables, (stays, np.cumsum(stays) - 1), (kept, np.cumsum(kept) - 1))
    others = [one for one in graph.operators if one.kind not in (FLAGS, BRANCH)]
    flags = {name for one in graph.operators if one.kind == FLAGS for name in one.outputs}
    left = [one for one in graph.tensors if one.name not in flags]
    return replace(
        build,
        **{field.name: getattr(tables, field.name) for field in fields(tables)},
        graph=graph.model_copy(update={"operators": others, "tensors": left}),
    )
