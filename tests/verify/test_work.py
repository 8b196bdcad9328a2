"""R4: the work that follows from the graph, and the weights."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify.work import dealt, derived_work, kept_tensors
from tests.builds import two_chip_build
from tests.verify.changes import breaks, change, changed, reports, rules, with_graph, with_rows, without


@given(st.integers(0, 60), st.integers(1, 9), st.integers(1, 7))
def test_columns_are_dealt_block_by_block(columns: int, block: int, width: int) -> None:
    """Tests against dealing the blocks one after the other, of which the last one may be short."""
    shares = [0] * width
    blocks = [min(block, columns - first) for first in range(0, columns, block)]
    for number in range(len(blocks)):
        shares[number % width] += 1
    expected = []
    for share in shares:
        expected.append(sum(blocks[:share]))
        blocks = blocks[share:]
    assert dealt(columns, block, width).tolist() == expected


def graph_with(row: int, **values: Any) -> Any:
    """Return the build of two chips with an operator of its graph changed."""
    operators = two_chip_build().graph.model_dump()["operators"]
    operators[row] |= values
    return with_graph(two_chip_build(), operators=operators)


def term(counts: str, **amounts: float | None) -> dict[str, Any]:
    """Return a term of the matrix unit."""
    return {"counts": counts, "unit": "matrix", **amounts}


@pytest.mark.parametrize("amount", [0.1, 0.3, 1.7, 4.25, 3])
def test_coefficients_are_the_decimals_that_were_written(amount: float) -> None:
    """Tests that 0.1 x 30 is 3, not a little more and so 4."""
    exactly = Fraction(str(amount))
    build = graph_with(2, rows=30, columns=5, work=[term("bytes", per_row=amount), term("macs", per_row_column=amount)])
    work = derived_work(build)
    # Of 5 columns chip 0 has 3.
    assert work.sram_bytes[[4, 5]].tolist() == [ceil(30 * exactly)] * 2
    assert work.macs[[4, 5]].tolist() == [ceil(90 * exactly), ceil(60 * exactly)]


def test_shares_tell_rows_columns_and_runs() -> None:
    """Tests 2 and 1 runs of 3 rows, and experts that lie there: 10 bytes a run, 2 a row, 7 an expert."""
    shares = [[6, 5, 2], [3, 4, 1]]
    work = [term("bytes", per_run=10, per_row=2), term("macs", per_row=1)]
    kept = [{"name": "experts", "dtype": "fp8", "layout": "sharded", "terms": [term("bytes", per_column=7)]}]
    build = graph_with(2, shares=shares, work=work, resident=kept)
    derived, there = derived_work(build), kept_tensors(build)
    assert derived.sram_bytes[[4, 5]].tolist() == [32, 16]
    assert derived.macs[[4, 5]].tolist() == [6, 3]
    assert there.bytes[np.isin(there.operator, [4, 5])].tolist() == [35, 28]


def test_there_is_a_share_for_each_shard() -> None:
    """Tests one share on two chips."""
    assert reports(graph_with(2, shares=[[1, 1, 1]]), "R4", "has 1 shares; layer 0 has 2 shards")


def test_each_term_is_rounded_up_by_itself_and_may_be_of_one_shard() -> None:
    """Tests 1/2 + 1/2 of a byte, the second one on shard 1 alone, and two kinds of operations."""
    parts = [term("bytes", constant=0.5), term("bytes", constant=0.5, shard=1)]
    build = graph_with(2, work=[*parts, term("macs", constant=3), term("elements", constant=4)])
    work = derived_work(build)
    assert work.sram_bytes[[4, 5]].tolist() == [1, 2]
    assert work.macs[[4, 5]].tolist() == [7, 7]


def test_columns_stay_together_as_operator_and_chips_ask() -> None:
    """Tests 20 columns in blocks of lcm(4, 6) = 12: 12 and 8."""
    build = graph_with(2, columns=20, column_block=4, work=[term("macs", per_column=1)])
    for chip in (0, 1):
        build = change(build, "chips", chip, shard_columns=6)
    assert derived_work(build).macs[[4, 5]].tolist() == [12, 8]


@pytest.mark.parametrize(
    ("row", "cells", "text"),
    [
        (2, {"sram_bytes": 0}, "operator 2 (router) has sram_bytes 0, its work is 9600"),
        (4, {"macs": 0}, "operator 4 (experts) has macs 0, its work is 160"),
        (2, {"fixed_cycles": 0}, "operator 2 (router) has fixed_cycles 0, its work is 1"),
        (6, {"dtype": "fp8"}, "operator 6 (combine) has dtype fp8, its work is bf16"),
        (0, {"sram_bytes": 7}, "operator 0 (ingress) has sram_bytes 7, its work is 0"),
        (8, {"fixed_cycles": 3, "cycles": 5}, "add 8 has fixed_cycles 3, must have 4"),
        (8, {"dtype": "fp8"}, "add 8 has dtype fp8, must have bf16"),
    ],
)
def test_work_other_than_that_of_the_graph_is_found(row: int, cells: dict[str, Any], text: str) -> None:
    """Tests each column of an operator's work."""
    assert reports(changed("operators", row, **cells), "R4", text)


