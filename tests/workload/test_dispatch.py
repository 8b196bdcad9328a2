"""Tests of positions that are reserved for rows, and of the graph around them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from lpxsched.workload.costs import Cost, layer_work, shard_costs
from lpxsched.workload.dispatch import Source, pairs_on, sources_of, windows_of
from lpxsched.workload.expert_runs import Pairs
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.ffns import FfnLayer, FfnModel
from lpxsched.workload.model import Experts, Ffn
from lpxsched.workload.policy import Policy
from tests.fabric.examples import CHIP
from tests.workload.examples import FP8

if TYPE_CHECKING:
    from lpxsched.workload.graph import LayerGraph

# Rows of 4 bytes, each of which meets 2 of 3 experts of 6 columns; vectors of 4 bytes.
EXPERTS = Experts(3, 2, 6, 3)


def dispatched(router: str = "lpu", capacity: Fraction | None = None, **parts: Ffn | Experts) -> FfnLayer:
    """Return a layer of which rows go to the chips of their experts alone."""
    policy = Policy("dispatch", "gpu" if router == "gpu" else "lpu", capacity)
    return FfnLayer(4, **({"experts": EXPERTS} | parts), policy=policy)


def graph_of(layer: FfnLayer, *, batch: int, width: int) -> LayerGraph:
    """Return the graph of a layer on a group."""
    return ffn_graph(FfnModel("toy", (layer,)), batch=batch, precision=FP8, vector_bytes=4, widths=[width])


def test_chips_are_sources_of_their_rows_and_gpus_one_of_all() -> None:
    """Tests three rows on two chips, then on one more than there are rows."""
    assert sources_of(dispatched(), 3, 2) == (Source(2, 2), Source(1, 1))
    assert sources_of(dispatched(), 1, 2) == (Source(1, 1), Source(0, 0))
    assert sources_of(dispatched("gpu"), 3, 2) == (Source(3, 3),)


@pytest.mark.parametrize(
    ("capacity", "room", "windows"),
    [
        # 9 rows meet 2 of 3 experts: 6 rows an expert on average.
        (Fraction(1, 6), 1, 9),
        (Fraction(1), 6, 2),
        (Fraction(5, 4), 8, 2),  # 7.5 rows, rounded up
        (Fraction(3, 2), 9, 1),
        (Fraction(9), 9, 1),  # there are no more rows
    ],
)
def test_a_capacity_is_a_multiple_of_the_mean(capacity: Fraction, room: int, windows: int) -> None:
    """Tests the room of an expert, and how many windows take 9 rows if all meet the same expert."""
    layer = dispatched("gpu", capacity)
    assert sources_of(layer, 9, 4) == (Source(9, room),)
    assert windows_of(layer, 9, 4) == windows


def test_pairs_that_may_come_to_a_chip() -> None:
    """Tests sources of 3 rows with room for 1, and of 1 row: to 2 experts come min(3 x 2, 2 x 1) + min(2, 2) pairs."""
    assert pairs_on([Source(3, 1), Source(1, 1), Source(0, 0)], 2, 2) == Pairs(2, 2, 4)
    assert pairs_on([Source(3, 3)], 1, 2) == Pairs(1, 3, 3)
    assert pairs_on([Source(3, 3)], 0, 2) == Pairs(0, 3, 0)


def test_positions_lie_by_source_chip_and_expert() -> None:
    """Tests 3 rows on two chips, which hold 2 experts and 1: vectors of positions, one a row, and of labels.

    The first chip has 2 rows, so 2 positions an expert: 4 for itself, 2 for the second chip. A vector holds the label
    of one position.
    """
    tensors = graph_of(dispatched(), batch=3, width=2).tensors
    first, second = tensors["layer.0.placed.0"], tensors["layer.0.placed.1"]
    assert (first.layout, first.shard, first.vectors, first.runs) == ("single", 0, 6, ((0, 4), (4, 2)))
    assert (second.layout, second.shard, second.vectors, second.runs) == ("single", 1, 3, ((0, 2), (2, 1)))
    labels = tensors["layer.0.labels.0"]
    assert (labels.layout, labels.vectors, labels.runs) == ("single", 6, ((0, 4), (4, 2)))
    # What experts leave is as much as all sources have positions there, in bf16: two vectors a row.
    assert tensors["layer.0.expert_output"].runs == ((0, 12), (12, 6))
    assert tensors["layer.0.input"].runs == ((0, 2), (2, 1))


def test_operators_where_the_chips_route() -> None:
    """Tests what each reads and leaves; a chip without a row leaves no positions."""
    graph = graph_of(dispatched(shared=Ffn(6, 3)), batch=1, width=2)
    told = [
        (one.kind, [(name.removeprefix("layer.0."), layout) for name, layout in one.inputs], one.outputs)
        for one in graph.operators
    ]
    placed, labels = ("placed.0", "reserved"), ("labels.0", "reserved")
    assert told == [
        ("ingress", [], ("layer.0.input",)),
        ("router_in", [("input", "reserved")], ("layer.0.logits",)),
        ("router", [("logits", "reserved")], ("layer.0.routing",)),
        ("label", [("routing", "reserved")], ("layer.0.labels.0",)),
        ("dispatch", [("input", "reserved"), ("routing", "reserved")], ("layer.0.placed.0",)),
        ("shared", [("input", "replicated")], ("layer.0.shared_output",)),
        ("experts", [placed, labels], ("layer.0.expert_output",)),
        ("combine", [("expert_output", "reserved"), labels, ("shared_output", "partial")], ("layer.0.output",)),
        ("egress", [("output", "sharded")], ()),
    ]
    assert [one.output_on(1) for one in graph.operators][3:5] == ["", ""]


def test_operators_where_the_gpus_route() -> None:
    """Tests that rows come to their positions from the hosts, and that chips hold no router."""
    graph = graph_of(dispatched("gpu"), batch=2, width=2)
    assert [one.kind for one in graph.operators] == ["places", "labels", "experts", "combine", "egress"]
    placed = graph.tensors["layer.0.placed"]
    assert (placed.layout, placed.place, placed.runs) == ("reserved", "hosts", ((0, 4), (4, 2)))


def test_rows_that_come_again_are_told_to_the_hosts() -> None:
    """Tests that the routing leaves with the rows where there may be further windows."""
    once, again = (graph_of(dispatched("lpu", room), batch=8, width=2) for room in (None, Fraction(1, 2)))
    assert [name for name, _ in once.operators[-1].inputs] == ["layer.0.output"]
    assert [name for name, _ in again.operators[-1].inputs] == ["layer.0.output", "layer.0.routing"]
    # 4 rows meet 2 of 3 experts, half of the mean of 8 / 3 is 4 / 3: room for 2.
    assert (once.windows, again.windows) == (1, 2)


def test_latent_experts_get_narrow_rows() -> None:
    """Tests that a chip makes its rows narrow before it sends them; GPUs do it themselves."""
    latent = Experts(3, 2, 6, 3, latent_columns=2)
    chips, gpus = (graph_of(dispatched(router, experts=latent), batch=2, width=2) for router in ("lpu", "gpu"))
    assert chips.tensors["layer.0.placed.0"].columns == gpus.tensors["layer.0.placed"].columns == 2
    assert ["narrow" in {one.kind for one in graph.operators} for graph in (chips, gpus)] == [True, False]


def test_work_of_one_row_on_two_chips() -> None:
    """Tests the first chip, which has the row and two experts, and the second, which has one expert.

    router_in weights without biases 4 x 3 x 2 = 24, the row 4, three logits 6
    router    three logits 6, two numbers for each of two experts 8; 3 x 2 x 2 and 2 x 3 operations, 5 passes
    dispatch  one row in, at most two out; 4 elements each
    label     8 bytes of routing in, 4 bytes a position out; 2 numbers each
    experts   72 + 24 bytes a run, of which the chips may need two and one
    combine   a row of 8 bytes for each pair, and one out
    """
    works = layer_work(dispatched(), CHIP, 2, batch=1, precision=FP8)
    first, second = shard_costs(works, CHIP, 2)
    assert first["router_in"] == Cost("bf16", 24 + 4 + 6, 12, 40, 24, "bf16", "replicated")
    assert second["router_in"] == Cost("bf16", 0, 0, 40, 24, "bf16", "replicated")
    assert first["router"] == Cost("bf16", 6 + 8, 18, 5 * 3)
    assert second["router"] == Cost("bf16", 0, 0, 5 * 3)
    assert (first["dispatch"].sram_bytes, first["dispatch"].macs) == (4 + 2 * 4, 8)
    assert (second["dispatch"].sram_bytes, second["dispatch"].macs) == (0, 0)
    assert (first["label"].sram_bytes, first["label"].macs) == (8 + 3 * 4, 3 * 2)
    assert first["experts"] == Cost("fp8", 2 * (72 + 24), 2 * 72, 83, 2 * 72, "fp8", "sharded")
    assert second["experts"] == Cost("fp8", 72 + 24, 72, 83, 72, "fp8", "sharded")
    assert (first["combine"].sram_bytes, first["combine"].macs) == (3 * 8, 2 * 4)
    assert (second["combine"].sram_bytes, second["combine"].macs) == (2 * 8, 4)
