"""Tests of the traffic that changes of layout imply."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.traffic.demands import Demand, Nodes, implied_collective, layer_demands, needed_demands
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.ffns import FfnLayer, FfnModel
from lpxsched.workload.graph import LayerGraph, Operator
from lpxsched.workload.model import Experts
from lpxsched.workload.policy import Policy
from tests.workload.examples import FP8, toy

if TYPE_CHECKING:
    from lpxsched.workload.graph import Layout, Place
    from lpxsched.workload.policy import Router

LAYOUTS: tuple[Layout, ...] = ("replicated", "sharded", "partial", "single", "reserved")
# The changes of layout that a layer may ask for, and the collective of each; all others have none.
TABLE: dict[tuple[tuple[str, str], tuple[str, str]], str] = {
    (("sharded", "hosts"), ("replicated", "chips")): "scatter and all-gather",
    (("sharded", "chips"), ("replicated", "chips")): "all-gather",
    (("partial", "chips"), ("replicated", "chips")): "all-reduce",
    (("partial", "chips"), ("sharded", "chips")): "reduce-scatter",
    (("partial", "chips"), ("reserved", "chips")): "reduce-scatter",
    (("partial", "chips"), ("sharded", "hosts")): "reduce-scatter and gather",
    (("replicated", "chips"), ("sharded", "hosts")): "gather",
    (("reserved", "hosts"), ("reserved", "chips")): "scatter",
    (("reserved", "hosts"), ("replicated", "chips")): "scatter and all-gather",
    (("reserved", "chips"), ("reserved", "hosts")): "gather",
    (("single", "chips"), ("reserved", "chips")): "scatter",
    # nothing moves
    (("replicated", "chips"), ("sharded", "chips")): "",
    **{((layout, place), (layout, place)): "" for layout in LAYOUTS for place in ("chips", "hosts")},
}
SIDES: list[tuple[Layout, Place]] = list(product(LAYOUTS, ("chips", "hosts")))


def layer(batch: int, hidden: int) -> LayerGraph:
    """Return one layer with vectors of four bytes: a row of FP8 has hidden / 4 vectors, one of bf16 hidden / 2."""
    return ffn_graph(toy(hidden=hidden, layers=1), batch=batch, precision=FP8, vector_bytes=4)


def operator(graph: LayerGraph, kind: str) -> Operator:
    """Return the operator of a kind."""
    return next(operator for operator in graph.operators if operator.kind == kind)


@pytest.mark.parametrize(("have", "need"), list(product(SIDES, SIDES)))
def test_the_collective_between_two_layouts(have: tuple[Layout, Place], need: tuple[Layout, Place]) -> None:
    """Tests every pair of layouts and places: the table's collective, or a refusal."""
    tensor = replace(layer(1, 4).tensors["layer.0.input"], layout=have[0], place=have[1])
    if (have, need) in TABLE:
        assert implied_collective(tensor, *need) == TABLE[have, need]
    else:
        with pytest.raises(ValueError, match=f"no collective makes {need[0]} on {need[1]} of {have[0]} on {have[1]}"):
            implied_collective(tensor, *need)


def test_the_demands_of_a_layer_on_three_chips() -> None:
    """Tests one row of 16 columns on chips 0 1 2 with host links 3 4 5, by hand.

    The input has 4 vectors, shares 2 + 1 + 1: each goes from a host link to all chips, once, though router and experts
    both read it. The output has 8 vectors, shares 3 + 3 + 2: each is the sum of three summands, completed on the chip
    of its share and read at that chip's host. Routing and the experts' output stay where they are.
    """
    chips = (0, 1, 2)
    assert layer_demands(layer(1, 16), Nodes(3)) == (
        Demand("layer.0.input", 0, 2, (3,), 3, chips),
        Demand("layer.0.input", 2, 1, (4,), 4, chips),
        Demand("layer.0.input", 3, 1, (5,), 5, chips),
        Demand("layer.0.output", 0, 3, chips, 0, (3,)),
        Demand("layer.0.output", 3, 3, chips, 1, (4,)),
        Demand("layer.0.output", 6, 2, chips, 2, (5,)),
    )


def test_a_share_of_no_vectors_is_no_demand() -> None:
    """Tests 1 vector in and 2 out on three chips."""
    demands = layer_demands(layer(1, 4), Nodes(3))
    assert [(demand.tensor, demand.root) for demand in demands] == [
        ("layer.0.input", 3),
        ("layer.0.output", 0),
        ("layer.0.output", 1),
    ]


def test_one_chip_still_hears_from_its_host() -> None:
    """Tests the least group: everything comes over one host link and goes back over it; nothing is summed."""
    assert layer_demands(layer(1, 16), Nodes(1)) == (
        Demand("layer.0.input", 0, 4, (1,), 1, (0,)),
        Demand("layer.0.output", 0, 8, (0,), 0, (1,)),
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ingress", []),
        ("router_in", [0, 1, 2]),
        ("experts", [0, 1, 2]),
        ("combine", []),  # its own summand, and a routing that each chip has
        ("egress", [4]),
    ],
)
def test_what_each_operator_of_the_second_chip_reads(kind: str, expected: list[int]) -> None:
    """Tests the demands that each operator waits for on chip 1 of three, or on its host link."""
    graph = layer(1, 16)
    assert needed_demands(operator(graph, kind), 1, graph, layer_demands(graph, Nodes(3)), Nodes(3)) == expected


