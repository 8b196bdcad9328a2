"""Tests of where the time of a layer goes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import InputError
from lpxsched.report.critical_path import cycles_by_class, layer_times
from tests.builds import ints, two_chip_build
from tests.report.builds import delayed_build, repeated_build
from tests.verify.doubled import shared_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

V = Fraction(5, 2)
NO_DELAYS = [0] * 13


def parts_of(build: Build) -> dict[str, Fraction]:
    """Return the parts of the only segment; they must sum to its makespan."""
    (time,) = layer_times(build)
    assert sum(time.parts.values()) == time.makespan_cycles
    return dict(time.parts)


def test_parts_of_the_two_chip_build() -> None:
    """Tests every part against the path worked out by hand, from the host over a relay and back."""
    assert parts_of(two_chip_build()) == {
        # three hops wait for both vectors; the relay passes the second one on at once
        "serialisation": 3 * 2 * V + V,
        "latency": 3 * 10 + 12,
        "guard": 3 * 5,
        # in the relay, and before the sum leaves
        "turnaround": 2 * 3,
        "deskew": 2,
        # half a cycle before each of four reads, before router and egress, and before the sum leaves
        "rounding": Fraction(7, 2),
        "compute_router": 11,
        "compute_experts": 20,
        "compute_combine": 5,
        "compute_add": 6,
    }


def test_delays_are_unforced() -> None:
    """Tests that waits which nothing forces, 1 + 2 + .. + 13 cycles of them, are called unforced."""
    parts = parts_of(delayed_build(V, 10, 5, list(range(1, 14))))
    assert parts["unforced"] == 91
    assert parts["serialisation"] == 7 * V


def test_the_undelayed_build_is_the_two_chip_build() -> None:
    """Tests that the builder of delays starts from the worked example."""
    assert parts_of(delayed_build(V, 10, 5, NO_DELAYS)) == parts_of(two_chip_build())


@given(
    v=st.fractions(min_value=Fraction(1, 8), max_value=40, max_denominator=125),
    latency=st.integers(0, 500),
    guard=st.integers(0, 30),
    delays=st.lists(st.integers(0, 60), min_size=13, max_size=13),
)
def test_parts_sum_to_the_makespan(v: Fraction, latency: int, guard: int, delays: list[int]) -> None:
    """Tests that for any wire and any delays the parts sum to the makespan and unforced waits are what was added."""
    parts = parts_of(delayed_build(v, latency, guard, delays))
    assert parts.get("unforced", 0) == sum(delays)
    assert parts.get("latency", 0) == 4 * latency + 2
    assert parts.get("guard", 0) == 3 * guard
    assert parts.get("serialisation", 0) == 7 * v
    assert 0 <= parts.get("rounding", 0) < 7


def test_a_link_held_by_others_is_not_unforced() -> None:
    """Tests that a wait while an earlier slot holds the link is told apart from the unforced wait after it."""
    # The exchange departs 20 cycles late, at 100; 4 vectors more hold link 2 during [82, 92).
    build = delayed_build(V, 10, 5, [20 if step == 8 else 0 for step in range(13)])
    blocker = {"tensor": 5, "first_vector": 0, "vectors": 4, "link": 2, "depart": 82, "read": 110}
    columns = {name: np.insert(getattr(build.slots, name), 4, value) for name, value in blocker.items()}
    blocked = replace(build, slots=type(build.slots)(**columns))
    assert parts_of(build)["unforced"] == 20
    assert (parts_of(blocked)["link_busy"], parts_of(blocked)["unforced"]) == (10, 10)


def test_a_unit_that_runs_another_operator_is_not_unforced() -> None:
    """Tests that an experts operator which needs the input only waits for the matrix unit of the router."""
    build = two_chip_build()
    table = build.operands
    keep = ~(np.isin(table.operator, [4, 5]) & np.isin(table.tensor, [2, 3]))
    columns = (table.operator, table.tensor, table.first_vector, table.vectors, table.role)
    parts = parts_of(replace(build, operands=type(table)(*(column[keep] for column in columns))))
    # The router runs during [44, 55), the input is there at 43.5.
    assert parts["unit_busy"] == 11
    assert "compute_router" not in parts


def test_a_stall_is_not_unforced() -> None:
    """Tests that a deskew of 6 cycles inside a wait of 9 leaves 3 unforced cycles."""
    # The router would start at 44; it starts at 53, after a deskew during [45, 51).
    build = delayed_build(V, 10, 5, [9 if step == 5 else 0 for step in range(13)])
    stalled = replace(
        build,
        deskews=replace(build.deskews, frame=ints(0, 0), cycle=ints(0, 45), stall=ints(2, 6), every_periods=ints(0, 0)),
    )
    parts = parts_of(stalled)
    assert (parts["deskew"], parts["unforced"]) == (2 + 6, 3)


def test_hops_are_counted_for_the_classes_of_their_links() -> None:
    """Tests 2 v + 10 + 5 from the host and 2 v + 12 + 3 to it, in the tray v + 10 + 5 + 3 and 2 v + 10 + 5."""
    (time,) = layer_times(two_chip_build())
    assert time.classes == {"host": 20 + 20, "tray": Fraction(41, 2) + 20}
    assert cycles_by_class(layer_times(repeated_build(3))) == {"host": 120, "tray": Fraction(243, 2)}


def test_a_wait_for_a_link_is_counted_for_its_class() -> None:
    """Tests that 20 cycles of waiting for a tray link held by others for 10 of them lengthen its class by 10."""
    delayed = delayed_build(V, 10, 5, [20 if step == 8 else 0 for step in range(13)])
    blocker = {"tensor": 5, "first_vector": 0, "vectors": 4, "link": 2, "depart": 82, "read": 110}
    columns = {name: np.insert(getattr(delayed.slots, name), 4, value) for name, value in blocker.items()}
    (time,) = layer_times(replace(delayed, slots=type(delayed.slots)(**columns)))
    assert time.classes == {"host": 40, "tray": Fraction(81, 2) + 10}


def test_a_guard_that_nobody_kept_is_not_believed() -> None:
    """Tests a column that tells of 9 cycles of guard where reads keep 5, or half a cycle more: that is all there is."""
    build = two_chip_build()
    told = replace(build, links=replace(build.links, guard_cycles=ints(9, 9, 9, 9, 9, 9)))
    parts = parts_of(told)
    # Four reads: three of 5.5 and one of 0.5.
    assert parts["guard"] == 17
    assert parts["rounding"] == Fraction(3, 2)


def test_a_late_sum_is_followed_to_its_start() -> None:
    """Tests a sum 5 cycles late: it turns round meanwhile, so its own end lets it leave."""
    build = two_chip_build()
    late = 5 * (build.operators.kind == "add") + 2 * (build.operators.kind == "egress")
    moved = replace(
        build,
        operators=replace(build.operators, start=build.operators.start + late),
        slots=replace(
            build.slots, depart=ints(23, 80, 112, 23, 80, 112, 2, 2), read=ints(41, 98, 127, 41, 98, 127, 20, 20)
        ),
        segments=replace(build.segments, makespan_cycles=ints(130)),
    )
    parts = parts_of(moved)
    assert (parts["turnaround"], parts["unforced"], parts["compute_add"]) == (3, 5, 6)


def test_equal_layers_are_told_together() -> None:
    """Tests that three equal layers form one entry, and that a layer with an unforced wait stands alone."""
    (time,) = layer_times(repeated_build(3))
    assert (time.segments, time.layers, time.makespan_cycles) == ((0, 1, 2), (0, 1, 2), 128)
    build = repeated_build(3)
    late = (build.operators.segment == 1) & (build.operators.kind == "egress")
    apart = layer_times(
        replace(
            build,
            operators=replace(build.operators, start=build.operators.start + 4 * late),
            segments=replace(build.segments, makespan_cycles=ints(128, 132, 128)),
        )
    )
    assert [time.layers for time in apart] == [(0, 2), (1,)]
    assert apart[1].parts["unforced"] == 4


def test_vectors_that_leave_too_early_are_refused() -> None:
    """Tests that a slot which departs before its vectors are there is bad input, not a negative part."""
    build = two_chip_build()
    with pytest.raises(InputError, match=r"cycle 22 that needs what is there at 23; lpxsched check"):
        layer_times(replace(build, slots=replace(build.slots, depart=ints(22, 80, 110, 22, 80, 110, 2, 2))))


@pytest.mark.parametrize(
    ("tensors", "tensor", "node"),
    [
        # The relays exchange what they have never received; the result of chip 0 never leaves.
        ((1, 6, 8, 0, 7, 9, 0, 1), 0, 1),
        ((0, 6, 6, 1, 7, 9, 0, 1), 8, 2),
    ],
)
def test_vectors_from_nowhere_are_refused(tensors: tuple[int, ...], tensor: int, node: int) -> None:
    """Tests that a relay or an operator which never receives what it needs is bad input."""
    build = two_chip_build()
    with pytest.raises(InputError, match=f"vectors of tensor {tensor} never come to node {node}"):
        layer_times(replace(build, slots=replace(build.slots, tensor=ints(*tensors))))


def test_a_makespan_without_an_operator_is_refused() -> None:
    """Tests that a segment whose last operator does not start at its makespan is bad input."""
    build = two_chip_build()
    with pytest.raises(InputError, match=r"segments.parquet: no last operator of segment 0 starts at its makespan 130"):
        layer_times(replace(build, segments=replace(build.segments, makespan_cycles=ints(130))))


def test_an_operator_that_waits_for_itself_is_refused() -> None:
    """Tests that a circle of operators without duration ends as bad input, not in an endless walk."""
    build = two_chip_build()
    tensors = replace(build.tensors, producer=np.where(build.tensors.tensor == 9, 11, build.tensors.producer))
    tensors = replace(tensors, chip=np.where(tensors.tensor == 9, 2, tensors.chip))
    egress = (build.operators.operator == 11).astype(np.int64)
    operators = replace(build.operators, start=build.operators.start + egress)
    segments = replace(build.segments, makespan_cycles=ints(129))
    with pytest.raises(InputError, match="operator 11 waits for itself"):
        layer_times(replace(build, tensors=tensors, operators=operators, segments=segments))


def test_segments_on_the_same_chips_do_not_wait_for_each_other() -> None:
    """Tests that the path of a segment meets links, units and deskews of its own alone: two layers, equal parts."""
    (alone,), (both,) = layer_times(two_chip_build()), layer_times(shared_build())
    assert (both.segments, both.layers, both.makespan_cycles) == ((0, 1), (0, 1), 128)
    assert both.parts == alone.parts
