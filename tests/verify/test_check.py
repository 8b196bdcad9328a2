"""The checker as a whole: valid builds, hostile builds, and changes of single cells."""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import lpxsched.verify
from lpxsched.verify.check import RULES, check
from lpxsched.verify.violation import Row
from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, change, changed, with_graph, with_rows, without
from tests.verify.doubled import two_segment_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

SLOTS = len(two_chip_build().slots)
TABLES = ("slots", "operators", "operands", "tensors", "chips", "links", "segments", "frames", "deskews")


@pytest.mark.parametrize("build", [two_chip_build(), two_segment_build()])
def test_a_valid_build_is_ok(build: Build) -> None:
    """Tests that builds of models worked out by hand keep every rule."""
    report = check(build)
    assert report.violations == ()
    assert report.ok
    assert report.content_ok
    assert report.checked_slots == len(build.slots)


def test_a_change_without_a_new_hash_is_found() -> None:
    """Tests that the content hash covers the columns: a deadline that is met breaks no rule, but is seen."""
    build = two_chip_build()
    later = replace(build, segments=replace(build.segments, deadline_cycles=build.segments.makespan_cycles))
    report = check(later)
    assert not report.content_ok
    assert not report.ok
    assert [violation.rule for violation in report.violations] == ["content"]
    assert check(signed(later)).ok


def test_rules_are_judged_in_their_order() -> None:
    """Tests that violations come in the order of the rules, each with the rows that break it."""
    build = change(changed("operators", 2, cycles=10), "links", 0, down=True)
    found = check(build).violations
    assert [violation.rule for violation in found] == ["R1", "R1", "R4", "R8"]
    assert found[0].rows == (Row("timetable.parquet", 0), Row("links.parquet", 0))
    assert found[2].as_json()["rows"] == [{"file": "operators.parquet", "row": 2}]
    assert [rule.name for rule in RULES] == ["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10"]


def test_nothing_is_judged_on_numbers_out_of_bounds() -> None:
    """Tests that a report says so when the rules could not be judged."""
    report = check(changed("slots", 0, depart=-1))
    assert not report.judged
    assert report.checked_slots == 0
    assert not report.ok


@pytest.mark.parametrize(
    ("update", "rule", "text"),
    [
        ({"vector_bytes": 1 << 40}, "R4", "vector_bytes is 1099511627776, too large"),
    ],
)
def test_what_this_version_cannot_check_is_not_passed(update: dict[str, object], rule: str, text: str) -> None:
    """Tests that numbers of the manifest that no rule can reckon with are told, not reckoned with."""
    build = two_chip_build()
    assert breaks(replace(build, manifest=build.manifest.model_copy(update=update)), rule, text)


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_table_gives_violations(table: str) -> None:
    """Tests that no table has to have rows for the checker to give an answer, and that each of them is needed."""
    build = two_chip_build()
    assert not check(without(build, table, *range(len(getattr(build, table))))).ok


def test_a_build_of_nothing_that_asks_for_nothing_is_ok() -> None:
    """Tests that empty tables with an empty graph break no rule."""
    build = two_chip_build()
    for table in TABLES:
        build = without(build, table, *range(len(getattr(build, table))))
    manifest = build.manifest.model_copy(update={"results": {"makespan_cycles": 0}})
    empty = with_graph(replace(build, manifest=manifest), tensors=[], operators=[], groups=[], layers=[], segments=[])
    assert check(empty).violations == ()


INTEGERS = [
    (name, field.name)
    for name in TABLES
    for field in fields(getattr(two_chip_build(), name))
    if getattr(getattr(two_chip_build(), name), field.name).__class__ is np.ndarray
    and getattr(getattr(two_chip_build(), name), field.name).dtype == np.int64
]


NUMBERS = st.one_of(st.integers(-3, 3), st.integers(-(1 << 63), (1 << 63) - 1))


