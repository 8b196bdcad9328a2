"""Tests of tables, waveforms and traces, read again by what knows their formats."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace

from lpxsched.cli.main import run
from lpxsched.errors import InputError
from lpxsched.report.exports.csv_file import slots_csv
from lpxsched.report.exports.perfetto_trace import perfetto_trace
from lpxsched.report.exports.selection import select
from lpxsched.report.exports.vcd_file import vcd
from lpxsched.report.utilisation import utilisation
from lpxsched.timetable.writer import write_build
from tests.builds import ints, signed, two_chip_build
from tests.report.builds import repeated_build

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def test_everything_is_selected_on_the_timeline_of_the_token() -> None:
    """Tests the second of two layers: it begins 128 cycles later; a slot of two vectors holds its link for 5 cycles."""
    chosen = select(repeated_build(2))
    assert len(chosen.slots.row) == 16
    assert len(chosen.operators.row) == 24
    assert (chosen.slots.start[8], chosen.slots.end[8], chosen.slot_read[8]) == (128 + 23, 128 + 28, 128 + 41)


def test_layers_chips_and_cycles_are_selected() -> None:
    """Tests each by itself: layer 1, chip 0, and the cycles of the first hop, whose ingress is at 2."""
    build = repeated_build(2)
    assert set(select(build, layers=[1]).slots.row.tolist()) == set(range(8, 16))
    at_chip = select(build, chips=[0])
    links = build.slots.link[at_chip.slots.row]
    assert set(build.links.src[links].tolist()) | set(build.links.dst[links].tolist()) == {0, 1, 4}
    assert set(build.operators.chip[at_chip.operators.row].tolist()) == {0}
    early = select(build, cycles=(0, 7))
    assert early.slots.start.tolist() == [2, 2]
    assert set(early.operators.start.tolist()) == {2}
    assert len(select(build, cycles=(7, 23)).slots.row) == 0


def test_a_table_holds_every_slot() -> None:
    """Tests the first and the last row, read by Python's own reader."""
    rows = list(csv.DictReader(io.StringIO(slots_csv(select(two_chip_build())).decode())))
    assert len(rows) == 8
    first = {"link": "0", "source": "0.0", "destination": "0.1", "lane": "0", "class": "tray", "vectors": "2"}
    assert first.items() <= rows[0].items()
    times = ("depart_cycles", "held_until_cycles", "read_cycles")
    assert [rows[0][name] for name in times] == ["23", "28", "41"]
    assert [rows[-1][name] for name in times] == ["2", "7", "20"]


def read_vcd(data: bytes) -> dict[str, list[tuple[int, str]]]:
    """Return the changes of each variable by module and name, in picoseconds."""
    names, changes, scope, now = {}, defaultdict(list), [], 0
    for line in data.decode().splitlines():
        words = line.split()
        if words[0] == "$scope":
            scope.append(words[2])
        elif words[0] == "$upscope":
            scope.pop()
        elif words[0] == "$var":
            assert words[1:3] == ["wire", "32"]
            assert words[3] not in names
            names[words[3]] = ".".join([*scope, words[4]])
        elif line.startswith("#"):
            assert int(line[1:]) >= now
            now = int(line[1:])
        elif line.startswith("b"):
            changes[names[words[1]]].append((now, words[0][1:]))
    return dict(changes)


def test_a_waveform_holds_links_and_units() -> None:
    """Tests the link from chip 0 to chip 1: tensor 0 from 23 to 28, tensor 6 from 80 to 85; and the matrix unit."""
    build = two_chip_build()
    waves = read_vcd(vcd(select(build)))
    assert waves["chip_0_0.to_0_1_lane_0"] == [
        (0, "z"),
        (23_000, "0"),
        (28_000, "z"),
        (80_000, "110"),
        (85_000, "z"),
    ]
    # The router ends at 55, where the experts begin.
    router, experts = (
        next(row for row in range(12) if build.operators.kind[row] == kind and build.operators.chip[row] == 0)
        for kind in ("router", "experts")
    )
    expected = [(0, "z"), (44_000, f"{router:b}"), (55_000, f"{experts:b}"), (75_000, "z")]
    assert waves["chip_0_0.unit_matrix"] == expected
    assert [name for name in waves if name.startswith("host")] == ["host_0.to_0_0_lane_0", "host_0.to_0_1_lane_0"]


def test_codes_of_many_variables_differ() -> None:
    """Tests 40 layers, more variables than there are printable characters."""
    waves = read_vcd(vcd(select(repeated_build(40))))
    # 6 links and 4 units a layer.
    assert len(waves) == 40 * (6 + 4)


