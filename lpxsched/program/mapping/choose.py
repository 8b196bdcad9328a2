"""Which chips compute which layer: from a file, by a simple rule, or the shortest found and compared with these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lpxsched.clocks.tree import alignment_tree, time_domains
from lpxsched.errors import InfeasibleError, InputError, LpxschedError, NothingFoundError
from lpxsched.program.file import read_groups
from lpxsched.program.frames.arranging import InFlight
from lpxsched.program.groups import group_on
from lpxsched.program.mapping.baselines import BASELINES
from lpxsched.program.mapping.family_bound import Bounds, family_text, mapping_bound
from lpxsched.program.mapping.search import chosen_mapping
from lpxsched.program.mapping.shapes import Joints, family
from lpxsched.program.memory import weight_bytes, why_unfit, working_bytes
from lpxsched.traffic.group import sharing
from lpxsched.units import counted, cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.load import Load
    from lpxsched.program.mapping.pricing import Market
    from lpxsched.program.outside.micro_batch import Outside
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.traffic.group import Group
    from lpxsched.workload.costs import Cost
    from lpxsched.workload.graph import LayerGraph

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline: its groups and what they take, scheduled at effort 1 unless it may win; or why there is none.

    Attributes
    ----------
    groups : tuple of Group
    step_ns, least_ns : Fraction or None
        A step of all layers, with the tree and the frames of these groups, and what none falls short of beside the
        same time outside of the fabric.
    missing : str
    """

    groups: tuple[Group, ...] = ()
    step_ns: Fraction | None = None
    least_ns: Fraction | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """The groups of all layers, and what is known of how good they are.

    Attributes
    ----------
    groups : tuple of Group
    reasons : tuple of str
        Why each layer lies where it does; none where nobody chose.
    chosen : str
        ``auto``, or the name of a baseline, or ``file``.
    bound_cycles : int or None
        No mapping over the family is shorter; None where none was looked at.
    family : str
        The family, in words.
    packed_optimally : bool
        Whether no packing of the shapes that were scheduled is shorter.
    baselines : dict of Baseline
        By name; none where they were not looked at.
    """

    groups: tuple[Group, ...]
    reasons: tuple[str, ...] = ()
    chosen: str = AUTO
    bound_cycles: int | None = None
    family: str = ""
    packed_optimally: bool = False
    baselines: dict[str, Baseline] | None = None


@dataclass(frozen=True, slots=True)
class Laid:
    """Layers on their groups as they are scheduled, and what their problems are made from."""

    groups: tuple[Group, ...]
    graph: LayerGraph
    outside: Outside
    tree: AlignmentTree
    build_problems: Callable[[Callable[[Group], list[dict[str, Cost]]]], list[LayerProblem]]
    solved: Sequence[ScheduledLayer] | InFlight

    @property
    def layers(self) -> Sequence[ScheduledLayer]:
        """Layers on demand or in flight."""
        return self.solved.layers if isinstance(self.solved, InFlight) else self.solved


def partition_layers(load: Load, fabric: Fabric, partition: str) -> Mapping:
    """Return the groups of a baseline by its name, or those of a file.

    Raises
    ------
    InputError
        When a chip of a group has no host, a group falls apart, or the file is wrong.
    InfeasibleError, NothingFoundError
        When layers do not fit into the SRAM of their chips.
    """
    _refuse_without_hosts(fabric)
    if partition in BASELINES:
        return Mapping(BASELINES[partition](load, fabric), chosen=partition)
    if not Path(partition).exists():
        problem = f"is neither a file nor a mapping; choose one of auto, {', '.join(BASELINES)}, or name a file"
        raise InputError(partition, problem, key="--partition")
    groups = read_groups(Path(partition), fabric, load.layers, partial(why_unfit, load))
    return Mapping(groups, chosen="file")


def shortest_mapping(market: Market, *, progress: Callable[[str, int, int], None]) -> Mapping:
    """Return the shortest mapping found, beside the mapping bound and the baselines.

    Raises
    ------
    InputError
        When the fabric has no hosts, or a chip has none.
    InfeasibleError
        When the weights alone are more than all chips hold.
    NothingFoundError
        When neither a placement for each layer nor a baseline was found.
    """
    load, fabric = market.load, market.fabric
    _refuse_without_hosts(fabric)
    _refuse_too_large(load, fabric)
    # Where rows go to their experts alone, what a layer is depends on how many chips it has: no family is looked at.
    shapes = () if load.depends_on_width else family(fabric)
    bounds = Bounds(market, shapes)
    bound = mapping_bound(bounds) if shapes else None
    found = chosen_mapping(market, bounds, progress) if shapes else None
    baselines = {name: _baseline(market, name) for name in BASELINES}
    known = {name: one.step_ns for name, one in baselines.items() if one.step_ns is not None}
    told = Mapping((), bound_cycles=bound, family=family_text(shapes), baselines=baselines)
    if found:
        groups = tuple(group_on(fabric, layer, chips) for layer, chips in enumerate(found.chips))
        return replace(told, groups=groups, reasons=found.reasons, packed_optimally=found.optimal)
    if not known:
        why = "; ".join(f"{name}: {one.missing}" for name, one in baselines.items())
        raise NothingFoundError(
            f"no placements found that hold all layers of {load.model.name}; {why}",
            remedy="write the groups with --partition, or take more chips",
        )
    return as_baseline(told, min(known, key=lambda name: (known[name], name)))