@given(st.sampled_from(INTEGERS), st.integers(0, 100), NUMBERS)
def test_no_number_stops_the_checker(where: tuple[str, str], row: int, value: int) -> None:
    """Tests that any number in any cell gives a report."""
    table, column = where
    build = two_chip_build()
    changed_build = change(build, table, row % len(getattr(build, table)), **{column: value})
    assert check(changed_build).content_ok


@given(
    st.integers(0, SLOTS - 1),
    st.sampled_from(["tensor", "first_vector", "vectors", "link", "depart", "read"]),
    st.one_of(st.integers(-40, 40), st.integers(-(1 << 61), 1 << 61)).filter(bool),
)
@example(0, "link", 5)
@example(3, "link", 2)
def test_any_shift_of_a_slot_in_a_tight_build_is_found(slot: int, column: str, shift: int) -> None:
    """Tests that every cell of every slot matters.

    The build has no slack: each slot departs and is read as soon as it may, and what depends on it follows in
    the next whole cycle. Two shifts are as good as the original: the host has all input vectors, so that it
    may send those of slots 0 and 3 to the other chip itself, on its idle links 5 and 4.
    """
    build = two_chip_build()
    value = int(getattr(build.slots, column)[slot]) + shift
    by_the_host = column == "link" and (slot, value) in {(0, 5), (3, 4)}
    assert check(change(build, "slots", slot, **{column: value})).ok == by_the_host


def loose_build() -> Build:
    """Return the build with 10 cycles of slack around the slots between the chips (0 and 3).

    They depart 10 cycles later than they may, and what follows them starts 20 cycles later than before.
    """
    build = two_chip_build()
    slots, operators = build.slots, build.operators
    moved = np.where(slots.depart >= 80, 20, np.where(slots.depart == 23, 10, 0))
    build = replace(
        build,
        slots=replace(slots, depart=slots.depart + moved, read=slots.read + moved),
        operators=replace(operators, start=operators.start + np.where(operators.start >= 44, 20, 0)),
        segments=replace(build.segments, makespan_cycles=build.segments.makespan_cycles + 20),
        manifest=build.manifest.model_copy(update={"results": {"makespan_cycles": 148}}),
    )
    return signed(build)


@given(st.sampled_from([0, 3, 6, 7]), st.sampled_from(["depart", "read"]), st.integers(-30, 30))
def test_a_shift_within_the_slack_is_valid_and_any_other_is_found(slot: int, column: str, shift: int) -> None:
    """Tests that exactly the shifts that nothing depends on pass.

    Reads may be up to 10 later, since relays (slots 0 and 3) and router wait that long; never earlier, since
    each is at the end of its guard. The relays may depart up to 10 earlier; slots 6 and 7 not before ingress.
    """
    earliest = -10 if column == "depart" and slot in (0, 3) else 0
    latest = 10 if column == "read" else 0
    build = loose_build()
    value = int(getattr(build.slots, column)[slot]) + shift
    assert check(change(build, "slots", slot, **{column: value})).ok == (earliest <= shift <= latest)


def test_many_slots_are_no_burden() -> None:
    """Tests that a hundred thousand slots that all break rules are reported one by one.

    They come again long after the only deskew, so that clocks have drifted farther than deskew and reads allow for.
    """
    build = with_rows(two_chip_build(), "slots", *((0, 0, 2, 0, 200 + 5 * k, 218 + 5 * k) for k in range(100_000)))
    found = check(build).violations
    assert {violation.rule for violation in found} == {"R3", "R8", "R9"}
    assert sum(violation.rule == "R3" for violation in found) == 100_000


def test_the_checker_imports_nothing_of_the_compiler() -> None:
    """Tests that modules of verify import only the reader of builds, units, errors and each other."""
    reader = ("lpxsched.timetable.build", "lpxsched.timetable.columns", "lpxsched.timetable.documents")
    allowed = ("lpxsched.verify", *reader, "lpxsched.units", "lpxsched.errors")
    for path in Path(*lpxsched.verify.__path__).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith("lpxsched") or name.startswith(allowed), f"{path.name} imports {name}"
