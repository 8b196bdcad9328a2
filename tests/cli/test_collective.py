"""Tests of ``lpxsched collective`` as a user runs it, on a ring of four chips."""

from __future__ import annotations

import filecmp
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.main import run
from lpxsched.cli.selections import parse_chips
from lpxsched.errors import ExitCode, NothingFoundError
from lpxsched.files.shipped import shipped_files
from lpxsched.report.mapping import position_ranges
from lpxsched.timetable.reader import read_build
from lpxsched.traffic.collectives import KINDS
from tests.assembly.test_describe_collective import built
from tests.fabric.examples import write_family, write_topology
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


@pytest.fixture
def ring(tmp_path: Path) -> str:
    """Return a ring of four chips."""
    return write_family(tmp_path, "ring", chips=4)


def collective_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Schedule a collective with --json and return the object."""
    assert run(["collective", *arguments, "--json"]) == ExitCode.DONE
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a wrong input gets."""
    assert run(["collective", *arguments]) == ExitCode.BAD_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    return printed.err.strip()


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


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--chips", "3-1"], "--chips: '3-1' is neither a chip, nor a range of chips from low to high"),
        (["--chips", "0,9.9"], "--chips: there is no position 9.9"),
        (["--chips", "9.2-0"], "--chips: '9.2-0' is neither a chip, nor a range of chips from low to high, nor a pos"),
        (["--chips", ""], "--chips: '' is neither"),
        (["--chips", "0,,1"], "--chips: '' is neither"),
        (["--chips", "0-1-2"], "--chips: '0-1-2' is neither"),
        (["--chips", "-1,2"], "--chips: '-1' is neither"),
        (["--chips", "0-9999999999"], "--chips: '0-9999999999' is neither"),
        (["--chips", "0,4"], "--chips: there is no chip 4; toy has chips 0 to 3"),
        (["--chips", "0-2,1"], "--chips: chip 1 is listed 2 times; list each chip once"),
        (["--chips", "2"], "--chips: a collective needs 2 chips or more, got 1"),
        (["--root", "0"], "--root: all-gather has no root; leave it out"),
        (["--root", "-1"], "--root: '-1' is neither a chip, nor a range of chips from low to high, nor a position"),
        (["--root", "0-1"], "--root: '0-1' names 2 chips; name one"),
        (["--root", "9.9"], "--root: there is no position 9.9"),
        (["--vectors", "0"], "'0' is no whole number from 1 to 1,000,000"),
        (["--deadline", "0"], "'0' is no whole number"),
        (["--effort", "41"], "'41' is no whole number from 1 to 40"),
        (["--solver", "fast"], "'fast' is not one of 'auto', 'greedy', 'symmetric', 'cpsat'"),
        (["--clock", "sundial"], "sundial: no clock of this name and no such file"),
        (["--cyclic", "--clock", "common"], "--clock: must be none with --cyclic"),
    ],
)
def test_a_wrong_option_gets_one_line(
    ring: str, arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests exit code 2, the option's name, and what would be right."""
    assert problem in refused(["all-gather", ring, *arguments], capsys)


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


def test_a_wrong_kind_or_topology_gets_one_line(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests both arguments."""
    assert "'all-scatter' is not one of 'all-gather'" in refused(["all-scatter", ring], capsys)
    assert "no topology of this name" in refused(["all-gather", "ring-9"], capsys)


def test_a_flag_is_refused_without_its_value(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests --relays alone: that it is given is all that it says."""
    line = refused(["all-gather", ring, "--relays"], capsys)
    assert line.endswith("--relays: is for --chips: without it no chip is left that could relay")


def test_a_root_outside_of_the_chosen_chips_is_refused(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a chip of the fabric that takes no part."""
    line = refused(["gather", ring, "--chips", "0-2", "--root", "3"], capsys)
    assert line == "--root: must be a chip that takes part, one of 0-2; got 3"
    assert refused(["gather", ring, "--root", "4"], capsys) == (
        "--root: must be a chip that takes part, one of 0-3; got 4"
    )


def test_a_folder_of_somebody_else_is_refused_before_the_search(
    ring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that no time is spent and the folder stays."""
    monkeypatch.setattr("lpxsched.collective_pipeline.compile_collective", lambda _: pytest.fail("searched in vain"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    assert "not a build folder" in refused(["all-gather", ring, "-o", str(tmp_path / "mine")], capsys)


def test_a_split_fabric_is_infeasible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests chips 0, 1 and 2, 3 without a link between the pairs: exit 3, the cause in JSON."""
    topology = write_topology(tmp_path, "src,dst\n0,1\n1,0\n2,3\n3,2\n")
    assert run(["collective", "all-gather", topology, "--json"]) == ExitCode.INFEASIBLE
    result = json.loads(capsys.readouterr().out)
    assert result["status"] == "infeasible"
    assert result["cause"] == (
        "infeasible: the fabric is split: there is no way from chip 0 to chip 2 over any of its chips; chip 0 reaches "
        "1 other"
    )


def test_chips_that_relays_would_join_are_told_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests both ends of a line of three, where `--relays` does what the line says, and of one with a gap."""
    line = write_topology(tmp_path, "src,dst\n0,1\n1,0\n1,2\n2,1\n")
    ends = ["collective", "all-gather", line, "--chips", "0,2"]
    assert run(ends) == ExitCode.INFEASIBLE
    told = capsys.readouterr().err
    assert told == (
        "infeasible: there is no way from chip 0 to chip 2 over the chips that take part; add --relays, which lets the "
        "others pass vectors on and joins them\n"
    )
    assert run([*ends, "--relays"]) == ExitCode.DONE
    capsys.readouterr()
    write_topology(tmp_path, "src,dst\n0,1\n1,0\n2,3\n3,2\n")
    for more in ([], ["--relays"]):
        assert run([*ends, *more]) == ExitCode.INFEASIBLE
        assert capsys.readouterr().err.endswith("over any of its chips; chip 0 reaches 1 other\n")


def test_a_search_without_a_result_is_unknown(
    ring: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests exit 4 with what was tried and what may help, never told as infeasible."""

    def give_up(_: object) -> None:
        raise NothingFoundError("effort 3")

    monkeypatch.setattr("lpxsched.collective_pipeline.compile_collective", give_up)
    assert run(["collective", "all-gather", ring, "--json"]) == ExitCode.NOTHING_FOUND
    printed = capsys.readouterr()
    cause = "unknown: nothing found (effort 3); try a larger --effort"
    assert json.loads(printed.out) == {"status": "unknown", "cause": cause}
    assert printed.err.strip() == cause


def test_a_deadline_below_the_bound_is_infeasible(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests exit 3 with one line, and that the makespan itself is a deadline that can be met."""
    assert run(["collective", "all-gather", ring, "--deadline", "1"]) == ExitCode.INFEASIBLE
    assert capsys.readouterr().err.startswith("infeasible: ")
    result = collective_json(["all-gather", ring], capsys)
    made = str(result["makespan_cycles"])
    assert collective_json(["all-gather", ring, "--deadline", made], capsys)["makespan_cycles"] == int(made)


def test_what_overflows_sram_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a reduction of 3 vectors on chips that hold these and little else: exit 4, chip, cycle, what lies there."""
    chip = shipped_files("chip")["tsp"].read_text().replace("value: 230686720", "value: 1000")
    (tmp_path / "small.yaml").write_text(chip)
    ring = write_family(tmp_path, "ring", chips=4, chip=str(tmp_path / "small.yaml"))
    out = tmp_path / "out"
    assert run(["collective", "reduce", ring, "--vectors", "3", "-o", str(out)]) == ExitCode.NOTHING_FOUND
    message = capsys.readouterr().err
    assert "bytes in cycle" in message
    assert "its SRAM has 1000; most of it data" in message
    assert "try fewer --vectors" in message
    assert not out.exists()
