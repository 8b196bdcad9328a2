"""What a micro-batch spends outside of the fabric in one step: on GPUs, and on the way between them and hosts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from lpxsched.errors import InfeasibleError
from lpxsched.files.ranged import Ranged, total
from lpxsched.program.outside.gpus import gpus_of, read_gpus
from lpxsched.program.outside.handover import handover_of, read_handover
from lpxsched.traffic.layouts import shares
from lpxsched.units import counted
from lpxsched.workload.gpu_work import cache_bytes, gpu_works, mixers_on_gpus
from lpxsched.workload.model import Attention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.options import CompileOptions
    from lpxsched.program.outside.gpus import Gpus
    from lpxsched.program.outside.handover import Handover
    from lpxsched.traffic.group import Group
    from lpxsched.workload.gpu_work import GpuWork
    from lpxsched.workload.graph import LayerGraph, Tensor
    from lpxsched.workload.model import Model


@dataclass(frozen=True, slots=True)
class Visit:
    """What lies around one visit to the chips.

    Attributes
    ----------
    attention : Ranged
        Time on the GPUs before it, in ns.
    into, out : Ranged
        Hand-over to its hosts and back to the GPUs, in ns.
    ports : dict
        Bytes that enter and that leave, by host.
    """

    attention: Ranged
    into: Ranged
    out: Ranged
    ports: dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies outside of the fabric.

    Attributes
    ----------
    visits : tuple of Visit
        One a layer that has an FFN, those of modules that guess drafts included.
    ending : Ranged
        Time on the GPUs after the last of them, LM head and sampling included, in ns.
    works : tuple of GpuWork
        What GPUs do before each visit, and after the last one.
    gpus : Gpus
    handover : Handover
    context, longest_window : int
        Rows that each row sees, and the most that are kept of any window.
    row_ns : Fraction
        What a further row of context takes in one step.
    draft_visits : int
        How many visits, the last ones, are of modules that guess drafts.
    """

    visits: tuple[Visit, ...]
    ending: Ranged
    works: tuple[GpuWork, ...]
    gpus: Gpus
    handover: Handover
    context: int = 0
    longest_window: int = 0
    row_ns: Fraction = Fraction(0)
    draft_visits: int = 0

    @property
    def attention_ns(self) -> Ranged:
        """Time on the GPUs in one step."""
        return total([*(visit.attention for visit in self.visits), self.ending])

    @property
    def handover_ns(self) -> Ranged:
        """Time of all hand-overs in one step."""
        return total(part for visit in self.visits for part in (visit.into, visit.out))

    @property
    def assumed_ns(self) -> Ranged:
        """All of it."""
        return self.attention_ns + self.handover_ns

    @property
    def unread(self) -> int:
        """Mixers whose caches and weights are not known."""
        return sum(work.unread for work in self.works)


def outside_of(options: CompileOptions, model: Model, graph: LayerGraph, groups: Sequence[Group]) -> Outside:
    """Return what a micro-batch spends outside of the fabric.

    Raises
    ------
    InputError
        When a description is wrong.
    InfeasibleError
        When the GPUs cannot hold the caches of all that is in flight, with the bytes.
    """
    gpus, handover = gpus_of(read_gpus(options.gpus), options.in_flight), handover_of(read_handover(options.handover))
    _refuse_large_caches(options, model, gpus)
    works_of = partial(gpu_works, model, kv=options.kv, new_rows=1 + options.draft)
    works = works_of(context=options.context)
    times = [gpus.time_ns(work, options.batch) for work in works]
    ports = [host_bytes(graph.layer(layer), group) for layer, group in enumerate(groups)]
    visits = tuple(
        Visit(
            attention,
            handover.in_ns(max(into for into, _ in of_hosts.values())),
            handover.out_ns(max(out for _, out in of_hosts.values())),
            of_hosts,
        )
        for attention, of_hosts in zip(times, ports, strict=False)
    )
    windows = [mixer.window for mixer in mixers_on_gpus(model, options.draft) if isinstance(mixer, Attention)]
    # No longer context adds to what is kept of a window.
    longest, users = max(windows, default=0) + options.draft, options.batch
    further = (works_of(context=longest + rows) for rows in (2, 1))
    longer, shorter = (sum(gpus.time_ns(work, users).value for work in of_rows) for of_rows in further)
    row_ns, draft_visits = Fraction(longer - shorter), len(works) - len(gpu_works(model, context=1, kv=options.kv))
    return Outside(visits, times[-1], works, gpus, handover, options.context, longest, row_ns, draft_visits)


def host_bytes(layer: LayerGraph, group: Group) -> dict[int, tuple[int, int]]:
    """Return the bytes that enter a layer and that leave it over each host, in whole vectors."""
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for operator in layer.operators:
        if operator.place != "hosts":
            continue
        passed = [(0, name, layer.tensors[name].layout) for name in operator.outputs]
        passed += [(1, name, layout) for name, layout in operator.inputs]
        for side, name, layout in passed:
            tensor = layer.tensors[name]
            passing = _vectors_of_shards(tensor, layout, len(group.chips))
            for host, vectors in zip(group.hosts, passing, strict=True):
                found[host][side] += vectors * tensor.vector_bytes
    return {host: (into, out) for host, (into, out) in sorted(found.items())}


def _vectors_of_shards(tensor: Tensor, layout: str, width: int) -> list[int]:
    """Return how many vectors of a tensor pass the host of each shard."""
    if layout == "sharded":
        return [vectors for _, vectors in shares(tensor.vectors, width)]
    if layout == "reserved":
        return [vectors for _, vectors in tensor.runs]
    if layout == "single":
        return [tensor.vectors if shard == tensor.shard else 0 for shard in range(width)]
    return [tensor.vectors] * width


def _refuse_large_caches(options: CompileOptions, model: Model, gpus: Gpus) -> None:
    of_user = cache_bytes(model, context=options.context, kv=options.kv, new_rows=1 + options.draft)
    users = options.batch * options.in_flight
    if of_user * users > gpus.memory_bytes:
        raise InfeasibleError(
            f"caches of {counted(users, 'user')} with {counted(options.context, 'row')} of context take "
            f"{of_user * users:,} bytes, and all GPUs of {gpus.name} hold {gpus.memory_bytes:,}: at most "
            f"{counted(gpus.memory_bytes // of_user, 'user')}"
        )
