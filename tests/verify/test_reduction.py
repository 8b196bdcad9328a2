"""R5 reduction."""

from __future__ import annotations

import pytest

from lpxsched.verify.reduction import reduction_violations
from tests.builds import two_chip_build
from tests.verify.changes import breaks, change, changed, reports, with_graph, with_group, with_rows, without

# operands 18 and 19 are those of add 8 (tensors 6 and 7), 20 and 21 those of add 9, 22 is that of egress 10


def test_a_sum_of_one_operand_is_found() -> None:
    """Tests that an add has two or more operands."""
    assert reports(without(two_chip_build(), "operands", 19), "R5", "add 8 has 1 operand, must have 2 or more")


def test_a_summand_that_enters_twice_is_found() -> None:
    """Tests that no summand is added more than once."""
    build = changed("operands", 19, tensor=6)
    assert reports(build, "R5", "add 8 takes the summand of shards [0] more than once")


def test_a_summand_that_is_left_out_is_found() -> None:
    """Tests that whoever reads a sum whole gets the summands of all chips."""
    build = changed("operands", 19, tensor=6)
    assert reports(
        build,
        "R5",
        "operator 10 (egress) reads layer.0.output whole, but tensor 8 is only the sum of shards [0]",
    )


def test_a_summand_taken_for_the_sum_is_found() -> None:
    """Tests that a single summand is not the value of a partial tensor."""
    build = changed("operands", 22, tensor=6)
    assert reports(build, "R5", "reads layer.0.output whole, but tensor 6 is only the sum of shards [0]")


def test_operands_of_another_range_are_found() -> None:
    """Tests that all operands of an add have the range of its result."""
    build = changed("operands", 19, first_vector=1)
    text = "add 8 sums vectors 1 to 2 of layer.0.output into vectors 0 to 1 of layer.0.output"
    assert reports(build, "R5", text)


def test_operands_of_another_tensor_are_found() -> None:
    """Tests that all operands of an add are parts of the graph tensor of its result."""
    build = changed("operands", 19, tensor=5)
    text = "add 8 sums vectors 0 to 1 of layer.0.expert_output into vectors 0 to 1 of layer.0.output"
    assert reports(build, "R5", text)


def test_a_result_of_another_range_is_found() -> None:
    """Tests that the result of an add has the range of its operands."""
    build = changed("tensors", 8, offset=2)
    text = "add 8 sums vectors 0 to 1 of layer.0.output into vectors 2 to 3 of layer.0.output"
    assert reports(build, "R5", text)


@pytest.mark.parametrize(
    ("row", "role", "text"),
    [
        (18, "copy", "operator 8 (add) has an operand in role copy"),
        (22, "reduce", "operator 10 (egress) has an operand in role reduce"),
    ],
)
def test_a_role_that_does_not_fit_the_operator_is_found(row: int, role: str, text: str) -> None:
    """Tests that sums, and only sums, reduce."""
    assert reports(changed("operands", row, role=role), "R5", text)


def test_sums_in_a_circle_are_found() -> None:
    """Tests that no add enters itself."""
    build = change(changed("operands", 19, tensor=9), "operands", 21, tensor=8, first_vector=0)
    assert reports(build, "R5", "adds sum each other in a circle")


def test_a_sum_without_a_result_is_found() -> None:
    """Tests that an add produces one tensor."""
    assert reports(changed("tensors", 8, producer=9), "R5", "add 8 produces 0 tensors, must produce 1")
    assert reports(changed("tensors", 8, producer=9), "R5", "add 9 produces 2 tensors, must produce 1")


def test_a_layout_that_is_not_that_of_the_sum_is_found() -> None:
    """Tests that the sum of all summands does not call itself partial."""
    text = "tensor 8 says partial but is the sum of all summands"
    assert breaks(changed("tensors", 8, layout="partial"), "R5", text)


def test_a_sum_in_two_steps_is_expanded_down_to_leaves() -> None:
    """Tests that (shard 0 + shard 1) + shard 2 is complete on three chips, and shard 0 + shard 1 is not."""
    build = changed("tensors", 8, layout="partial")
    build = with_group(build, chips=[0, 1, 3], hosts=[2, 2, 2])
    build = with_rows(
        build,
        "operators",
        (12, 0, 3, 2, "vector", "combine", 0, 75, 5, "bf16", 960, 160, 4),
        (13, 0, 0, 0, "vector", "add", 0, 107, 6, "bf16", 1920, 320, 4),
    )
    build = with_rows(
        build,
        "tensors",
        (14, "layer.0.output", 0, 4, "bf16", "partial", 3, 12, 1280),
        (15, "layer.0.output", 0, 2, "bf16", "sharded", 0, 13, 640),
    )
    build = with_rows(build, "operands", (13, 8, 0, 2, "reduce"), (13, 14, 0, 2, "reduce"))
    # The egress of shard 0 reads the complete tensor 15, that of shard 1 still the incomplete tensor 9.
    build = change(build, "operands", 22, tensor=15)
    assert [violation.message for violation in reduction_violations(build)] == [
        "tensor 9 says sharded but is only the sum of shards [0, 1]",
        "operator 11 (egress) reads layer.0.output whole, but tensor 9 is only the sum of shards [0, 1]",
    ]


def test_a_sum_of_what_is_no_partial_sum_is_found() -> None:
    """Tests that copies are not added up."""
    graph = two_chip_build().graph.model_dump()
    graph["tensors"][3]["layout"] = "sharded"
    build = with_graph(two_chip_build(), **graph)
    assert reports(build, "R5", "add 8 sums layer.0.output, which is no partial sum in the graph")


def test_a_sum_of_a_sum_enters_with_its_summands() -> None:
    """Tests that a chain of adds is expanded down to leaves."""
    # Add 12 adds the finished sum 8 to the summand 7, which is in it already.
    build = with_rows(
        two_chip_build(),
        "operators",
        (12, 0, 0, 0, "vector", "add", 0, 107, 6, "bf16", 1920, 320, 4),
    )
    build = with_rows(build, "operands", (12, 7, 0, 2, "reduce"), (12, 8, 0, 2, "reduce"))
    build = with_rows(build, "tensors", (14, "layer.0.output", 0, 2, "bf16", "sharded", 0, 12, 640))
    assert breaks(build, "R5", "add 12 takes the summand of shards [1] more than once")
