"""Tests of micro-batches in flight: a chain of two on one link worked out by hand, and builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.contention import circle
from lpxsched.contention.circle import Between, circle_of
from lpxsched.contention.drawing import drawing_of
from lpxsched.contention.rounds import Rounds, run_rounds
from lpxsched.contention.runtime import read_runtime, runtime_of
from lpxsched.contention.steps import Contended, contended_steps
from lpxsched.errors import InputError
from lpxsched.options import ContendOptions
from tests.contention.test_steps import LATENCY, both, collective
from tests.timetable.small import compiled
from tests.toy import slow_handover

if TYPE_CHECKING:
    from pathlib import Path

VECTORS = 5
QUIET = runtime_of(read_runtime("none"))


def rounds(folder: Path, begins: list[int], *, mixers: int, servers: list[int], segments: int = 1) -> Rounds:
    """Return four rounds of a broadcast of 5 vectors over one link in each segment, with 30 cycles of hand-over."""
    build = collective(folder, "broadcast", both((0, 1)), "--vectors", str(VECTORS))
    drawing = drawing_of(build, 0, ContendOptions(runtime="none"), QUIET)
    ways = np.full(segments, 15_000)
    between = Between(np.array([1000 * mixers] * segments + [0]), ways, ways, np.array(servers))
    ring = circle_of([drawing.laid] * segments, between)
    return run_rounds(ring, [drawing] * segments, [1000 * begin for begin in begins], 4)


def test_who_comes_second_waits_for_the_link(tmp_path: Path) -> None:
    """Tests two micro-batches, one 2 cycles after the other, each with GPUs of its own.

    Alone 5 vectors take 5 cycles and 10 on the way. In the first round the second one waits 3 cycles for the link, and
    comes back 5 cycles after the first: from then on neither waits, and a round is 20 + 15 + 15 + 15.
    """
    found = rounds(tmp_path, [0, 2], mixers=20, servers=[0, 1])
    alone = VECTORS + LATENCY
    assert found.segment_ps.tolist() == [[1000 * alone]] * 4
    assert found.round_ps.tolist() == [1000 * (20 + 15 + alone + 15)] * 4


def test_on_a_busy_link_all_wait_in_every_round(tmp_path: Path) -> None:
    """Tests eleven micro-batches whose vectors keep the link busy all the time: 55 cycles of 45 that a round takes.

    Nobody waits for GPUs or hosts, so a round lasts 11 x 5 cycles, of which 10 are waiting for the link.
    """
    found = rounds(tmp_path, list(range(11)), mixers=0, servers=list(range(11)))
    alone = VECTORS + LATENCY
    assert found.round_ps.tolist() == [1000 * 11 * VECTORS] * 4
    assert found.segment_ps.tolist() == [[1000 * (alone + 11 * VECTORS - (15 + alone + 15))]] * 4
    assert found.parts_ps[:, 0].tolist() == [[0, 0, 10_000]] * 4


def test_micro_batches_of_one_server_wait_for_it(tmp_path: Path) -> None:
    """Tests two micro-batches on the same GPUs, which take 40 of 85 cycles for each: one waits once, and never again.

    With 60 cycles a round is 2 x 60, what the GPUs take for both, and the fabric adds nothing to that.
    """
    assert rounds(tmp_path, [0, 0], mixers=40, servers=[0, 0]).round_ps.tolist() == [85_000] * 4
    found = rounds(tmp_path, [0, 0], mixers=60, servers=[0, 0])
    assert found.round_ps.tolist() == [120_000] * 4
    assert found.segment_ps.tolist() == [[1000 * (VECTORS + LATENCY)]] * 4


def test_segments_follow_each_other(tmp_path: Path) -> None:
    """Tests two segments on the same chips: one micro-batch is alone on the link, and its round twice as long."""
    found = rounds(tmp_path, [0], mixers=20, servers=[0], segments=2)
    assert found.segment_ps.tolist() == [[15_000, 15_000]] * 4
    assert found.round_ps.tolist() == [130_000] * 4


def in_flight(folder: Path, steps: int, **choices: object) -> Contended:
    """Return steps of two layers on the same chips, of which several micro-batches are under way."""
    options = {"num_hidden_layers": 2, "in_flight": 3, "chips": [[0, 1, 2, 3]] * 2, "clock": "none"}
    build = compiled(folder, **(options | {"handover": slow_handover(folder, 1000)} | choices))
    return contended_steps(build, ContendOptions(steps=steps, tokens="skewed"), runtime_of(read_runtime("device")))


def test_a_step_among_rivals_is_the_same_whatever_comes_after_it(tmp_path: Path) -> None:
    """Tests that rounds follow from seed and number alone, and that parts leave time for operators and wires."""
    few, many = (in_flight(tmp_path, steps) for steps in (3, 9))
    assert np.array_equal(few.segment_ps, many.segment_ps[:3])
    assert np.array_equal(few.round_ps, many.round_ps[:3])
    assert len(set(many.round_ps.tolist())) == 9
    assert (many.parts_ps >= 0).all()
    assert (many.parts_ps.sum(axis=2) < many.segment_ps).all()
    assert (many.round_ps > many.step_ps).all()


def test_too_many_to_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a build with more packets on links than there may be: the line says how many may be in flight."""
    monkeypatch.setattr(circle, "MOST_COPIES", 1000)
    with pytest.raises(InputError, match="are too many to run at once; compile with --in-flight 2 or fewer"):
        in_flight(tmp_path, 1)
