"""From repaired segments to a signed build."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.reschedule.results import with_results
from lpxsched.timetable.columns import Slots
from lpxsched.timetable.documents import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.reschedule.rescheduled import Around
    from lpxsched.reschedule.segment import Repaired
    from lpxsched.timetable.build import Build


def rebuilt(around: Around, segments: Mapping[int, Repaired]) -> Build:
    """Return the build with repaired segments in the place of what they were, its results told anew, signed."""
    build, fabric, tree = around.build, around.fabric, around.tree
    slots = _slots(around, segments)
    start = build.operators.start.copy()
    for segment, found in segments.items():
        start[build.operators.segment == segment] = found.start
    used = np.isin(np.arange(len(build.links)), slots.link)
    guards = around.wires.hop - around.unguarded_hops()
    after = replace(
        build,
        slots=slots,
        operators=replace(build.operators, start=start),
        chips=replace(build.chips, down=fabric.node_down, hac_parent=tree.parent, hac_depth=tree.depth),
        links=replace(
            build.links,
            down=fabric.link_down,
            guard_cycles=np.where(used, guards, build.links.guard_cycles),
        ),
    )
    return signed(with_results(after))


def signed(build: Build) -> Build:
    """Return a build whose manifest has the content hash of its tables and graph."""
    build = replace(build, graph_json=canonical_json(build.graph))
    update: dict[str, Any] = {"content_sha256": build.content_sha256()}
    return replace(build, manifest=build.manifest.model_copy(update=update))


def _slots(around: Around, segments: Mapping[int, Repaired]) -> Slots:
    """Return untouched rows and those of repaired segments, sorted by link and departure."""
    untouched = np.flatnonzero(~np.isin(around.segment, sorted(segments)))
    parts = [around.moves.taken(untouched), *(found.moves for found in segments.values())]
    moves = type(around.moves)(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    table = Slots(moves.tensor, moves.first, moves.vectors, moves.link, moves.depart, moves.depart + moves.hop)
    order = np.lexsort((table.depart, table.link))
    return Slots(*(getattr(table, field.name)[order] for field in fields(Slots)))
