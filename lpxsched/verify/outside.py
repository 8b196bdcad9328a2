"""What a build assumes to lie outside of the fabric, derived again from its descriptions by value and its graph.

The manifest holds GPUs and hand-over with their ranges, and what GPUs do before each segment and after the last one:
kernels, bytes a user and bytes of weights. A pool of GPUs takes

    kernels x fixed + (users x user bytes + weight bytes) / (rate x pool / (gpus x streams) x efficiency),

with as few streams as the micro-batches in flight need. Sizes of pools and numbers of streams have ranges like all
others: at their better end are those that serve all in flight fastest, at their worse end those that serve one
slowest. Rows of a segment hold the port of a host for (bytes + frames x
overhead) x 8 / rate; bytes are the whole vectors of what operators at the host leave and read. All in ns: with every
number as it is told, at its better end, and at its worse end.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lpxsched.units import BITS_PER_BYTE, ceil_cycles, ceil_div, exact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphInput, GraphTensor

TYPICAL, LEAST, MOST = range(3)
# What a host says by itself: no GPU sends it.
FLAGS = "flags"
WORK = ("kernels", "user_bytes", "weight_bytes")
Ends = tuple[Fraction, Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies around each segment, in ns; each number as told, at least and at most.

    Attributes
    ----------
    attention : tuple of Ends
        Before each segment, and at last after the last one.
    into, out : tuple of Ends
        Hand-over to the hosts of each segment and back.
    ports : tuple of dict
        For how long rows of each segment hold the port of each host at most, in and out.
    servers : int
        Micro-batches that GPUs serve at once.
    """

    attention: tuple[Ends, ...]
    into: tuple[Ends, ...]
    out: tuple[Ends, ...]
    ports: tuple[dict[int, tuple[Fraction, Fraction]], ...]
    servers: int

    def assumed_ns(self, end: int) -> Fraction:
        """Return all of it in one step."""
        return sum((part[end] for part in (*self.attention, *self.into, *self.out)), Fraction(0))


@lru_cache(maxsize=1)
def outside_of(build: Build) -> Outside | str:
    """Return what lies outside of a build that tells of it, or what is wrong with what it tells."""
    told = build.manifest.outside
    if not told and tokens_enter(build):
        return _nothing(build)
    try:
        gpus, way, work, users = (told[name] for name in ("gpus", "handover", "work", "users"))
        return _odd_count(work, users) or _derived(build, gpus, way, work, users)
    except KeyError as error:
        return f"outside holds no GPUs, hand-over and work that can be reckoned with: {error.args[0]} is missing"
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return "outside holds no GPUs, hand-over and work that can be reckoned with: a value is no such number"


def _odd_count(work: list[Mapping[str, int]], users: int) -> str:
    """Return which count of users and their work is no whole number; empty where all are."""
    counts = {"users": users} | {f"work.{row}.{name}": of[name] for row, of in enumerate(work) for name in WORK}
    odd = next((name for name, count in counts.items() if type(count) is not int), "")
    return f"outside {odd} is {counts[odd]!r}, must be a whole number" if odd else ""


def tokens_enter(build: Build) -> bool:
    """Return whether all of a model is on the chips: tokens enter its one segment, so that nothing lies outside."""
    entering = (operator for operator in build.graph.operators if operator.place == "hosts" and operator.outputs)
    return len(build.segments) == 1 and any("tokens" in operator.sizes for operator in entering)


def _nothing(build: Build) -> Outside:
    none, segments = (Fraction(0), Fraction(0), Fraction(0)), len(build.segments)
    return Outside((none,) * (segments + 1), (none,) * segments, (none,) * segments, ({},) * segments, 0)


def _derived(
    build: Build, gpus: Mapping[str, Any], way: Mapping[str, Any], work: list[Mapping[str, int]], users: int
) -> Outside:
    micro_batches = build.manifest.results.get("in_flight", 1)
    pool = gpus["gpus_per_micro_batch"]["value"]
    pools = gpus["gpus"]["value"] // pool
    streams = min(gpus["streams"]["value"], ceil_div(micro_batches, pools))
    if len(work) != len(build.segments) + 1:
        raise ValueError(f"{len(work)} works for {len(build.segments)} segments")
    shares = _shares(gpus, micro_batches)
    attention = tuple(_attention(gpus, shares, one, users) for one in work)
    hosts = [_host_bytes(build, segment) for segment in range(len(build.segments))]
    into = tuple(_way(way, max(into for into, _ in of.values()), out=False) for of in hosts)
    out = tuple(_way(way, max(out for _, out in of.values()), out=True) for of in hosts)
    ports = tuple(
        {host: (_port(way, size[0])[MOST], _port(way, size[1])[MOST]) for host, size in of.items()} for of in hosts
    )
    return Outside(attention, into, out, ports, pools * streams)


