"""What the page of one build holds beside its text: a description as JSON, and blobs of columns."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.report.colours import MIXED_COLOUR, colours_of
from lpxsched.report.critical_path import segment_path
from lpxsched.report.event_index import EventIndex
from lpxsched.report.frames import only_period, windows_of
from lpxsched.report.layers import head_of, layer_name, segment_name
from lpxsched.report.manifest import collective_kind
from lpxsched.report.page.series import series
from lpxsched.report.page.traffic import ROOM_BYTES, link_blob, operator_blob, slot_blobs, tensor_blob
from lpxsched.report.relays import mere_relays, relays_of_segments
from lpxsched.report.token_time import deskew_spans, token_time
from lpxsched.report.utilisation import CLASS
from lpxsched.timetable.columns import WITHOUT_UNIT
from lpxsched.units import NONE, cycles_to_ns

if TYPE_CHECKING:
    from lpxsched.report.page.blobs import Blob
    from lpxsched.report.relays import Relays
    from lpxsched.report.token_time import TokenTime
    from lpxsched.timetable.build import Build


def page_data(build: Build, *, path: bool = True) -> tuple[dict[str, Any], list[Blob]]:
    """Return the description of a build's blobs, and the blobs; without `path` no critical path is marked.

    Raises
    ------
    InputError
        When the timetable breaks causality, so that no path leads back to time zero.
    """
    token, head, kind = token_time(build), head_of(build.manifest.results), collective_kind(build)
    total = only_period(build) or token.total_cycles
    relays = relays_of_segments(build, token)
    blocks, slots = slot_blobs(build, token)
    wires, links = link_blob(build)
    names, operators = operator_blob(build, token)
    tensors, tensor = tensor_blob(build)
    counted, utilisation = series(build, total)
    blobs = [links, operators, tensor, *slots, *utilisation]
    described = {
        "total": total,
        "length": token.total_cycles,
        "period": only_period(build),
        "windows": windows_of(build),
        "nsPerCycle": _ns_per_cycle(build),
        "nodes": build.chips.position.tolist(),
        "hosts": np.flatnonzero(build.chips.host).tolist(),
        "relays": list(mere_relays(build, relays)),
        "segments": _segments(build, token, relays),
        "frames": _frames(build, token, relays),
        "deskews": [list(span) for span in deskew_spans(build, token)],
        "path": _path(build, token) if path else [],
        "blocks": blocks,
        "room": ROOM_BYTES,
        "wires": wires,
        "tensors": tensors,
        "idleUnits": sorted(WITHOUT_UNIT),
        **names,
        "layers": {layer: kind or layer_name(layer, head) for layer in sorted({*build.operators.layer.tolist()})},
        "colours": dict(zip(("classes", "kinds"), colours_of(build), strict=True)) | {"mixed": MIXED_COLOUR},
        "series": counted,
        "layouts": {blob.name: blob.layout for blob in blobs},
    }
    return described, blobs


def class_data(build: Build) -> tuple[dict[str, Any], list[Blob]]:
    """Return as much of `page_data` as the comparison of two builds shows: the utilisation of link classes."""
    length = token_time(build).total_cycles
    total = only_period(build) or length
    counted, blobs = series(build, total, (CLASS,))
    layouts = {blob.name: blob.layout for blob in blobs}
    described = {"total": total, "length": length, "period": only_period(build), "nsPerCycle": _ns_per_cycle(build)}
    return described | {"series": counted, "layouts": layouts}, blobs


def _ns_per_cycle(build: Build) -> float:
    return float(cycles_to_ns(1, Fraction(build.manifest.clock_mhz)))


def _segments(build: Build, token: TokenTime, relays: Relays) -> list[dict[str, Any]]:
    """Return name, time, nodes and frame (by its place among those that repeat) of each, in the order of the token."""
    spans = zip(token.start_cycles.tolist(), token.end_cycles.tolist(), strict=True)
    repeating = {frame: row for row, frame in enumerate(np.flatnonzero(build.frames.period_cycles > 0).tolist())}
    found = [
        {
            "segment": segment,
            "name": segment_name(build, token.layers[segment]),
            "start": start,
            "end": end,
            "chips": build.graph.chips_of(segment),
            "relays": relays[segment],
            "frame": repeating.get(int(build.segments.frame[segment]), NONE),
            "phase": int(build.segments.phase_cycles[segment]),
        }
        for segment, (start, end) in enumerate(spans)
    ]
    return [found[segment] for segment in token.order.tolist()]


def _frames(build: Build, token: TokenTime, relays: Relays) -> list[dict[str, Any]]:
    """Return period, windows, gaps, deskews, and the segments by their place in the token, of frames that repeat."""
    frames, deskews, found = build.frames, build.deskews, []
    for frame in np.flatnonzero(frames.period_cycles > 0).tolist():
        members = np.flatnonzero(build.segments.frame[token.order] == frame).tolist()
        inside = token.order[members].tolist()
        chips = dict.fromkeys(chip for segment in inside for chip in build.graph.chips_of(segment))
        passing = {chip for segment in inside for chip in relays[segment]}
        rows = deskews.frame == frame
        columns = (deskews.cycle[rows], deskews.stall[rows], deskews.every_periods[rows])
        found.append(
            {
                "frame": frame,
                "period": int(frames.period_cycles[frame]),
                "windows": int(frames.windows[frame]),
                "gaps": [int(window) for window in frames.gaps[frame]],
                "deskews": np.stack(columns, axis=1).tolist(),
                "segments": members,
                "chips": list(chips),
                "relays": sorted(passing - chips.keys()),
            }
        )
    return found


def _path(build: Build, token: TokenTime) -> list[list[int]]:
    """Return the critical paths from the start on: an operator and twice -1, or a link, its departure and its read."""
    index, steps = EventIndex.of(build), []
    for segment in token.order.tolist():
        start = int(token.start_cycles[segment])
        for place in reversed(segment_path(index, segment)[1]):
            if place.slot < 0:
                steps.append([place.operator, NONE, NONE])
            else:
                hop = index.hop(place.slot)
                steps.append([hop.link, hop.depart + start, hop.read + start])
    return steps
