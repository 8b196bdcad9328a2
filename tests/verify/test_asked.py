"""R3, what was asked for: options are all there, and those of a collective are what its graph and tables hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, reports, rules
from tests.verify.collectives import KINDS, LAID, build_of, collective_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

ROOTED = ("broadcast", "reduce", "gather", "scatter")
COLLECTIVE: dict[str, Any] = {"cyclic": False, "relays": False, "chips": None}


def asking(build: Build, *, told: str = "options", **values: Any) -> Build:
    """Return a build with options, or results, besides those that it tells."""
    more = getattr(build.manifest, told) | values
    return signed(replace(build, manifest=build.manifest.model_copy(update={told: more})))


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_a_collective_is_that_of_its_layouts(kind: str) -> None:
    """Tests each kind, told right, and as another one by options and results alike."""
    build = collective_build(kind)
    assert not rules(asking(asking(build, kind=kind, **COLLECTIVE), told="results", kind=kind))
    other = KINDS[KINDS.index(kind) - 1]
    wrong = asking(asking(build, kind=other), told="results", kind=other)
    for told in ("options", "results"):
        assert breaks(wrong, "R3", f"{told} kind is '{other}', graph and tables have '{kind}'")


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_of_a_collective_are_those_of_its_tensors(kind: str) -> None:
    """Tests one vector more than a chip has, or than all have together."""
    build = collective_build(kind)
    tensor, width = build.graph.tensors[0].vectors, len(build.graph.groups[0].chips)
    vectors = tensor if kind in ("all-reduce", "broadcast", "reduce") else tensor // width
    assert not rules(asking(build, vectors=vectors))
    for wrong in (vectors + 1, float(vectors), None):
        assert breaks(asking(build, vectors=wrong), "R3", f"vectors is {wrong}, graph and tables have {vectors}")


def test_chips_of_a_collective_are_those_of_its_group() -> None:
    """Tests other chips, fewer, and none named where not all take part; who is down may have a spare."""
    build = collective_build("all-gather")
    for chips in ([0, 1, 2], None):
        assert not rules(asking(build, chips=chips))
    for wrong in ([0, 2, 1], [0, 1], 3):
        assert breaks(asking(build, chips=wrong), "R3", f"chips is {wrong}, the group of graph.json has [0, 1, 2]")
    # Chips that lie beyond the fabric are not up.
    assert not rules(asking(build, chips=[0, 1, 7]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_root_of_a_collective_is_the_one_shard(kind: str) -> None:
    """Tests another root than that of the graph, and a root where there is none."""
    build = collective_build(kind)
    for wrong in (1, 2):
        found = breaks(asking(build, root=wrong), "R3", f"options root is {wrong}, in graph.json it is")
        assert found or kind in ROOTED
    assert sum(not rules(asking(build, root=root)) for root in (0, 1, 2)) == (kind in ROOTED)


def test_what_repeats_was_asked_to() -> None:
    """Tests a period where there is none, and none where there is one."""
    build = collective_build("broadcast")
    assert breaks(asking(build, cyclic=True), "R3", "options cyclic is True, graph and tables have False")
    cyclic = build_of(LAID["broadcast"], period=20)
    assert rules(asking(cyclic, cyclic=True)) == rules(cyclic)
    assert reports(asking(cyclic, cyclic=False), "R3", "options cyclic is False, graph and tables have True")


def test_options_are_told_beside_the_files_that_were_read() -> None:
    """Tests a build of a model that tells no options at all."""
    build = two_chip_build()
    inputs = {"model": {"name": "example", "sha256": ""}}
    named = signed(replace(build, manifest=build.manifest.model_copy(update={"inputs": inputs})))
    assert breaks(named, "R3", "options tell no clock, effort, seed, solver, topology, attention, batch")