def _shares(gpus: Mapping[str, Any], micro_batches: int) -> Ends:
    """Return the share of all GPUs that serves one micro-batch, as told; the least and the largest of all ends."""
    number, pool, overlap = gpus["gpus"]["value"], gpus["gpus_per_micro_batch"], gpus["streams"]
    found: dict[tuple[int, int], tuple[Fraction, bool]] = {}
    for size in (pool["value"], *(pool.get("range") or ())):
        for most in (overlap["value"], *(overlap.get("range") or ())):
            pools = number // min(size, number)
            share = Fraction(min(size, number), number * min(most, ceil_div(micro_batches, pools)))
            found[size, most] = share, pools * most >= micro_batches
    told = found[pool["value"], overlap["value"]][0]
    fast = max([told, *(share for share, serves in found.values() if serves)])
    return told, min(share for share, _ in found.values()), fast


def _attention(gpus: Mapping[str, Any], shares: Ends, work: Mapping[str, int], users: int) -> Ends:
    rate, efficiency, fixed = (_ends(gpus[key]) for key in ("memory_bytes_per_ns", "memory_efficiency", "fixed_ns"))
    moved = users * work["user_bytes"] + work["weight_bytes"]

    def time(end: int, fast: int) -> Fraction:
        return work["kernels"] * fixed[end] + moved / (rate[fast] * shares[fast] * efficiency[fast])

    return time(TYPICAL, TYPICAL), time(LEAST, MOST), time(MOST, LEAST)


def _way(way: Mapping[str, Any], size: int, *, out: bool) -> Ends:
    one_way, frame, stores = _ends(way["one_way_ns"]), _ends(way["frame_bytes"]), way["store_and_forward"]
    may_be = stores.get("range") or [stores["value"]]
    whole = (stores["value"], all(may_be), any(may_be)) if out else (True, True, True)
    sizes = [size if whole[end] else min(size, int(frame[end])) for end in (TYPICAL, LEAST, MOST)]
    times = [one_way[end] + _port(way, sizes[end])[end] for end in (TYPICAL, LEAST, MOST)]
    return times[TYPICAL], times[LEAST], times[MOST]


def _port(way: Mapping[str, Any], size: int) -> Ends:
    rate, frame, more = (_ends(way[key]) for key in ("host_gbps", "frame_bytes", "frame_overhead_bytes"))

    def time(payload: Fraction, overhead: Fraction, gbps: Fraction) -> Fraction:
        return (size + ceil_cycles(size / payload) * overhead) * BITS_PER_BYTE / gbps

    return (
        time(frame[TYPICAL], more[TYPICAL], rate[TYPICAL]),
        time(frame[MOST], more[LEAST], rate[MOST]),
        time(frame[LEAST], more[MOST], rate[LEAST]),
    )


def _ends(tagged: Mapping[str, Any]) -> Ends:
    low, high = tagged.get("range") or (tagged["value"], tagged["value"])
    return exact(tagged["value"]), exact(low), exact(high)


def _host_bytes(build: Build, segment: int) -> dict[int, tuple[int, int]]:
    """Return the bytes that enter a segment and that leave it over each host; flags are the host's own."""
    graph, layers = build.graph, set(build.graph.segments[segment].layers)
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    found: dict[int, list[int]] = {}
    for operator in graph.operators:
        if operator.place != "hosts" or operator.layer not in layers or operator.kind == FLAGS:
            continue
        group = graph.groups_of_layers()[operator.layer]
        passed: list[tuple[int, GraphTensor | GraphInput, GraphTensor]] = []
        passed += [(0, tensors[name], tensors[name]) for name in operator.outputs]
        passed += [(1, one, tensors[one.tensor]) for one in operator.inputs]
        for side, layout, tensor in passed:
            for shard, host in enumerate(group.hosts):
                of_host = found.setdefault(host, [0, 0])
                of_host[side] += _vectors(layout, tensor, shard, len(group.chips)) * build.manifest.vector_bytes
    return {host: (into, out) for host, (into, out) in found.items()}


def _vectors(layout: GraphTensor | GraphInput, tensor: GraphTensor, shard: int, width: int) -> int:
    """Return how many vectors of a tensor a shard holds or reads."""
    if layout.layout == "sharded":
        return tensor.vectors // width + (shard < tensor.vectors % width)
    if layout.layout == "reserved":
        return layout.runs[shard][1] if layout.runs else 0
    if layout.layout == "single":
        return tensor.vectors if layout.shard == shard else 0
    return tensor.vectors
