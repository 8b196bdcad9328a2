"""Tests of what ``lpxsched collective`` makes of fabrics that are hard to align, as users sent them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from tests.fabric.examples import write_family, write_topology

if TYPE_CHECKING:
    from pathlib import Path

WIRE = {"latency_ns": 100, "gbps": 320}


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Schedule a collective and return what is told as JSON."""
    assert run(["collective", *arguments, "--json"]) == ExitCode.DONE
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.mark.parametrize("clock", ["none", "xo-100ppm"])
def test_a_broadcast_against_the_order_of_chips(tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: str) -> None:
    """Tests one link 1 -> 0: 320 bytes at 320 Gb/s take 8 cycles, and the wire 100.

    On drifting clocks chip 1 is the root: a stall of 2 x 10.6 + 0.8 = 22 cycles, a guard of 10.6 + 0.8 + 23.2 = 34.6.
    """
    path = write_topology(tmp_path, "src,dst\n1,0\n", chips=2, link=WIRE)
    result = told(["broadcast", path, "--root", "1", "--clock", clock], capsys)
    assert result["makespan_cycles"] == (108 if clock == "none" else 108 + 23 + 35)
    assert result["verified"]


def test_a_chip_without_links_takes_no_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests two joined chips beside an isolated one, as chips that take part and with it as a relay."""
    table = "src,dst\n0,1\n1,0\n"
    alone = told(["all-gather", write_topology(tmp_path, table, chips=2), "--clock", "xo-100ppm"], capsys)
    path = write_topology(tmp_path, table, chips=3)
    for more in ([], ["--relays"]):
        result = told(["all-gather", path, "--chips", "0,1", "--clock", "xo-100ppm", *more], capsys)
        assert result["makespan_cycles"] == alone["makespan_cycles"]


def test_chips_are_named_as_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a gather at chip 1 from two chips that nothing reaches."""
    path = write_topology(tmp_path, "src,dst\n0,1\n2,1\n", chips=3)
    assert run(["collective", "gather", path, "--root", "1", "--clock", "xo-100ppm"]) == ExitCode.BAD_INPUT
    assert "toy: no links lead from chip 0 to chip 2 over chips that take part" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["all-reduce", "broadcast"])
def test_a_second_of_latency_is_infeasible(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """Tests a hop that no search can shorten: why, and which shipped clocks would do."""
    path = write_family(tmp_path, "full-mesh", chips=3, chip="lp30", link={"latency_ns": 1e9, "gbps": 100})
    assert run(["collective", kind, path, "--vectors", "1", "--clock", "xo-100ppm"]) == ExitCode.INFEASIBLE
    err = capsys.readouterr().err
    assert "infeasible: one hop of class link takes 1000000" in err
    assert "(one-sided) would do, of the shipped ones: common, none" in err
    assert "vectors" not in err
    assert told([kind, path, "--vectors", "1"], capsys)["status"] == "optimal"


def test_a_long_way_round_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a link of a second beside a chain of fast ones, and one that alone leads to a chip."""
    beside = "src,dst,latency_ns\n0,1,5\n1,0,5\n1,2,5\n2,1,5\n0,2,1000000000\n"
    path = write_topology(tmp_path, beside, chips=3)
    assert told(["broadcast", path, "--clock", "xo-100ppm"], capsys)["makespan_cycles"] < 200
    path = write_topology(tmp_path, "src,dst,latency_ns\n0,1,5\n1,0,5\n1,2,1000000000\n2,1,5\n", chips=3)
    assert run(["collective", "broadcast", path, "--clock", "xo-100ppm"]) == ExitCode.INFEASIBLE
    assert "one hop of class link 1e+09 ns 100 Gb/s takes 1000000" in capsys.readouterr().err


def test_a_guard_longer_than_the_rules_ask_for_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests two chips, v = 1 and 10 cycles of latency: 22 of stall, 11 and 10.6 + 21.2 + 2 of guard, 34 rounded up.

    The schedule is placed with the guard and the stall of an interval of 4,032 cycles, one and one cycle more. So no
    deadline of 67 or 68 is met, and none is proven impossible; 66 is.
    """
    path = write_topology(tmp_path, "src,dst\n0,1\n1,0\n", chips=2, link={"latency_ns": 10, "gbps": 2560})
    result = told(["broadcast", path, "--clock", "xo-100ppm"], capsys)
    assert (result["makespan_cycles"], result["lower_bound_cycles"], result["status"]) == (69, 67, "feasible")
    for deadline, code in ((66, ExitCode.INFEASIBLE), (67, ExitCode.NOTHING_FOUND), (68, ExitCode.NOTHING_FOUND)):
        assert run(["collective", "broadcast", path, "--clock", "xo-100ppm", "--deadline", str(deadline)]) == code


def test_relays_that_hang_too_deep_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests two chips at the end of a line of ten, and a relay over a link that is too slow to align it."""
    line = "".join(f"{a},{b}\n{b},{a}\n" for a, b in zip(range(9), range(1, 10), strict=True))
    path = write_topology(tmp_path, f"src,dst\n{line}", chips=10)
    result = told(["broadcast", path, "--chips", "0,1", "--relays", "--clock", "xo-100ppm"], capsys)
    alone = told(["broadcast", path, "--chips", "0,1", "--clock", "xo-100ppm"], capsys)
    assert result["makespan_cycles"] == alone["makespan_cycles"]
    slow = "src,dst,latency_ns\n0,1,10\n1,0,10\n1,2,400\n2,1,400\n"
    path = write_topology(tmp_path, slow, chips=3)
    assert told(["broadcast", path, "--chips", "0,1", "--relays", "--clock", "xo-100ppm"], capsys)["verified"]


def test_nine_racks_under_one_root_are_too_deep(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests six levels of 10.6 cycles on both sides: 127.2 of 126, with depth, residual and remedy."""
    assert run(["collective", "broadcast", "lpx-9-racks", "--clock", "xo-100ppm"]) == ExitCode.INFEASIBLE
    err = capsys.readouterr().err
    assert "a residual of 10.6 ns a level, and the alignment tree has 6 levels" in err
    assert "take chips that are nearer to each other, or a clock with a smaller residual" in err
