"""Tests of what is told of a collective: bandwidths worked out by hand on schedules made by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.report.console.collective import bandwidth, collective_text
from tests.assembly.test_describe_collective import built, graph_of
from tests.timetable.collectives import all_gather, all_reduce, relayed_all_reduce

if TYPE_CHECKING:
    from pathlib import Path

MEASURED: dict[str, Any] = {"seconds": 1.25, "solve_seconds": 0.5, "verified": True, "output": None}


def test_the_bandwidth_of_an_all_gather(tmp_path: Path) -> None:
    """Tests 6 vectors of 320 bytes, of which 2/3 reach each of 3 chips from others, in 32 ns: 40 GB/s."""
    assert bandwidth(built(tmp_path, all_gather())) == ("(P-1)/P S/T", Fraction(40), 1920)


def test_the_bus_bandwidth_of_an_all_reduce(tmp_path: Path) -> None:
    """Tests one vector of 320 bytes on 2 chips in 128 ns: 2 x 1/2 x 320 / 128 GB/s."""
    assert bandwidth(built(tmp_path, all_reduce())) == ("2 (P-1)/P S/T", Fraction(320, 128), 320)


def test_the_bandwidth_of_a_repeating_timetable_is_that_of_its_period(tmp_path: Path) -> None:
    """Tests the all-gather of 1920 bytes every 64 ns: half as fast as one every 32 ns.

    Bounds are told of what they are; that of an iteration is a number of its own, the 32 by hand are of the period.
    """
    one = all_gather()
    cyclic = replace(one, result=replace(one.result, schedule=replace(one.result.schedule, period_cycles=64)))
    build = built(tmp_path, cyclic, cyclic=True)
    assert bandwidth(build)[1] == 20
    assert collective_text(build, MEASURED).splitlines()[2:7] == [
        "period     64 cycles = 64.0 ns",
        "bound      32 cycles (by hand) of the period",
        "gap        2.0000 of the period; feasible",
        "makespan   32 cycles = 32.0 ns of one iteration, for a bound of 32 cycles (ingress)",
        "worst      96.0 ns on perfect clocks, of it waiting 64.0 ns",
    ]


def test_of_an_all_to_all_the_tensor_of_one_chip_counts(tmp_path: Path) -> None:
    """Tests two vectors for each of two chips: 1/2 of 1280 bytes a chip in 32 ns."""
    build = built(tmp_path, all_gather())
    results = build.manifest.results | {"kind": "all-to-all", "chips": 2}
    build = replace(
        build, graph=graph_of("all-to-all"), manifest=build.manifest.model_copy(update={"results": results})
    )
    assert bandwidth(build)[1:] == (Fraction(20), 1280)
    assert "S = 1,280 bytes of one chip's tensor" in collective_text(build, MEASURED)


def test_the_summary_tells_what_a_person_looks_for(tmp_path: Path) -> None:
    """Tests the whole text."""
    assert collective_text(built(tmp_path, all_gather(), vectors=2), MEASURED).splitlines() == [
        "all-gather, --vectors 2, on 3 chips of toy; 1.2 s",
        "",
        "makespan   32 cycles = 32.0 ns",
        "worst      536.0 ns on perfect clocks, of it waiting 504.0 ns",
        "bound      32 cycles (by hand)",
        "gap        1.0000; optimal",
        "solver     hand, 0.5 s",
        "traffic    6 vectors, 12 hops in 6 slots on 4 links",
        "bandwidth  40.00 GB/s = (P-1)/P S/T, S = 1,920 bytes of the whole tensor",
        "rules      all hold",
    ]


def test_relays_and_the_folder_are_told(tmp_path: Path) -> None:
    """Tests a collective with a relay that was written without a proof."""
    measured = MEASURED | {"verified": False, "output": "out"}
    text = collective_text(built(tmp_path, relayed_all_reduce()), measured)
    assert "on 2 chips of toy, 1 more may relay;" in text
    assert "rules      not checked" in text
    assert text.endswith("\n\nwritten to out; next: lpxsched check out")