def as_baseline(mapping: Mapping, name: str) -> Mapping:
    """Return a mapping with the groups of a baseline."""
    assert mapping.baselines is not None
    groups = mapping.baselines[name].groups
    return replace(mapping, groups=groups, chosen=name, reasons=(f"baseline {name}",) * len(groups))


def best_laid(market: Market, mapping: Mapping, lay: Callable[[tuple[Group, ...]], Laid]) -> tuple[Mapping, Laid]:
    """Return the shorter of a mapping and its baselines as they are scheduled in earnest, and that schedule.

    A baseline that cannot be shorter, by its bound, needs no schedule. A step is what counts: the timetable, and what
    lies outside of the fabric, which differs by the hosts that rows come over.

    Parameters
    ----------
    market : Market
    mapping : Mapping
    lay : callable
        Schedules groups.
    """
    best = lay(mapping.groups)
    for name, one in sorted((mapping.baselines or {}).items()):
        if one.least_ns is None or one.groups == mapping.groups or one.least_ns >= _step_ns(market, best):
            continue
        try:
            other = lay(one.groups)
        except LpxschedError:
            # What was scheduled at effort 1 may find no schedule with the solver asked for.
            continue
        baselines = {**(mapping.baselines or {}), name: replace(one, step_ns=_step_ns(market, other))}
        mapping = replace(mapping, baselines=baselines)
        if _step_ns(market, other) < _step_ns(market, best):
            best, mapping = other, as_baseline(mapping, name)
    return mapping, best


def _step_ns(market: Market, laid: Laid) -> Fraction:
    cycles = sum(layer.distinct.result.makespan_cycles for layer in laid.layers)
    return cycles_to_ns(cycles, market.load.chip.clock_mhz) + laid.outside.assumed_ns.value


def _baseline(market: Market, name: str) -> Baseline:
    """Return a baseline, scheduled at effort 1."""
    load, fabric = market.load, market.fabric
    try:
        groups = BASELINES[name](load, fabric)
        tree = alignment_tree(fabric, market.clock, time_domains(fabric, [group.chips for group in groups]))
    except LpxschedError as error:
        return Baseline(missing=str(error))
    joints, known, keys = Joints.of(fabric), {}, []
    for group in groups:
        keys.append((load.kind(group.layer), joints.signature(group.chips), frozenset(group.chips)))
        if keys[-1] not in known:
            known[keys[-1]] = market.price(keys[-1][0], group.chips, tree)
    prices = [known[key] for key in keys]
    missing = next((price.missing for price in prices if price.missing), "")
    if missing:
        return Baseline(groups, missing=missing)
    frames, stalls = sharing(group.chips for group in groups), dict[int, int]()
    for frame, price in zip(frames, prices, strict=True):
        stalls[frame] = max(stalls.get(frame, 0), price.stall_cycles)
    cycles = sum(
        price.makespan_cycles + stalls[frame] - price.stall_cycles for frame, price in zip(frames, prices, strict=True)
    )
    clock_mhz, outside_ns = load.chip.clock_mhz, market.outside_of(groups).assumed_ns.value
    least = sum(price.bound_cycles for price in prices)
    return Baseline(groups, cycles_to_ns(cycles, clock_mhz) + outside_ns, cycles_to_ns(least, clock_mhz) + outside_ns)


def _refuse_without_hosts(fabric: Fabric) -> None:
    if not fabric.hosts:
        raise InputError(fabric.name, "has no host; --attention gpu needs a host for each chip")


def _refuse_too_large(load: Load, fabric: Fabric) -> None:
    """Refuse layers that are more than all chips hold together, or of which one is more than all chips hold of it."""
    up = int((~fabric.node_down[: fabric.chips]).sum())
    room, what = up * load.chip.sram_bytes, f"{load.model.name} with {load.precision.weights} weights"
    size = {kind: int(weight_bytes(load, kind, 1).sum()) for kind in load.kinds()}
    total = sum(size[kind] * len(layers) for kind, layers in load.kinds().items())
    if total > room:
        raise InfeasibleError(
            f"{counted(load.layers, 'layer')} of {what} {'is' if load.layers == 1 else 'are'} {total:,} bytes of "
            f"weights at least, and {fabric.name} has {counted(up, 'chip')} with {room:,} bytes"
        )
    for kind in load.kinds():
        least = int(weight_bytes(load, kind, up).max()) + working_bytes(load, kind)
        if least > load.chip.sram_bytes:
            raise InfeasibleError(
                f"one layer of {what} needs {least:,} bytes on each of all {counted(up, 'chip')} of {fabric.name}, a "
                f"chip holds {load.chip.sram_bytes:,}"
            )
