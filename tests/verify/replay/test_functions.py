"""Parts of shards add up to the dense run, or lie side by side in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import InputError
from lpxsched.timetable.documents import GraphOperator, GraphTensor
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.functions import Linear, Setting, Values
from lpxsched.verify.replay.placement import seen
from lpxsched.verify.replay.rounds import Round
from lpxsched.verify.replay.sources import Source

LANES = 3
READ = {"partial": ["replicated", "sharded", "single", "partial"], "sharded": ["replicated", "sharded", "single"]}
READ |= {"single": ["replicated", "sharded", "single"], "replicated": ["replicated"]}
PAIRS = [(read, left) for left, layouts in READ.items() for read in layouts]


def tensor(name: str, rows: int, vectors_per_row: int, layout: str) -> GraphTensor:
    """Return a tensor of the graph; a single one is on shard 1."""
    return GraphTensor.model_validate(
        {
            "name": name,
            "layer": 0,
            "rows": rows,
            "vectors_per_row": vectors_per_row,
            "vectors": rows * vectors_per_row,
            "row_bytes": 320 * vectors_per_row,
            "dtype": "fp8",
            "element_bits": 8,
            "layout": layout,
            "shard": 1 if layout == "single" else None,
            "place": "chips",
        }
    )


def setting(read: str, left: str, *, rows: tuple[int, int] = (6, 6), width: int = 3, micro_batch: int = 0) -> Setting:
    """Return an operator from x and a replicated y to z; rows are those of x and y, and of z."""
    tensors = [tensor("x", rows[0], 2, "partial"), tensor("y", rows[0], 1, "replicated"), tensor("z", rows[1], 1, left)]
    inputs: list[dict[str, Any]] = [{"tensor": "x", "layout": read, "shard": 1 if read == "single" else None}]
    inputs += [{"tensor": "y", "layout": "replicated"}]
    named = {"name": "mix", "kind": "mix", "layer": 0, "place": "chips", "unit": "matrix", "dtype": "fp8"}
    operator = GraphOperator.model_validate({**named, "inputs": inputs, "outputs": ["z"]})
    return Setting(operator, {one.name: one for one in tensors}, width, LANES, 0, Round(micro_batch))


def views(one: Setting, shard: int, values: Values, summands: list[Values]) -> Values:
    """Return what a shard sees: its summand where it reads one."""
    laid = {read.tensor: read for read in one.operator.inputs}
    return {
        name: summands[shard][name]
        if read.layout == "partial"
        else values[name][slice(*part(seen(read, len(values[name]), one.width, shard)))]
        for name, read in laid.items()
    }


def part(view: Any) -> tuple[int, int]:
    """Return first and end of a view."""
    return view.first, view.end


def joined(one: Setting, parts: list[Values]) -> Any:
    """Return the whole z from the parts of all shards."""
    if one.tensors["z"].layout == "partial":
        return sum(mine["z"] for mine in parts) % PRIME
    if one.tensors["z"].layout == "replicated":
        assert all((mine["z"] == parts[0]["z"]).all() for mine in parts)
        return parts[0]["z"]
    return np.concatenate([mine["z"] for mine in parts])


@pytest.mark.parametrize(("read", "left"), PAIRS)
@pytest.mark.parametrize("rows", [(6, 6), (3, 7), (7, 3)], ids=str)
def test_parts_make_the_whole(read: str, left: str, rows: tuple[int, int]) -> None:
    """Tests every pair of layouts that has one value, with as many rows, more and fewer than are read."""
    one = setting(read, left, rows=rows)
    random = generator(5)
    summands = [{"x": drawn(random, 2 * rows[0], LANES)} for _ in range(3)]
    values = {"x": np.asarray(sum(mine["x"] for mine in summands) % PRIME), "y": drawn(random, rows[0], LANES)}
    function = Linear(one)
    parts = [function.part(shard, views(one, shard, values, summands)) for shard in range(3)]
    assert (joined(one, parts) == function.dense(values)["z"]).all()


@pytest.mark.parametrize(
    ("read", "left"),
    [("partial", "sharded"), ("partial", "replicated"), ("sharded", "replicated"), ("single", "replicated")],
)
def test_what_shards_do_not_see_is_refused(read: str, left: str) -> None:
    """Tests an output that no shard can make from what it sees, which one shard alone can."""
    with pytest.raises(
        InputError, match=f"graph.json: mix: reads x {read} and leaves z {left}, which has no one value"
    ):
        Linear(setting(read, left))
    assert Linear(setting(read, left, width=1))


@pytest.mark.parametrize("row", range(6))
def test_every_vector_counts(row: int) -> None:
    """Tests that another vector of an input row changes that row of the output, and no other."""
    function = Linear(setting("replicated", "replicated"))
    random = generator(6)
    values = {"x": drawn(random, 12, LANES), "y": drawn(random, 6, LANES)}
    before = function.dense(values)["z"]
    values["x"] = values["x"].copy()
    values["x"][2 * row + 1, 0] += 1
    after = function.dense(values)["z"]
    assert np.flatnonzero((before != after).any(axis=1)).tolist() == [row]


@pytest.mark.parametrize("layout", ["partial", "sharded", "single"])
def test_sources_leave_parts_of_a_whole(layout: str) -> None:
    """Tests random tensors, which differ from micro-batch to micro-batch."""
    one, other = (setting("replicated", layout, micro_batch=number) for number in range(2))
    parts = [Source(one).part(shard, {}) for shard in range(3)]
    whole = Source(one).dense({})["z"]
    assert (joined(one, parts) == whole).all()
    assert (whole != Source(other).dense({})["z"]).all()


@given(st.integers(0, 9), st.integers(1, 40))
def test_products_are_exact(seed: int, length: int) -> None:
    """Tests a product of matrices against Python's integers, largest residues included."""
    random = generator(seed)
    a, b = drawn(random, 2, length), drawn(random, length, 3)
    a[0], b[:, 0] = PRIME - 1, PRIME - 1
    exact = a.astype(object) @ b.astype(object) % PRIME
    assert product(a, b).tolist() == exact.tolist()


def test_keys_give_numbers_of_their_own() -> None:
    """Tests that where words of a key are cut counts."""
    keys = [(1, "ab"), (1, "a", "b"), (1, "a", 98), (2, "ab")]
    assert len({drawn(generator(*key), 1).item() for key in keys}) == len(keys)
