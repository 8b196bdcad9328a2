"""Every build whose chips poll: rules, numbers and passes that run, and no row of its flags that could be left out."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.assembly.flags import BRANCH, FLAGS
from lpxsched.simulation.bound.bound import bound
from lpxsched.simulation.reference.chosen import drawn, prepare
from lpxsched.simulation.reference.program import sessions
from lpxsched.simulation.reference.run import beyond_residuals, run_reference, run_session
from lpxsched.timetable.documents import GraphFile
from lpxsched.verify.check import check
from lpxsched.verify.replay.replay import replay
from tests.builds import signed
from tests.timetable.small import compiled
from tests.verify.changes import breaks, change, rules, without

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def polled(folder: Path, seed: int) -> Build:
    """Return two layers on some chips of an LPX rack, of a tray, of a column, or of two columns of two trays."""
    dice = random.Random(seed)
    tray, width = 16 * dice.randint(0, 14), dice.randint(1, 5)
    within = sorted(dice.sample(range(16), width))
    groups = [
        [tray + position for position in within],
        [16 * row + within[0] for row in range(width)],
        [first + position for first in (tray, tray + 16) for position in within[:2]],
    ]
    chips = [dice.choice(groups) for _ in range(2)]
    return compiled(folder, topology="lpx-rack", chips=chips, batch=dice.randint(1, 24), clock=dice.choice(CLOCKS))


CLOCKS = ("xo-100ppm", "none", "sris", "tcxo-1.5ppm")


@pytest.mark.parametrize("seed", range(8))
def test_polled_builds_pass_every_judge(seed: int, tmp_path: Path) -> None:
    """Tests rules, numbers, and void passes in which all chips of a segment decide alike, in time of the bound."""
    _passes_every_judge(polled(tmp_path, seed), seed)


def _passes_every_judge(build: Build, seed: int) -> None:
    assert check(build).ok
    assert replay(build).ok
    reference = prepare(build)
    chosen, lasted_fs = drawn(reference, seed), 0
    for session in sessions(build):
        outcome = run_session(reference, session, chosen)
        assert [*outcome.failures, *beyond_residuals(reference, session, outcome)] == []
        chips = set(build.graph.chips_of(session.segments[0]))
        assert {node for _, node in outcome.decided} == chips
        for number in range(chosen.void_passes + 1):
            went = {outcome.decided[number, chip] for chip in chips}
            assert went == {number == chosen.void_passes}
        chosen, lasted_fs = chosen.after(outcome), lasted_fs + outcome.ended_fs - outcome.event_fs
    assert lasted_fs <= bound(build).latency.step_ns * 10**6


CACHES = {
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 512,
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 16,
}


def test_a_cache_is_written_before_chips_branch(tmp_path: Path) -> None:
    """Tests two layers on two chips, the head on two others: the first layer writes keys and values, and reads them.

    Chips branch only when that has begun, and a pass is no longer: void passes do no harm. Nor would a state be one of
    its caches: the checker refuses that.
    """
    build = compiled(
        tmp_path,
        topology="lpx-rack",
        chips=[[0, 1], [0, 1], [0, 1], [17, 18]],
        attention="lpu",
        context=64,
        clock="xo-100ppm",
        **CACHES,
    )
    kind, start = build.operators.kind, build.operators.start
    branches = np.flatnonzero(kind == BRANCH).tolist()
    latest = int(start[kind == "values"].min()) + 1
    assert int(start[branches[0]]) < int(start[kind == "rotate"].min()) < latest
    for row in branches:
        build = change(build, "operators", row, start=latest)
    _passes_every_judge(build, 1)
    text = build.graph_json.replace(b".keys", b".state")
    graph = GraphFile.model_validate_json(text)
    names = np.char.replace(build.tensors.name, ".keys", ".state")
    stateful = replace(build, graph=graph, graph_json=text, tensors=replace(build.tensors, name=names))
    assert breaks(signed(stateful), "R9", "(scores) writes in its place what it reads of users")


@pytest.mark.parametrize("seed", range(3))
def test_no_row_of_flags_can_be_left_out_or_come_later(seed: int, tmp_path: Path) -> None:
    """Tests each slot of the flags of a segment, and what it says that it waits for."""
    build = polled(tmp_path, seed)
    maker = build.operators.kind[build.tensors.producer[build.slots.tensor]]
    flags = np.flatnonzero(maker == FLAGS).tolist()
    branch = int(build.operators.start[build.operators.kind == "branch"].max())
    for row in flags:
        assert "R3" in rules(without(build, "slots", row))
        read, depart = int(build.slots.read[row]), int(build.slots.depart[row])
        later = change(build, "slots", row, read=branch + 1, depart=depart + branch + 1 - read)
        assert rules(later) & {"R1", "R3", "R8"}
    for segment, waiting in enumerate(build.segments.waiting_cycles.tolist()):
        assert "R9" in rules(change(build, "segments", segment, waiting_cycles=waiting - 1))


def test_chips_that_rested_follow_their_parents_again(tmp_path: Path) -> None:
    """Tests a last layer on the chips of the first one, 40 layers on others between.

    Meanwhile the chips drift apart by more than steps of 2 cycles take away within a layer.
    """
    first, others = [0, 1, 2, 3], [4, 5, 6, 7]
    build = compiled(tmp_path, num_hidden_layers=42, chips=[first, *[others] * 40, first])
    assert not run_reference(build, seed=2).failures