def residual_layer() -> LayerGraph:
    """Return a partial sum of 8 vectors that one operator reads whole, another by shares, a third on the hosts."""
    tensor = replace(layer(1, 16).tensors["layer.0.output"], name="h")
    made = Operator("make", "make", 0, "chips", "matrix", (), "h")
    readers = [
        Operator("norm", "norm", 0, "chips", "vector", (("h", "replicated"),), ""),
        Operator("residual", "residual", 0, "chips", "vector", (("h", "sharded"),), ""),
        Operator("egress", "egress", 0, "hosts", "host", (("h", "sharded"),), ""),
    ]
    return LayerGraph((made, *readers), {"h": tensor})


def test_a_tensor_that_is_read_in_two_layouts_is_summed_once() -> None:
    """Tests that each share of 2 vectors has one sum, which spreads to the other chips and to its host."""
    chips = (0, 1, 2, 3)
    assert layer_demands(residual_layer(), Nodes(4)) == tuple(
        Demand("h", 2 * root, 2, chips, root, (*(chip for chip in chips if chip != root), 4 + root)) for root in chips
    )


@pytest.mark.parametrize(("kind", "expected"), [("norm", [0, 1, 2, 3]), ("residual", [1]), ("egress", [1])])
def test_each_layout_waits_for_its_own_shares(kind: str, expected: list[int]) -> None:
    """Tests what shard 1 of four reads: the whole tensor, or its share alone."""
    graph = residual_layer()
    assert needed_demands(operator(graph, kind), 1, graph, layer_demands(graph, Nodes(4)), Nodes(4)) == expected


@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 20))
def test_every_vector_is_demanded_once(batch: int, hidden: int, width: int) -> None:
    """Tests that the demands of a tensor cover each of its vectors once, for any size and width."""
    graph = layer(batch, hidden)
    demands = layer_demands(graph, Nodes(width))
    for name in ("layer.0.input", "layer.0.output"):
        covered = [
            vector
            for demand in demands
            if demand.tensor == name
            for vector in range(demand.first_vector, demand.first_vector + demand.vectors)
        ]
        assert covered == list(range(graph.tensors[name].vectors))
    assert {demand.tensor for demand in demands} == {"layer.0.input", "layer.0.output"}


@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 20))
def test_every_demand_knows_its_ends(batch: int, hidden: int, width: int) -> None:
    """Tests that inputs go from one host link to all chips, and outputs from all summands to one host link."""
    chips = tuple(range(width))
    for demand in layer_demands(layer(batch, hidden), Nodes(width)):
        assert demand.vectors > 0
        if demand.tensor == "layer.0.input":
            assert (demand.leaves, demand.consumers) == ((demand.root,), chips)
            assert width <= demand.root < 2 * width
        else:
            assert (demand.leaves, demand.consumers) == (chips, (demand.root + width,))
            assert demand.root in chips


@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 12))
def test_every_consumer_has_a_reader(batch: int, hidden: int, width: int) -> None:
    """Tests that a node needs exactly the demands that are to be consumed there, and each is needed somewhere."""
    graph = layer(batch, hidden)
    demands = layer_demands(graph, Nodes(width))
    for index, demand in enumerate(demands):
        readers = {
            shard + width * (operator.place == "hosts")
            for operator in graph.operators
            for shard in range(width)
            if index in needed_demands(operator, shard, graph, demands, Nodes(width))
        }
        assert readers == set(demand.consumers)


def dispatched(router: Router, *, batch: int, width: int) -> tuple[LayerGraph, tuple[Demand, ...]]:
    """Return one layer of three experts, of which a row meets two, and its demands; vectors of four bytes."""
    layers = (FfnLayer(4, experts=Experts(3, 2, 6, 3), policy=Policy("dispatch", router)),)
    graph = ffn_graph(FfnModel("toy", layers), batch=batch, precision=FP8, vector_bytes=4, widths=[width])
    return graph, layer_demands(graph, Nodes(width))


def test_rows_go_from_the_chip_that_routes_them_to_the_chips_of_experts() -> None:
    """Tests one row on two chips, nodes 0 and 1, hosts 2 and 3: it comes to the first, which holds two experts.

    Of its three positions two stay on the chip, one goes to the other.
    """
    graph, demands = dispatched("lpu", batch=1, width=2)
    moved = {demand for demand in demands if demand.tensor != "layer.0.output"}
    assert moved == {
        Demand("layer.0.input", 0, 1, (2,), 2, (0,)),
        Demand("layer.0.placed.0", 0, 2, (0,), 0, ()),
        Demand("layer.0.placed.0", 2, 1, (0,), 0, (1,)),
        Demand("layer.0.labels.0", 0, 2, (0,), 0, ()),
        Demand("layer.0.labels.0", 2, 1, (0,), 0, (1,)),
    }
    experts = operator(graph, "experts")
    for shard, first in enumerate((0, 2)):
        read = needed_demands(experts, shard, graph, demands, Nodes(2))
        assert {demands[at].first_vector for at in read} == {first}


def test_rows_that_gpus_route_go_from_hosts_to_the_chips_of_experts() -> None:
    """Tests two rows on two chips: two positions for each of two experts, and of one."""
    _, demands = dispatched("gpu", batch=2, width=2)
    assert [demand for demand in demands if demand.tensor == "layer.0.placed"] == [
        Demand("layer.0.placed", 0, 4, (2,), 2, (0,)),
        Demand("layer.0.placed", 4, 2, (3,), 3, (1,)),
    ]
