"""Tests of ``lpxsched collective`` as a user runs it, on a ring of four chips."""

from __future__ import annotations

import filecmp
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.cli.selections import parse_chips
from lpxsched.errors import ExitCode
from lpxsched.report.mapping import position_ranges
from lpxsched.timetable.reader import read_build
from lpxsched.traffic.collectives import KINDS
from tests.assembly.test_describe_collective import built
from tests.cli.told import collective_json
from tests.fabric.examples import write_topology
from tests.timetable.collectives import all_gather

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "status",
    "solver",
    "makespan_cycles",
    "lower_bound_cycles",
    "bound",
    "gap",
    "makespan_ns",
    "vectors",
    "vector_hops",
    "slots",
    "chips",
    "links",
    "seconds",
    "content_sha256",
    "kind",
    "topology",
    "verified",
    "solve_seconds",
}


def test_an_all_reduce_of_256_tsps_takes_three_published_hops(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests three hops of 722 ns, adds included: 3 x 650 cycles at 900 MHz, below which no all-reduce is."""
    result = collective_json(["all-reduce", "tsp-264", "--chips", "0-255"], capsys)
    assert (result["status"], result["makespan_cycles"], result["makespan_ns"]) == ("optimal", 1950, 2166.667)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_scheduled_and_proved(ring: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests keys, and that the checker found no fault."""
    result = collective_json([kind, ring], capsys)
    assert result.keys() >= KEYS
    assert result["verified"] is True
    assert (result["kind"], result["topology"], result["chips"]) == (kind, "toy", 4)
    assert result["makespan_cycles"] >= result["lower_bound_cycles"] > 0
    assert result["gap"] == round(result["makespan_cycles"] / result["lower_bound_cycles"], 6)
    assert (result["status"] == "optimal") == (result["gap"] == 1)


def test_without_a_folder_nothing_is_written(
    ring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that the user's folder stays as it is, and that the hash is that of a written build."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    without = collective_json(["all-gather", ring], capsys)
    assert sorted(tmp_path.iterdir()) == before
    written = collective_json(["all-gather", ring, "-o", "out"], capsys)
    assert written["content_sha256"] == without["content_sha256"]
    assert read_build(tmp_path / "out").content_sha256() == without["content_sha256"]


def test_what_was_written_passes_check(ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests an all-reduce over relays, read back from its folder."""
    out = str(tmp_path / "out")
    collective_json(["all-reduce", ring, "--chips", "0,2", "--relays", "--vectors", "4", "-o", out], capsys)
    assert run(["check", out, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_equal_input_gives_equal_bytes_whatever_the_hash_seed(ring: str, tmp_path: Path) -> None:
    """Tests that two processes with different hash seeds and thread counts write the same folder."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for seed, folder in enumerate(folders, start=1):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": str(seed)}
        command = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()"]
        arguments = ["collective", "reduce-scatter", ring, "--vectors", "3", "-o", str(folder)]
        subprocess.run([*command, *arguments], env=environment, check=True, capture_output=True)
    names = sorted(path.name for path in folders[0].iterdir())
    assert filecmp.cmpfiles(*folders, names, shallow=False) == (names, [], [])


def test_chips_take_part_in_the_order_given(ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests shards, relays, and a root that is told as a chip: chip 1 is shard 2 of chips 3, 0, 1."""
    out = tmp_path / "out"
    arguments = ["broadcast", ring, "--chips", "3,0-1", "--relays", "--root", "1", "-o", str(out)]
    assert collective_json(arguments, capsys)["chips"] == 3
    graph = read_build(out).graph
    assert (graph.groups[0].chips, graph.groups[0].relays) == ([3, 0, 1], [2])
    assert graph.tensors[0].shard == 2


def test_a_clock_adds_guard_and_stall(ring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that drifting clocks make the collective longer, and that nothing happens before the opening deskew."""
    perfect = collective_json(["all-gather", ring], capsys)
    out = tmp_path / "out"
    drifting = collective_json(["all-gather", ring, "--clock", "xo-100ppm", "-o", str(out)], capsys)
    assert drifting["makespan_cycles"] > perfect["makespan_cycles"]
    build = read_build(out)
    stall = int(build.deskews.stall[0])
    assert stall > 0
    assert build.links.guard_cycles.min() > 0
    assert build.slots.depart.min() == build.operators.start.min() == stall


def test_busy_wires_are_told_in_the_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests an all-gather of two vectors on two chips whose links are held for latency as well.

    Of 320 bytes at 100 Gb/s and 5 ns, v is 25.6 ns: at 1 GHz the second vector leaves 30.6 cycles after the first and
    is read ceil(26 + 5 + 30.6) = 62 cycles after it left; two slots of one vector take 31 + 31 cycles as well.
    """
    topology = write_topology(tmp_path, "src,dst\n0,1\n1,0\n", chips=2, wire="busy")
    out = tmp_path / "out"
    result = collective_json(["all-gather", topology, "--vectors", "2", "-o", str(out)], capsys)
    assert read_build(out).manifest.wire == "busy"
    assert result["makespan_cycles"] == 62


def test_a_period_is_told(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that --cyclic bounds the period, and that the gap is that of the period."""
    result = collective_json(["all-gather", ring, "--cyclic"], capsys)
    assert result["period_cycles"] >= result["lower_bound_cycles"]
    assert result["gap"] == round(result["period_cycles"] / result["lower_bound_cycles"], 6)
    assert result["verified"] is True


def test_without_a_proof_nothing_is_said_to_hold(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests --no-verify in both forms of output."""
    assert collective_json(["all-gather", ring, "--no-verify"], capsys)["verified"] is False
    assert run(["collective", "all-gather", ring, "--no-verify"]) == ExitCode.DONE
    assert "not checked" in capsys.readouterr().out


def test_the_text_tells_what_a_person_looks_for(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests chips, makespan, worst case, bound, gap, solver, traffic, bandwidth and the proof; nothing on stderr."""
    assert run(["collective", "all-to-all", ring]) == ExitCode.DONE
    printed = capsys.readouterr()
    assert printed.out.startswith("all-to-all, --vectors 1, on 4 chips of toy;")
    names = {line.split()[0] for line in printed.out.splitlines()[2:]}
    assert names == {"makespan", "worst", "bound", "gap", "solver", "traffic", "bandwidth", "rules"}
    assert printed.err == ""


def test_a_fault_of_ours_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests a timetable whose relay sends at 10 what it reads at 13: exit 5, the violations in a line each."""
    one = all_gather()
    schedule = replace(one.result.schedule, slot_depart=one.result.schedule.slot_depart.clip(max=10))
    broken = built(tmp_path, replace(one, result=replace(one.result, schedule=schedule)))
    monkeypatch.setattr("lpxsched.collective_pipeline.compile_collective", lambda _: (broken, 0.0))
    arguments = ["collective", "all-gather", "ring-8", "-o", str(tmp_path / "out")]
    assert run(arguments) == ExitCode.VERIFICATION_FAILED
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("R2: vector 0 of tensor")
    assert run([*arguments, "--json"]) == ExitCode.VERIFICATION_FAILED
    result = json.loads(capsys.readouterr().out)
    assert (result["verified"], result["output"]) == (False, None)
    assert not (tmp_path / "out").exists()
    assert run([*arguments, "--no-verify"]) == ExitCode.DONE
    assert (tmp_path / "out").is_dir()


def test_chips_are_chosen_by_position_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests three of a torus of 4 x 4, of which 1.1 to 1.3 are numbers 5 to 7: all ways name the same."""
    told = [
        collective_json(["all-gather", "torus-4x4", "--chips", chips], capsys)["content_sha256"]
        for chips in ("5-7", "5,1.2,7", "1.1-3")
    ]
    assert len(set(told)) == 1
    told = [
        collective_json(["broadcast", "torus-4x4", "--chips", "1.1-3", "--root", root], capsys)["content_sha256"]
        for root in ("6", "1.2", "5")
    ]
    assert told[0] == told[1] != told[2]


def test_ranges_of_positions_are_those_that_reports_print() -> None:
    """Tests places of trays in a row, as `position_ranges` writes them, and a host, whose name has a blank."""
    positions = [f"{tray}.{place}" for tray in range(4) for place in range(2)] + ["host 0"]
    chips = parse_chips("1-3.0, host 0, 0.0-1", lambda: positions)
    assert chips == (2, 4, 6, 8, 0, 1)
    assert position_ranges(positions[chip] for chip in chips) == "1-3.0, host 0, 0.0-1"