def test_a_matrix_unit_gets_a_part_of_the_rate() -> None:
    """Tests floor(960 x 0.7) = 672 bytes a cycle for the router, ceil(9600 / 672) + 1; the vector unit gets all."""
    build = changed("chips", 0, sram_efficiency=0.7)
    text = "operator 2 (router) takes 11 cycles, must take 16: 9600 bytes at 672, 40 operations at 8, and 1"
    assert breaks(build, "R4", text)
    assert reports(changed("chips", 0, sram_efficiency=1e-9), "R4", "must take 9601: 9600 bytes at 1")


@pytest.mark.parametrize("efficiency", [-0.1, 1.1, float("nan")])
def test_a_share_of_the_rate_is_one(efficiency: float) -> None:
    """Tests numbers that are no shares."""
    assert breaks(changed("chips", 0, sram_efficiency=efficiency), "R4", "chips.parquet row 0: sram_efficiency is")


@pytest.mark.parametrize(
    ("row", "values", "text"),
    [
        (2, {"unit": "vector"}, "operator layer.0.experts runs on unit vector, but has work for unit matrix"),
        (0, {"work": [term("macs", constant=1)]}, "operator layer.0.ingress runs on unit host, which does no work"),
        (4, {"pipelines": {"vector": 1}}, "operator layer.0.egress runs on unit host, which does no work"),
        (2, {"pipelines": {"tensor": 1}}, "operator layer.0.experts pays for a pipeline of unit tensor"),
        (2, {"work": [term("macs", per_row=1e300)]}, "operator layer.0.experts has work that is too large to check"),
        (2, {"rows": 1 << 40}, "operator layer.0.experts has work that is too large to check"),
        (
            2,
            {"resident": [{"name": "w", "dtype": "fp8", "layout": "sharded", "terms": [term("macs", constant=1)]}]},
            "operator layer.0.experts counts what it keeps in macs, must count bytes",
        ),
    ],
)
def test_a_graph_whose_work_is_no_work_is_found(row: int, values: dict[str, Any], text: str) -> None:
    """Tests faults of the graph: nothing else is judged then."""
    assert breaks(graph_with(row, **values), "R4", f"graph.json: {text}")


# Operands 4 and 5 are the weights of the routers (tensors 10, 11), 9 and 13 those of the experts (12, 13).
@pytest.mark.parametrize(
    ("row", "cells", "text"),
    [
        (12, {"bytes": 639}, "operator 4 (experts) keeps layer.0.experts.weights with bytes 639, in graph.json 640"),
        (12, {"vectors": 3}, "operator 4 (experts) keeps layer.0.experts.weights with vectors 3, in graph.json 2"),
        (
            12,
            {"dtype": "bf16"},
            "operator 4 (experts) keeps layer.0.experts.weights with dtype bf16, in graph.json fp8",
        ),
        (12, {"layout": "replicated"}, "operator 4 (experts) keeps layer.0.experts.weights with layout replicated"),
        (12, {"name": "layer.0.w"}, "operator 4 (experts) reads layer.0.w, which it does not keep"),
    ],
)
def test_weights_other_than_those_of_the_graph_are_found(row: int, cells: dict[str, Any], text: str) -> None:
    """Tests name, bytes, vectors, type and layout of weights."""
    assert breaks(changed("tensors", row, **cells), "R4", text)


def test_each_operator_reads_its_weights_whole_and_once() -> None:
    """Tests weights that are not read, read in part, read twice, and those that nobody asked for."""
    build = two_chip_build()
    weights = [row for row, role in enumerate(build.operands.role.tolist()) if role == "weight"]
    experts = weights[2]
    assert build.operands.operator[experts] == 4
    assert breaks(
        without(build, "operands", experts), "R4", "operator 4 (experts) reads layer.0.experts.weights 0 times, must 1"
    )
    assert breaks(
        change(build, "operands", experts, vectors=1), "R4", "keeps layer.0.experts.weights with vectors read 1"
    )
    assert breaks(change(build, "operands", experts, first_vector=1, vectors=1), "R4", "weights with vectors from 1")
    again = with_rows(build, "operands", (4, 12, 0, 2, "weight"))
    assert breaks(again, "R4", "operator 4 (experts) reads layer.0.experts.weights 2 times, must 1")
    strange = with_rows(build, "tensors", (14, "layer.0.w", 0, 1, "fp8", "sharded", 0, -1, 320))
    assert breaks(strange, "R4", "weights layer.0.w on chip 0 are read by 0 operators, must be by 1")


def test_the_weights_of_a_chip_are_those_of_its_operators() -> None:
    """Tests 320 bytes of the router and 640 of the experts."""
    text = "chip 0 has weight_bytes 959, its operators keep 960"
    assert breaks(changed("chips", 0, weight_bytes=959), "R4", text)
    assert breaks(changed("chips", 2, weight_bytes=1), "R4", "host 0 has weight_bytes 1, its operators keep 0")


def test_an_operator_without_weights_on_a_shard_has_no_tensor_there() -> None:
    """Tests that 1 column leaves nothing to chip 1, whose weights nobody then asks for."""
    build = graph_with(2, columns=1)
    there = kept_tensors(build)
    assert there.bytes[np.isin(there.operator, [4, 5])].tolist() == [320]
    assert reports(build, "R4", "operator 5 (experts) reads layer.0.experts.weights, which it does not keep")
    assert "R4" in rules(build)
