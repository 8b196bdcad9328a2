"""R9 deskew, fifth part: a whole model in flight, whose frame deskews in every period around its iterations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.options import CompileOptions
from lpxsched.pipeline import compile_timetable
from lpxsched.timetable.documents import canonical_json
from lpxsched.verify.check import check
from lpxsched.verify.each_period import aligned_by, deskewed_each_period
from lpxsched.verify.replay.replay import replay
from lpxsched.verify.reservations import chain_of
from tests.builds import signed
from tests.toy import toy_model
from tests.verify.changes import breaks, change, reports
from tests.verify.hops import all_hops

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

MICRO_BATCHES = 3
# Groups that overlap, and a border on the same chips.
CUT = "layers:\n- chips: 0-3\n- chips: 2-5\n- chips: 2-5\n- chips: 2-5\n"
HEADS = {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 512}


def compiled(folder: Path, **more: str) -> Build:
    """Return a toy of two layers on a TSP node, three micro-batches in flight."""
    (folder / "cut.yaml").write_text(CUT)
    choices: dict[str, Any] = {"attention": "lpu", "context": 64, "batch": 2, "effort": 1, "in_flight": MICRO_BATCHES}
    model, partition = toy_model(folder, **HEADS), str(folder / "cut.yaml")
    return compile_timetable(CompileOptions(model=model, topology="tsp-node", partition=partition, **choices, **more))


@pytest.fixture(scope="module")
def flying(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return the toy on the usual clock."""
    return compiled(tmp_path_factory.mktemp("flying"))


def graph_with(build: Build, name: str, **terms: int) -> Build:
    """Return a build whose graph keeps less of one resident tensor."""
    graph = build.graph.model_copy(deep=True)
    for operator in graph.operators:
        for number, resident in enumerate(operator.resident):
            if resident.name == name:
                less = [term.model_copy(update=terms) for term in resident.terms]
                operator.resident[number] = resident.model_copy(update={"terms": less})
    return signed(replace(build, graph=graph, graph_json=canonical_json(graph)))


def test_it_keeps_all_rules(flying: Build) -> None:
    """Tests that several iterations overlap, one deskew comes in every period, and each row meets what it must."""
    assert check(flying).violations == ()
    assert deskewed_each_period(flying).tolist() == [True]
    period, windows = int(flying.frames.period_cycles[0]), int(flying.frames.windows[0])
    assert flying.deskews.every_periods.tolist() == [1]
    assert int(flying.segments.makespan_cycles[0]) > period
    assert windows >= MICRO_BATCHES
    report = replay(flying)
    assert (report.ok, report.micro_batches) == (True, MICRO_BATCHES)


def test_clocks_that_spread_and_clocks_that_agree(tmp_path: Path) -> None:
    """Tests that strays of a spread spectrum are in the longest step, and that perfect clocks need no deskew."""
    assert check(compiled(tmp_path, clock="sris")).violations == ()
    perfect = compiled(tmp_path, clock="none")
    assert check(perfect).violations == ()
    assert (len(perfect.deskews), deskewed_each_period(perfect).tolist()) == (0, [False])


def test_a_period_is_no_shorter_than_the_segment_over_its_windows(flying: Build) -> None:
    """Tests N P against the makespan: N windows hold the segment, its stall and what arrives late."""
    period, windows = int(flying.frames.period_cycles[0]), int(flying.frames.windows[0])
    makespan, stall = int(flying.segments.makespan_cycles[0]), int(flying.deskews.stall[0])
    assert windows * period >= makespan + stall > (windows - 1) * period
    assert chain_of(flying).closes == windows


def test_each_slot_counts_from_the_deskew_before_it(flying: Build) -> None:
    """Tests ends of deskews against a count by hand: the last stall + k P - phase that is not after the departure."""
    hops, stall = all_hops(flying), int(flying.deskews.stall[0])
    period, phase = int(flying.frames.period_cycles[0]), int(flying.segments.phase_cycles[0])
    expected = [
        max(stall + k * period - phase for k in range(99) if stall + k * period - phase <= cycle)
        for cycle in hops.depart.tolist()
    ]
    assert hops.aligned.tolist() == expected
    assert hops.at_once.all()
    assert aligned_by(flying, hops.segment, hops.read).tolist() == hops.realigned.tolist()


@pytest.mark.parametrize("table", ["slots", "operators"])
def test_nothing_lasts_into_a_deskew(flying: Build, table: str) -> None:
    """Tests the deskew moved onto the middle of a slot, and of an operator."""
    column, segment = (flying.slots.depart, 0) if table == "slots" else (flying.operators.start, 0)
    lasting = np.flatnonzero(flying.operators.cycles > 1)[0] if table == "operators" else 0
    period, phase = int(flying.frames.period_cycles[0]), int(flying.segments.phase_cycles[segment])
    onto = (int(column[lasting]) + phase) % period
    assert breaks(change(flying, "deskews", 0, cycle=onto), "R9", "which comes in every period")


def test_micro_batches_own_windows(flying: Build) -> None:
    """Tests one residue for all of them, and a step of fewer windows than its chain takes."""
    results = flying.manifest.results | {"residues": [1] * MICRO_BATCHES}
    shared = replace(flying, manifest=flying.manifest.model_copy(update={"results": results}))
    assert breaks(shared, "R9", "two micro-batches own one residue")
    fewer = int(flying.frames.windows[0]) - 1
    assert reports(change(flying, "frames", 0, windows=fewer), "R9", "the chain of a micro-batch closes after")


@pytest.mark.parametrize("name", ["layer.1.scores.keys", "layer.2.values.values"])
def test_each_micro_batch_keeps_its_own_cache(flying: Build, name: str) -> None:
    """Tests a graph that keeps 2 users x 64 rows of a byte, as for one micro-batch, where there are three."""
    assert breaks(graph_with(flying, name, per_column=128), "R4", f"{name} has per_column 128, a step reads 128 of it")
