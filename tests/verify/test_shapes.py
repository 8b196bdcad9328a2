"""R3, shapes of graph tensors: rows, vectors, bytes and bits make each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.verify.changes import reports, rules, with_graph
from tests.verify.collectives import collective_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def shaped(**cells: Any) -> Build:
    """Return a broadcast of three rows of one vector of 320 bytes, of bf16, with a cell of its tensor changed."""
    build = collective_build("broadcast")
    tensors = build.graph.model_dump()["tensors"]
    tensors[0] |= cells
    return with_graph(build, tensors=tensors)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ({"rows": 4}, "tensor data: vectors is 3, its rows take 4"),
        ({"vectors_per_row": 2}, "tensor data: vectors_per_row is 2, its rows take 1"),
        ({"row_bytes": 321}, "tensor data: vectors_per_row is 1, its rows take 2"),
        ({"element_bits": 8}, "tensor data: element_bits is 8, an element of bf16 has 16"),
    ],
)
def test_a_tensor_of_another_shape_is_found(cells: dict[str, int], text: str) -> None:
    """Tests each number by itself."""
    assert not rules(shaped())
    assert reports(shaped(**cells), "R3", text)
