"""Every row matters: what is deleted or moved is found, or the checker finds nothing wrong with it either."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.verify.check import check, taken_for_granted
from lpxsched.verify.replay.replay import replay
from tests.builds import two_chip_build
from tests.timetable.small import compiled
from tests.verify.changes import change, without
from tests.verify.collectives import KINDS, RELAYED_REDUCE, build_of, collective_build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.build import Build

MUCH = 10_000
BUILDS = [*KINDS, "relayed reduce", "two chips", "model"]


@cache
def build_named(name: str) -> Build:
    """Return a build laid by hand, or the compile of a layer of experts on two chips with two rows."""
    if name in KINDS:
        return collective_build(name)
    if name == "relayed reduce":
        return build_of(RELAYED_REDUCE)
    if name == "two chips":
        return two_chip_build()
    with TemporaryDirectory() as folder:
        return compiled(Path(folder), num_hidden_layers=1, chips=[[0, 1]], batch=2)


def found(build: Build) -> bool:
    """Return whether the replay, or what comes before it, finds something."""
    return bool(taken_for_granted(build)) or not replay(build).ok


def ranges(build: Build, table: str, row: int) -> Iterator[Build]:
    """Yield builds in which a row names another range of its tensor."""
    columns = getattr(build, table)
    first, vectors = int(columns.first_vector[row]), int(columns.vectors[row])
    for moved in (
        {"first_vector": first + 1},
        {"first_vector": first - 1},
        {"vectors": vectors + 1},
        {"vectors": vectors - 1},
    ):
        yield change(build, table, row, **moved)


def moved_slots(build: Build, row: int) -> Iterator[Build]:
    """Yield builds in which a slot is somewhere or some time else; parallel links are left out."""
    slots, links = build.slots, build.links
    depart, read = int(slots.depart[row]), int(slots.read[row])
    yield change(build, "slots", row, depart=depart + MUCH, read=read + MUCH)
    yield change(build, "slots", row, depart=depart + MUCH)
    yield change(build, "slots", row, read=read + MUCH)
    yield change(build, "slots", row, depart=0, read=read - depart)
    link = int(slots.link[row])
    elsewhere = (links.src != links.src[link]) | (links.dst != links.dst[link])
    for other in np.intersect1d(np.flatnonzero(elsewhere), slots.link).tolist():
        yield change(build, "slots", row, link=other)


def moved_operators(build: Build, row: int) -> Iterator[Build]:
    """Yield builds in which an operator runs some time or somewhere else, or is another one."""
    operators = build.operators
    start = int(operators.start[row])
    for other in (start - 1, 0, start + MUCH):
        yield change(build, "operators", row, start=other)
    yield change(build, "operators", row, chip=(int(operators.chip[row]) + 1) % len(build.chips))
    yield change(build, "operators", row, kind="rest")


def moved_operands(build: Build, row: int) -> Iterator[Build]:
    """Yield builds in which an operand is of another tensor, operator or role."""
    operands = build.operands
    yield change(build, "operands", row, operator=(int(operands.operator[row]) + 1) % len(build.operators))
    yield change(build, "operands", row, tensor=(int(operands.tensor[row]) + 1) % len(build.tensors))
    for role in {"copy", "reduce", "weight"} - {str(operands.role[row])}:
        yield change(build, "operands", row, role=role)


@pytest.mark.parametrize("name", BUILDS)
def test_builds_are_whole(name: str) -> None:
    """Tests that neither replay nor checker finds anything before a row is touched."""
    assert not found(build_named(name))
    assert check(build_named(name)).ok


@pytest.mark.parametrize("table", ["slots", "operands"])
@pytest.mark.parametrize("name", BUILDS)
def test_a_deleted_row_is_found(name: str, table: str) -> None:
    """Tests that no slot and no operand can be left out."""
    build = build_named(name)
    assert all(found(without(build, table, row)) for row in range(len(getattr(build, table))))


@pytest.mark.slow
@pytest.mark.parametrize("table", ["slots", "operands", "operators"])
@pytest.mark.parametrize("name", BUILDS)
def test_a_moved_row_is_found(name: str, table: str) -> None:
    """Tests slots, operands and operators elsewhere in time, place and range; what passes keeps every rule."""
    build = build_named(name)
    moved = {"slots": moved_slots, "operands": moved_operands, "operators": moved_operators}[table]
    for row in range(len(getattr(build, table))):
        others = [*moved(build, row), *(ranges(build, table, row) if table != "operators" else ())]
        assert [other for other in others if not found(other) and not check(other).ok] == []


@pytest.mark.parametrize("name", BUILDS)
def test_an_operator_that_is_not_there_is_found(name: str) -> None:
    """Tests each operator as one of a kind that the graph does not know: what it leaves is left by nobody."""
    build = build_named(name)
    assert all(found(change(build, "operators", row, kind="rest")) for row in range(len(build.operators)))


@pytest.mark.parametrize("name", BUILDS)
def test_an_operator_before_its_operands_is_found(name: str) -> None:
    """Tests that each operator which starts as its last operand comes cannot start a cycle earlier."""
    build = build_named(name)
    early = [change(build, "operators", row, start=int(start) - 1) for row, start in enumerate(build.operators.start)]
    tight = [one for one in early if not check(one).ok and not taken_for_granted(one)]
    assert tight
    assert all(found(one) for one in tight)