def test_a_trace_holds_slices_and_flows() -> None:
    """Tests that each slot is a slice on its sender's link, and that an arrow leads from it to its read."""
    build = two_chip_build()
    trace = Trace()
    trace.ParseFromString(perfetto_trace(select(build)))
    processes, threads, begun, ended, reads = {}, {}, [], [], []
    for packet in trace.packet:
        described, event = packet.track_descriptor, packet.track_event
        if packet.HasField("track_descriptor"):
            if described.HasField("process"):
                processes[described.uuid] = described.process.process_name
            else:
                threads[described.uuid] = (processes[described.parent_uuid], described.thread.thread_name)
        elif event.type == event.TYPE_SLICE_BEGIN:
            begun.append((packet.timestamp, *threads[event.track_uuid], event.name, tuple(event.flow_ids)))
        elif event.type == event.TYPE_SLICE_END:
            ended.append((packet.timestamp, *threads[event.track_uuid]))
        elif event.flow_ids:
            reads.append((packet.timestamp, *threads[event.track_uuid], event.flow_ids[0]))
    name = str(build.tensors.name[0])
    assert (23, "chip 0.0", "to 0.1 lane 0", f"{name} x 2", (1,)) in begun
    assert (28, "chip 0.0", "to 0.1 lane 0") in ended
    assert (41, "chip 0.1", "from 0.0 lane 0", 1) in reads
    assert (55, "chip 0.0", "matrix unit", "experts", ()) in begun
    assert {name for _, name in threads.values() if name.endswith("unit")} == {"matrix unit", "vector unit"}
    # 8 slots and the 8 operators on units.
    assert len(begun) == len(ended) == 8 + 8
    assert sorted(flow for _, _, _, flow in reads) == list(range(1, 9))
    assert set(processes.values()) == {"chip 0.0", "chip 0.1", str(build.chips.position[2])}


def test_slices_of_a_thread_never_overlap() -> None:
    """Tests that on each track an end comes before the next beginning at the same time."""
    trace, opened = Trace(), defaultdict(int)
    trace.ParseFromString(perfetto_trace(select(repeated_build(3))))
    for packet in trace.packet:
        event = packet.track_event
        opened[event.track_uuid] += {event.TYPE_SLICE_BEGIN: 1, event.TYPE_SLICE_END: -1}.get(event.type, 0)
        assert opened[event.track_uuid] in (0, 1)


def cyclic_build(gaps: tuple[int, ...] = ()) -> Build:
    """Return the worked example of 128 cycles with a window every 64, of which some of each 4 are left out."""
    build = two_chip_build()
    return replace(build, frames=replace(build.frames, period_cycles=ints(64), windows=ints(4), gaps=(gaps,)))


def test_what_repeats_is_told_until_a_period_holds_all_passes() -> None:
    """Tests that windows 0 and 1 begin 64 cycles apart, that others are selected, and that none is told of a gap."""
    chosen = select(cyclic_build())
    of_slot = chosen.slots.row == 0
    assert chosen.windows == range(2)
    assert chosen.slots.window[of_slot].tolist() == [0, 1]
    assert chosen.slots.start[of_slot].tolist() == [23, 23 + 64]
    assert chosen.slot_read[of_slot].tolist() == [41, 41 + 64]
    # Windows 2 and 3 are the first two in a row; 3 lasts until 320, 4 begins at 256, 5 is window 1 again.
    assert set(select(cyclic_build((1,))).slots.window.tolist()) == {2, 3}
    assert select(cyclic_build((1, 3))).windows == range(2)
    assert set(select(cyclic_build((1,)), cycles=(256, 384)).slots.window.tolist()) == {3, 4}


def apart_build(*gaps: tuple[int, ...]) -> Build:
    """Return layers in frames of their own, each with 4 windows of 1,000 cycles, of which it leaves out its own."""
    build = repeated_build(len(gaps))
    ones = np.ones(len(gaps), dtype=np.int64)
    frames = replace(build.frames, period_cycles=1000 * ones, windows=4 * ones, gaps=tuple(ints(*of) for of in gaps))
    return replace(build, frames=frames, deskews=replace(build.deskews, every_periods=4 * ones))


