"""Which row is which run of the graph."""

from __future__ import annotations

import pytest

from lpxsched.verify.replay.placement import iterations, placement_of
from tests.builds import two_chip_build
from tests.verify.changes import change, with_graph, without
from tests.verify.collectives import LAID, build_of
from tests.verify.doubled import two_segment_build


def test_rows_are_runs() -> None:
    """Tests the runs of two chips in the order of the graph; sums are none."""
    placement = placement_of(two_chip_build())
    assert placement.faults == ()
    assert placement.number.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, -1, -1, 4, 4]
    assert placement.shard.tolist() == [0, 1] * 4 + [-1, -1] + [0, 1]
    assert placement_of(two_segment_build()).rows[7, 1] == 17


@pytest.mark.parametrize(
    "cells", [{"chip": 1}, {"shard": 1}, {"shard": 5}, {"layer": 1}, {"kind": "rest"}, {"kind": "router"}], ids=str
)
def test_a_run_that_is_none_is_told(cells: dict[str, int | str]) -> None:
    """Tests experts on another chip, as another shard, of another layer or kind: they are missing then."""
    faults = placement_of(change(two_chip_build(), "operators", 4, **cells)).faults
    assert faults[0].startswith("operator 4 (") or faults[0].startswith("operator 5 (")
    assert faults[-1] == "layer.0.experts does not run on shard 0"


def test_another_segment_is_told() -> None:
    """Tests a run in the time of another segment."""
    faults = placement_of(change(two_segment_build(), "operators", 4, segment=1)).faults
    assert faults[-1] == "layer.0.experts does not run on shard 0"


def test_hosts_without_vectors_run_nothing() -> None:
    """Tests an input of one vector on two shards: the second host has none, and need not run; nor may it."""
    build = two_chip_build()
    tensors = build.graph.model_dump()["tensors"]
    tensors[0] |= {"rows": 1, "vectors": 1}
    fewer = with_graph(build, tensors=tensors)
    assert placement_of(fewer).faults == (
        "operator 1 (ingress of layer 0, shard 1) is no run of the graph on its node",
    )
    assert placement_of(without(build, "operators", 1)).faults == ("layer.0.ingress does not run on shard 1",)


def test_one_iteration_more_than_are_under_way() -> None:
    """Tests a makespan of 16 cycles: with a period of 5, 4 at once; with 16 one; once where it does not repeat."""
    assert [iterations(build_of(LAID["all-gather"], period=period)) for period in (0, 5, 16)] == [1, 5, 2]
