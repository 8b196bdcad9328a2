"""The groups of a whole model on the chips: each visit on one tile of the fabric, as few tiles one after the other.

Tiles are whole trays, or several of them where one cannot hold a visit. Within a tile rows change their layout in one
or two hops, and each border between two tiles costs a hop more, so a tile holds as many visits in a row as its SRAM
does. What is resident stays; working sets follow each other, so the largest of a tile counts. With several
micro-batches in flight visits are spread over as many tiles as there are of them: then few of them meet on one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import NothingFoundError
from lpxsched.program.connected import split_group
from lpxsched.program.file import read_groups
from lpxsched.program.groups import group_on, tray_tiles
from lpxsched.program.whole_model.visit_memory import visit_needs
from lpxsched.program.whole_model.visit_rows import Together, chips_up, in_a_row, refuse_oversize
from lpxsched.traffic.group import Group
from lpxsched.units import ceil_div
from lpxsched.workload.config.quantization import type_error
from lpxsched.workload.costs import cycles, shard_cost
from lpxsched.workload.datatypes import WEIGHT_TYPES, Precision
from lpxsched.workload.ffns import published_weights
from lpxsched.workload.lpu_graph import lpu_work
from lpxsched.workload.lpu_visits import chips_of
from lpxsched.workload.model import Layer
from lpxsched.workload.parts.piece import Decoding
from lpxsched.workload.policy import Policy
from lpxsched.workload.work import MATRIX

# What a second block costs a layer of rows of 18 vectors on a tray, measured: it hides 16 cycles, and wins 9.
BLOCK_CYCLES = 7

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.options import CompileOptions
    from lpxsched.program.whole_model.visit_memory import Needs
    from lpxsched.program.whole_model.visit_rows import NeedsOfKind
    from lpxsched.workload.lpu_visits import Visit
    from lpxsched.workload.model import Model
    from lpxsched.workload.work import Work


def step_of(options: CompileOptions, model: Model, fabric: Fabric) -> Decoding:
    """Return what a step of a whole model works on; weights are of the types that are published, or all of one.

    Raises
    ------
    InputError
        When the published types are several of one part, or none that chips can hold.
    """
    guesses = model.mtp if options.draft else ()
    stored = sorted({layer.stored.mixer for layer in (*model.layers, *guesses) if layer.mixers})
    if not options.weights and (len(stored) > 1 or not set(stored) <= set(WEIGHT_TYPES)):
        problem = f"mixers are stored as {' and '.join(stored)}; name one of {', '.join(WEIGHT_TYPES)} with --weights"
        raise type_error(model.keys, problem)
    weights = options.weights or published_weights(model)
    precision = Precision(weights, options.activations, options.partials)
    mixers = options.weights or (stored[0] if stored else weights)
    return Decoding(
        options.rows,
        options.context,
        options.kv,
        precision,
        mixers,
        fabric.vector_bytes,
        rows_per_user=1 + options.draft,
        policy=Policy(options.moe),
        as_published=not options.weights,
        micro_batches=options.in_flight,
        hop_cycles=_shortest_hop(fabric),
    )


def in_best_blocks(visits: Sequence[Visit], fabric: Fabric, decoding: Decoding) -> Decoding:
    """Return a step whose rows come in two blocks if that hides more than it costs, else in one.

    Parts of a product that pay for no pipeline run while wires are busy, on a tray with the rest of the step.
    """
    width, counted = fabric.grid[1], Counter(visit for visit in visits if isinstance(visit.part, Layer))

    def hidden(visit: Visit) -> int:
        works = lpu_work(visit, fabric.chip, width, decoding)
        costs = {
            kind: shard_cost(one, fabric.chip, one.on(width, fabric.chip.shard_columns)[0], 0)
            for kind, one in works.items()
        }
        return sum(cycles(costs[kind], MATRIX, fabric.chip) for kind, one in works.items() if _goes_on(one))

    whole = sum(number * hidden(visit) for visit, number in counted.items())
    return decoding if whole > BLOCK_CYCLES * counted.total() else replace(decoding, blocks=1)


def _goes_on(work: Work) -> bool:
    """Return whether work is that of a matrix that neither fills nor drains the pipeline."""
    return not work.pipelines and any(term.unit == MATRIX for term in work.terms)


def _shortest_hop(fabric: Fabric) -> int | None:
    """Return what a vector takes at least from chip to chip; None where no chips are joined."""
    between = fabric.link_up & (fabric.source < fabric.chips) & (fabric.destination < fabric.chips)
    classes = [fabric.link_classes[number] for number in np.unique(fabric.link_class[between]).tolist()]
    return min((ceil(one.latency_cycles + one.vector_time_cycles) for one in classes), default=None)


def visit_groups(
    fabric: Fabric, variants: Sequence[Sequence[Visit]], decoding: Decoding, *, what: str, file: str | None = None
) -> tuple[Sequence[Visit], tuple[Group, ...]]:
    """Return the visits of a step with the group of each; hosts are where tokens enter and leave.

    Parameters
    ----------
    fabric : Fabric
    variants : sequence of sequence of Visit
        Visits of one step, the first where several can be laid.
    decoding : Decoding
    what : str
        The model, for messages.
    file : str, optional
        Groups that a user has written; None cuts the fabric automatically.

    Raises
    ------
    InputError
        When a visit that meets a host has none, or the file is wrong.
    InfeasibleError
        When the model does not fit, with bytes a chip.
    NothingFoundError
        When no tiles hold it in a row.
    """

    @cache
    def of_kind(visit: Visit, width: int) -> Needs:
        return visit_needs(visit, fabric.chip, width, decoding, variants[0][0])

    def why_unfit(visits: Sequence[Visit], groups: Sequence[Group]) -> tuple[int, str] | None:
        return _why_unfit(fabric, chips_of(visits), lambda visit, width: of_kind(visits[visit], width), groups)

    if file is None:
        return _automatic(fabric, variants, of_kind, what, spread=decoding.micro_batches)
    count = len(variants[0])
    groups = read_groups(
        Path(file),
        fabric,
        count,
        lambda groups: min((why_unfit(visits, groups) for visits in variants), key=bool),
        hosted=(0, count - 1),
    )
    return next(visits for visits in variants if not why_unfit(visits, groups)), groups


def _automatic(
    fabric: Fabric, variants: Sequence[Sequence[Visit]], of_kind: NeedsOfKind, what: str, *, spread: int
) -> tuple[Sequence[Visit], tuple[Group, ...]]:
    together = [Together.of(visits, of_kind) for visits in variants]
    refuse_oversize(fabric, together[0], what)
    for tiles in tray_tiles(fabric):
        for one in together:
            even = ceil_div(len(one.laid), min(spread, len(tiles)))
            chosen = in_a_row(fabric, tiles, one, most=even) or in_a_row(fabric, tiles, one, most=len(one.laid))
            if chosen is None:
                continue
            last = len(one.visits) - 1
            groups = tuple(
                group_on(fabric, visit, chips) if visit in (0, last) else Group(visit, chips, ())
                for visit, chips in enumerate(chosen[one.laid.index(home)] for home in one.homes)
            )
            if split_group(fabric, groups) is None and _border_apart(fabric, groups) is None:
                return one.visits, groups
    least, visits = together[0].least_bytes, len(together[0].laid)
    raise NothingFoundError(
        f"{what} needs {least:,} bytes at least, the chips of {fabric.name} hold "
        f"{chips_up(fabric) * fabric.chip.sram_bytes:,}, and no whole trays hold its {visits} visits in a row",
        remedy="write the groups with --partition",
    )


def _border_apart(fabric: Fabric, groups: Sequence[Group]) -> tuple[int, str] | None:
    """Return the first visit to which not all chips of the one before have a way over these two groups, and why."""
    for before, group in pairwise(groups):
        both = replace(group, chips=tuple(dict.fromkeys((*before.chips, *group.chips))))
        split = split_group(fabric, [both])
        if split:
            return (
                group.layer,
                f"chips {split[1][0]} and {split[2][0]} of two visits do not reach each other over these",
            )
    return None


def _why_unfit(
    fabric: Fabric, homes: Sequence[int], needs_of: Callable[[int, int], Needs], groups: Sequence[Group]
) -> tuple[int, str] | None:
    """Return a visit away from what it uses, or the largest of the fullest chip, or a border without a way, and why."""
    for group, home in zip(groups, homes, strict=True):
        if group.chips != groups[home].chips:
            return group.layer, f"this visit uses what visit {home} keeps, and must have the same chips in their order"
    capacity = fabric.chip.sram_bytes
    resident, working, largest = dict[int, int](), dict[int, int](), dict[int, tuple[int, int]]()
    for group in groups:
        needs = needs_of(group.layer, len(group.chips))
        for chip, own in zip(group.chips, needs.resident, strict=True):
            resident[chip] = resident.get(chip, 0) + own
            working[chip] = max(working.get(chip, 0), needs.working)
            largest[chip] = max(largest.get(chip, (0, 0)), (own, -group.layer))
    most = max(resident, key=lambda chip: (resident[chip] + working[chip], -chip))
    needed = resident[most] + working[most]
    problem = f"chip {most} needs {needed:,} bytes and holds {capacity:,}"
    return _border_apart(fabric, groups) if needed <= capacity else (-largest[most][1], problem)
