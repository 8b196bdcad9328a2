"""A trace for ui.perfetto.dev: nodes as processes, their links and units as threads, transfers as flows.

A slot is a slice on the link of its sender, from departure to the end of the hold; an arrow leads to its read, an
instant at the receiver. Times are nanoseconds, rounded down, as the format has them; the exact cycles stand beside.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lpxsched.errors import InputError
from lpxsched.timetable.columns import WITHOUT_UNIT
from lpxsched.units import counted, cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.report.exports.selection import Selection
    from lpxsched.timetable.columns import Flags

# Beyond it the viewer is no pleasure.
MOST_SLICES = 1_000_000
SEQUENCE = 1
# At one time a slice ends before the next begins.
END, BEGIN, INSTANT = 0, 1, 2


class Event(NamedTuple):
    """Something on a thread (node, name of the thread); sorted by time, ends first."""

    cycle: int
    kind: int
    node: int
    thread: str
    name: str = ""
    flow: int = 0
    facts: tuple[tuple[str, int], ...] = ()


def perfetto_trace(selection: Selection) -> bytes:
    """Return the trace of a selection; equal selections give equal bytes.

    Raises
    ------
    InputError
        When it has more than `MOST_SLICES` slices.
    """
    from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder

    slices = len(selection.slots.row) + int(_on_units(selection).sum())
    if slices > MOST_SLICES:
        problem = f"{counted(slices, 'slice')} are more than {MOST_SLICES:,}; select with --layers, --chips or --cycles"
        raise InputError("--perfetto", problem)
    events = sorted([*_slots(selection), *_operators(selection)])
    threads = {key: number for number, key in enumerate(sorted({(event.node, event.thread) for event in events}))}
    file = io.BytesIO()
    builder = StreamingTraceProtoBuilder(file)
    _describe(builder, selection, threads)
    per_cycle = cycles_to_ns(1, Fraction(selection.build.manifest.clock_mhz))
    first_thread = len(selection.build.chips) + 1
    for event in events:
        packet = builder.create_packet()
        packet.timestamp = int(event.cycle * per_cycle)
        packet.trusted_packet_sequence_id = SEQUENCE
        _fill(packet.track_event, event, first_thread + threads[event.node, event.thread])
        builder.write_packet(packet)
    return file.getvalue()


def _fill(track: Any, event: Event, uuid: int) -> None:
    track.track_uuid = uuid
    track.type = {END: track.TYPE_SLICE_END, BEGIN: track.TYPE_SLICE_BEGIN, INSTANT: track.TYPE_INSTANT}[event.kind]
    if event.kind == END:
        return
    track.name = event.name
    if event.flow:
        track.flow_ids.append(event.flow)
    for name, value in event.facts:
        note = track.debug_annotations.add()
        note.name, note.int_value = name, value


def _describe(builder: Any, selection: Selection, threads: dict[tuple[int, str], int]) -> None:
    """Write the descriptors: node n is process and track n + 1, threads follow behind the last node."""
    chips = selection.build.chips
    for node in sorted({node for node, _ in threads}):
        packet = builder.create_packet()
        packet.track_descriptor.uuid = node + 1
        packet.track_descriptor.process.pid = node + 1
        packet.track_descriptor.process.process_name = f"{'' if chips.host[node] else 'chip '}{chips.position[node]}"
        builder.write_packet(packet)
    for (node, name), number in threads.items():
        packet = builder.create_packet()
        track = packet.track_descriptor
        track.uuid, track.parent_uuid = len(chips) + 1 + number, node + 1
        track.thread.pid, track.thread.tid = node + 1, len(chips) + 1 + number
        track.thread.thread_name = name
        builder.write_packet(packet)


def _slots(selection: Selection) -> Iterator[Event]:
    build = selection.build
    links, slots, position = build.links, build.slots, build.chips.position
    columns = [column.tolist() for column in (*selection.slots, selection.slot_read)]
    for flow, (row, window, start, end, read) in enumerate(zip(*columns, strict=True), start=1):
        link, tensor, count = int(slots.link[row]), int(slots.tensor[row]), int(slots.vectors[row])
        source, destination, lane = int(links.src[link]), int(links.dst[link]), int(links.lane[link])
        out = f"to {position[destination]} lane {lane}"
        name = f"{build.tensors.name[tensor]} x {count}"
        facts = (
            ("slot", row),
            ("window", window),
            ("first_vector", int(slots.first_vector[row])),
            ("depart_cycle", start),
            ("read_cycle", read),
        )
        yield Event(start, BEGIN, source, out, name, flow, facts)
        yield Event(end, END, source, out)
        yield Event(read, INSTANT, destination, f"from {position[source]} lane {lane}", name, flow)


def _on_units(selection: Selection) -> Flags:
    """Return which operators of a selection run on a functional unit, shape (operators,)."""
    return np.asarray(~np.isin(selection.build.operators.unit[selection.operators.row], sorted(WITHOUT_UNIT)))


def _operators(selection: Selection) -> Iterator[Event]:
    table, on_units = selection.build.operators, _on_units(selection)
    columns = (column[on_units].tolist() for column in selection.operators)
    for row, window, start, end in zip(*columns, strict=True):
        node, thread = int(table.chip[row]), f"{table.unit[row]} unit"
        name, facts = (
            str(table.kind[row]),
            (("operator", row), ("window", window), ("layer", int(table.layer[row])), ("start_cycle", start)),
        )
        yield Event(start, BEGIN if end > start else INSTANT, node, thread, name, 0, facts)
        if end > start:
            yield Event(end, END, node, thread)