def test_windows_are_those_of_which_frames_leave_out_the_fewest() -> None:
    """Tests two frames without a window in common: 0 misses both, 1 the second one, 2 the first one, 3 both."""
    chosen = select(apart_build((0, 2, 3), (0, 1, 3)))
    assert (chosen.windows, chosen.passes, chosen.left_out) == (range(1, 2), 2, 1)
    # The first frame has layer 0.
    assert set(chosen.operators.row.tolist()) == set(range(12))
    alone = select(apart_build((0, 2, 3), (0, 1, 3)), layers=[1])
    assert (alone.windows, alone.passes, alone.left_out) == (range(1, 2), 1, 1)
    assert select(apart_build((0, 1), (0,))).left_out == 0


def test_passes_that_are_left_out_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the command says how many of how many a table lacks, and nothing of what lacks none."""
    for name, gaps in (("apart", ((0, 2, 3), (0, 1, 3))), ("common", ((0,), (0,)))):
        write_build(tmp_path / name, signed(apart_build(*gaps)))
        assert run(["export", str(tmp_path / name), "--csv", str(tmp_path / "slots.csv")]) == 0
        missing = "; not told are 1 of 2 passes of segments, whose frames leave these windows out\n"
        told = "window 1 of what repeats every 1,000 cycles; --cycles selects others"
        assert capsys.readouterr().err == told + (missing if name == "apart" else "\n")


def test_a_table_of_what_repeats_is_as_busy_as_its_period() -> None:
    """Tests the last period of a table, cycles 64 to 127, against the utilisation of a period, class by class."""
    held: dict[str, int] = defaultdict(int)
    for row in csv.DictReader(io.StringIO(slots_csv(select(cyclic_build())).decode())):
        start, end = int(row["depart_cycles"]), int(row["held_until_cycles"])
        held[row["class"]] += max(0, min(end, 128) - max(start, 64))
    busy = utilisation(cyclic_build(), bins=1)
    assert held == {group.name: busy.busy_cycles(row) for row, group in enumerate(busy.groups)}
    assert sum(held.values()) == 8 * 5


def test_waves_and_slices_of_what_repeats_never_overlap() -> None:
    """Tests the link from chip 0 to chip 1 in two windows, and that each arrow of a trace leads to its own read."""
    data = vcd(select(cyclic_build()))
    assert b"$comment windows 0 to 1 of what repeats every 64 cycles $end" in data
    # Departures at 23 and 80 of each window.
    begun = [time // 1000 for time, value in read_vcd(data)["chip_0_0.to_0_1_lane_0"] if value != "z"]
    assert begun == sorted(start + 64 * window for window in range(2) for start in (23, 80))
    trace, flows = Trace(), defaultdict(int)
    trace.ParseFromString(perfetto_trace(select(cyclic_build())))
    for packet in trace.packet:
        for flow in packet.track_event.flow_ids:
            flows[flow] += 1
    assert dict(flows) == dict.fromkeys(range(1, 17), 2)


def test_too_many_slices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests 8 slots and 8 operators on units where 15 are allowed: the way out is named."""
    monkeypatch.setattr("lpxsched.report.exports.perfetto_trace.MOST_SLICES", 15)
    with pytest.raises(InputError, match="16 slices are more than 15; select with --layers, --chips or --cycles"):
        perfetto_trace(select(two_chip_build()))


@pytest.mark.parametrize("make", [slots_csv, vcd, perfetto_trace])
def test_equal_builds_give_equal_bytes(make: object) -> None:
    """Tests each format twice."""
    assert callable(make)
    assert make(select(repeated_build(2))) == make(select(repeated_build(2)))


def test_export_writes_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the command with selections, and what it refuses."""
    write_build(tmp_path / "build", repeated_build(2))
    folder, files = str(tmp_path / "build"), {name: tmp_path / f"a.{name}" for name in ("csv", "vcd", "perfetto")}
    asked = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    assert run(["export", folder, *asked, "--layers", "1:2", "--chips", "2", "--cycles", "128:160"]) == 0
    rows = list(csv.DictReader(io.StringIO(files["csv"].read_text())))
    assert {row["depart_cycles"] for row in rows} == {"130", "151"}
    assert all(path.stat().st_size > 100 for path in files.values())
    capsys.readouterr()
    csv_file = ["--csv", str(files["csv"])]
    for wrong, message in (
        (["--chips", "99"], "there is no chip 99; the build has nodes 0 to 5, hosts last"),
        (["--cycles", "5:5"], "'5:5' is not A:B, two whole numbers, the first one less"),
        (["--png", str(tmp_path / "a.png"), "--chips", "0"], "--png draws whole layers"),
        # Two layers of 128 cycles each.
        (["--cycles", "5000:6000"], "no slot and no operator of the layers and chips asked for lies in the cycles"),
    ):
        assert run(["export", folder, *csv_file, *wrong]) == 2
        assert message in capsys.readouterr().err
