"""Builds of collectives: sources, deliveries, tensors that one shard holds, relays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify.check import check
from tests.builds import two_chip_build
from tests.verify.changes import breaks, change, messages, reports, rules, with_graph, with_group, with_rows, without
from tests.verify.collectives import KINDS, LAID, RELAYED_REDUCE, build_of, collective_build, limited
from tests.verify.test_check import INTEGERS, NUMBERS

EVERY_SLOT = [(kind, slot) for kind in KINDS for slot in range(len(LAID[kind].slots))]
EVERY_READ = [(kind, row) for kind in KINDS for row in range(len(LAID[kind].reads))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_valid_collective_is_ok(kind: str) -> None:
    """Tests that collectives laid by hand keep every rule."""
    assert check(collective_build(kind)).violations == ()


@pytest.mark.parametrize(("kind", "slot"), EVERY_SLOT)
def test_every_slot_of_a_collective_is_needed(kind: str, slot: int) -> None:
    """Tests that without one of its slots a collective does not deliver."""
    assert "R3" in rules(without(collective_build(kind), "slots", slot))


@given(
    st.sampled_from(EVERY_SLOT),
    st.sampled_from(["tensor", "first_vector", "vectors", "link", "depart", "read"]),
    st.integers(-40, 40).filter(bool),
)
def test_any_shift_of_a_slot_is_found(where: tuple[str, int], column: str, shift: int) -> None:
    """Tests that every cell of every slot matters: all collectives laid by hand are tight."""
    kind, slot = where
    build = collective_build(kind)
    value = int(getattr(build.slots, column)[slot]) + shift
    assert not check(change(build, "slots", slot, **{column: value})).ok


@given(st.sampled_from(INTEGERS), st.integers(0, 100), NUMBERS, st.sampled_from(["pipelined", "busy"]))
def test_no_number_stops_the_checker(where: tuple[str, str], row: int, value: int, wire: str) -> None:
    """Tests that any number in any cell of a limited collective that repeats with gaps gives a report."""
    table, column = where
    build = limited(build_of(LAID["all-reduce"], wire=wire, period=20), inject_per_cycle=1, eject_per_cycle=1)
    build = with_rows(change(build, "frames", 0, windows=8, gaps=[0, 1]), "deskews", (0, 20, 4, 8))
    changed_build = change(build, table, row % len(getattr(build, table)), **{column: value})
    assert check(changed_build).content_ok


@pytest.mark.parametrize(("kind", "row"), EVERY_READ)
def test_every_delivered_part_is_demanded(kind: str, row: int) -> None:
    """Tests that a chip which ends without reading all of its part is found."""
    build = collective_build(kind)
    # Operators 3 to 5 deliver; their operands come first, since sums have higher numbers.
    assert build.operators.kind[build.operands.operator[row]] == "deliver"
    assert reports(without(build, "operands", row), "R3", "needs ")


@pytest.mark.parametrize("kind", KINDS)
def test_a_chip_that_ends_a_cycle_early_is_found(kind: str) -> None:
    """Tests that a delivery waits for the read of its last vector, or the end of its sum."""
    build = collective_build(kind)
    last = int(build.operators.start[3:6].argmax()) + 3
    early = change(build, "operators", last, start=int(build.operators.start[last]) - 1)
    assert reports(early, "R3", f"operator {last} starts at {build.operators.start[last] - 1}, before vector")


def test_the_makespan_is_the_last_delivery() -> None:
    """Tests that the time of a collective is the largest start of its deliveries."""
    build = change(collective_build("scatter"), "segments", 0, makespan_cycles=14)
    assert reports(build, "R3", "segment 0: makespan_cycles is 14, its last operator that ends it starts at 13")


def test_a_share_that_another_chip_reads_is_found() -> None:
    """Tests that a chip ends with its own share, not with that of another."""
    build = change(collective_build("scatter"), "operands", 0, first_vector=1)
    assert reports(build, "R3", "operator 3 (deliver) reads vectors 1 to 1 of data, beyond its sharded vectors 0 to 0")


def test_what_one_shard_reads_is_of_no_use_to_others() -> None:
    """Tests that a tensor read by the root alone is delivered nowhere else."""
    build = with_rows(collective_build("gather"), "operands", (3, 0, 0, 1, "copy"))
    assert breaks(build, "R3", "operator 3 (deliver) reads vectors 0 to 0 of data, beyond its single vectors 0 to -1")


def test_what_one_shard_holds_is_there_whole() -> None:
    """Tests that the source on the one shard leaves all vectors of its tensor."""
    build = change(collective_build("broadcast"), "tensors", 0, vectors=4)
    assert reports(build, "R3", "tensor 0 holds 4 vectors of data from 0 on, its producer writes 3 from 0 on")
    missing = change(collective_build("broadcast"), "tensors", 0, producer=-1)
    assert reports(missing, "R3", "operator 0 produces data 0 times, not once")


def test_what_one_shard_holds_is_held_by_no_other() -> None:
    """Tests that the source on another shard leaves nothing of it."""
    build = with_rows(collective_build("broadcast"), "tensors", (1, "data", 0, 3, "bf16", "single", 1, 1, 960))
    assert breaks(build, "R3", "tensor 1 holds 3 vectors of data from 0 on, its producer writes 0 from 0 on")


def test_no_vectors_of_what_another_shard_holds_may_be_written_down() -> None:
    """Tests that a row of zero vectors is as good as none."""
    assert not rules(with_rows(collective_build("broadcast"), "tensors", (1, "data", 0, 0, "bf16", "single", 1, 1, 0)))


def test_a_layout_that_is_not_single_is_found() -> None:
    """Tests that what a source leaves says the layout of the graph."""
    build = change(collective_build("broadcast"), "tensors", 0, layout="replicated")
    assert breaks(build, "R3", "tensor 0 is replicated, its producer leaves it single")


@pytest.mark.parametrize(
    ("kind", "part", "cells", "text"),
    [
        ("broadcast", "tensors", {"shard": None}, "tensor data is single, but names no shard"),
        ("broadcast", "tensors", {"shard": 3}, "tensor data is single on shard 3; layer 0 has 3 shards"),
        ("all-gather", "tensors", {"shard": 0}, "tensor data is sharded, but names shard 0"),
        ("gather", "inputs", {"shard": None}, "input data of operator deliver is single, but names no shard"),
        ("gather", "inputs", {"shard": 7}, "input data of operator deliver is single on shard 7; layer 0 has 3 shards"),
        ("scatter", "inputs", {"shard": 1}, "input data of operator deliver is sharded, but names shard 1"),
    ],
)
def test_a_shard_that_the_graph_does_not_name_well_is_found(
    kind: str, part: str, cells: dict[str, object], text: str
) -> None:
    """Tests that exactly the tensors of one shard say which, and that the shard is there."""
    graph = collective_build(kind).graph.model_dump()
    (graph["tensors"] if part == "tensors" else graph["operators"][1]["inputs"])[0] |= cells
    assert breaks(with_graph(collective_build(kind), **graph), "R3", text)


def test_a_summand_taken_for_the_sum_is_found() -> None:
    """Tests that a chip ends with the whole sum."""
    # Operand 0 is that of chip 0: the sum of the first vector; tensor 0 is its own summand.
    build = change(collective_build("reduce-scatter"), "operands", 0, tensor=0)
    assert reports(build, "R5", "operator 3 (deliver) reads data whole, but tensor 0 is only the sum of shards [0]")


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"cycles": 1}, "operator 3 (deliver) takes 1 cycle on no unit, must take 0"),
        ({"sram_bytes": 5}, "operator 3 (deliver) has sram_bytes 5, its work is 0"),
        ({"macs": 5}, "operator 3 (deliver) has macs 5, its work is 0"),
        ({"fixed_cycles": 5}, "operator 3 (deliver) has fixed_cycles 5, its work is 0"),
    ],
)
def test_work_on_no_unit_is_found(cells: dict[str, int], text: str) -> None:
    """Tests that sources and deliveries only mark what is there, and cost nothing."""
    assert breaks(change(collective_build("broadcast"), "operators", 3, **cells), "R4", text)


def test_a_chip_may_run_several_operators_on_no_unit() -> None:
    """Tests that source and delivery of one chip may start in one cycle."""
    build = collective_build("broadcast")
    assert (build.operators.chip[[0, 3]] == 0).all()
    assert (build.operators.start[[0, 3]] == 0).all()
    assert not rules(build)


def test_a_sum_may_run_on_a_relay() -> None:
    """Tests that a chip that takes no part may pass vectors on and sum them on the way."""
    assert check(build_of(RELAYED_REDUCE)).violations == ()


def test_a_chip_that_is_no_relay_carries_nothing() -> None:
    """Tests that slots and sums keep to the chips and relays of the graph."""
    build = build_of(replace(RELAYED_REDUCE, relays=(2,)))
    strange = with_group(build, relays=[])
    assert reports(strange, "R1", "a slot of segment 0 goes to chip 2 on link 1; that node is no chip, relay or host")
    assert reports(strange, "R1", "a slot of segment 0 leaves chip 2 on link 4")
    assert reports(strange, "R3", "add 4 runs on chip 2, which is not chip 2 of layer 0")


def test_the_shard_of_a_sum_on_a_relay_comes_after_those_that_take_part() -> None:
    """Tests that relays are numbered on from the chips."""
    build = change(build_of(RELAYED_REDUCE), "operators", 4, shard=1)
    assert breaks(build, "R3", "add 4 runs on chip 2, which is not chip 1 of layer 0")


@pytest.mark.parametrize(
    ("relays", "text"),
    [
        ([1], "group 0 lists node 1 more than once"),
        ([2, 2], "group 0 lists node 2 more than once"),
        ([9], "group 0 names node 9, no chip"),
    ],
)
def test_relays_that_are_no_chips_of_their_own_are_found(relays: list[int], text: str) -> None:
    """Tests that a relay is a chip, and takes no part besides."""
    assert reports(with_group(build_of(RELAYED_REDUCE), relays=relays), "R1", text)


def test_a_host_is_no_relay() -> None:
    """Tests that relays are chips."""
    assert reports(with_group(two_chip_build(), relays=[2]), "R1", "group 0 names node 2, no chip")


def test_a_segment_whose_operators_need_hosts_has_them() -> None:
    """Tests that hosts may be left out only where nothing enters or leaves through them."""
    text = "graph.json: group 0 has 2 chips and 0 hosts of them"
    assert messages(with_group(two_chip_build(), hosts=[]), "R1") == [text]
