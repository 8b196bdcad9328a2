"""Tests of what operators of several visits share: it lies on each chip once, and all of them read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.verify.check import check
from tests.timetable.small import compiled
from tests.verify.changes import breaks, change, with_graph, with_rows

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

WHOLE = {"attention": "lpu", "batch": 2, "effort": 1, "context": 64, "partition": "auto", "chips": None}
SIZES = {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 512, "num_hidden_layers": 1}
# Visits: embedding, layer, head; join, layer 4 and head of the first draft; and of the second, layer 7.
KEYS = "layer.4.scores.keys"


@pytest.fixture(scope="module")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return a layer and two drafts of one module on a TSP node."""
    return compiled(tmp_path_factory.mktemp("drafts"), **WHOLE | SIZES | {"num_nextn_predict_layers": 1, "draft": 2})


def lying(build: Build, name: str) -> list[int]:
    """Return the rows of a tensor."""
    return np.flatnonzero(build.tensors.name == name).tolist()


def with_sizes(build: Build, operator: str, **sizes: int) -> Build:
    """Return a build whose graph states other sizes of an operator."""
    operators = [one.model_dump() for one in build.graph.operators]
    for one in operators:
        one["sizes"] |= sizes if one["name"] == operator else {}
    return with_graph(build, operators=operators)


def with_residents(build: Build, operator: str, **changes: Any) -> Build:
    """Return a build in whose graph an operator keeps something else."""
    operators = [one.model_dump() for one in build.graph.operators]
    for one in operators:
        if one["name"] == operator:
            one["resident"] = [resident | changes for resident in one["resident"]]
    return with_graph(build, operators=operators)


def test_drafts_keep_all_rules(drafts: Build) -> None:
    """Tests that keys, embedding and head lie once on each chip, where two, three and three operators read them.

    Two bundles of keys for eight query heads in four parts each: eight chips keep a head of keys each.
    """
    assert check(drafts).violations == ()
    reads = np.bincount(drafts.operands.tensor[drafts.operands.role == "weight"], minlength=len(drafts.tensors))
    for name, times in ((KEYS, 2), ("layer.0.embedding.weights", 3), ("layer.2.lm_head.weights", 3)):
        rows = lying(drafts, name)
        assert (len(rows), set(reads[rows].tolist())) == (8, {times})
    assert not lying(drafts, "layer.7.scores.keys")


def test_what_is_shared_lies_there_once(drafts: Build) -> None:
    """Tests keys of their own for the second visit of the module on one chip."""
    row = lying(drafts, KEYS)[0]
    reading = np.flatnonzero(drafts.operands.tensor == row)
    tensor = len(drafts.tensors)
    copy = [getattr(drafts.tensors, name)[row] for name in ("name", "offset", "vectors", "dtype", "layout", "chip")]
    apart = with_rows(drafts, "tensors", (tensor, *copy, -1, int(drafts.tensors.bytes[row])))
    apart = change(apart, "operands", int(reading[1]), tensor=tensor)
    assert breaks(apart, "R4", f"weights {KEYS} on chip 0 are read by 1 operators, must be by 2")


def test_what_is_shared_counts_once(drafts: Build) -> None:
    """Tests that a chip that counts keys for both visits counts too much."""
    row = lying(drafts, KEYS)[0]
    more = int(drafts.chips.weight_bytes[0] + drafts.tensors.bytes[row])
    assert breaks(change(drafts, "chips", 0, weight_bytes=more), "R4", f"chip 0 has weight_bytes {more}, its operators")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "layer.7.scores.keys"}, f"reads {KEYS}, which it does not keep"),
        ({"dtype": "bf16"}, f"resident tensor {KEYS} is there more than once, and not the same"),
        ({"layout": "replicated"}, f"resident tensor {KEYS} is there more than once, and not the same"),
    ],
)
def test_operators_share_what_is_the_same(drafts: Build, changes: dict[str, Any], told: str) -> None:
    """Tests keys of another name, of another type, and of another layout at the second visit."""
    assert breaks(with_residents(drafts, "layer.7.scores", **changes), "R4", told)


def test_an_operator_keeps_a_thing_once(drafts: Build) -> None:
    """Tests an operator that names its keys twice."""
    operators = [one.model_dump() for one in drafts.graph.operators]
    for one in operators:
        if one["name"] == "layer.4.scores":
            one["resident"] *= 2
    assert breaks(with_graph(drafts, operators=operators), "R4", f"operator layer.4.scores keeps {KEYS} more than once")


def test_chips_of_another_visit_do_not_share(drafts: Build) -> None:
    """Tests a second visit that is said to lie on the same chips in another order."""
    groups = [one.model_dump() for one in drafts.graph.groups]
    layers = [one.model_dump() for one in drafts.graph.layers]
    other = groups[layers[7]["group"]] | {"group": len(groups)}
    other["chips"] = other["chips"][::-1]
    layers[7]["group"] = len(groups)
    moved = with_graph(drafts, groups=[*groups, other], layers=layers)
    assert breaks(moved, "R4", f"resident tensor {KEYS} is there more than once, and not the same")


def test_all_rows_are_kept_that_a_step_sees(drafts: Build) -> None:
    """Tests keys of two users with three rows a step.

    Of their 64 rows all are kept, so that a window of 62 is, whose rows see 62 + 3 - 1. One row more is not, in fp8.
    """
    assert not [one for one in check(with_sizes(drafts, "layer.1.scores", window=62)).violations if one.rule == "R4"]
    more = with_sizes(drafts, "layer.1.scores", window=63, context=65)
    assert breaks(more, "R4", "layer.1.scores.keys has 128 bytes a column, all rows that a step sees take 130")


def test_rows_that_other_visits_of_a_step_enter_are_kept_too(drafts: Build) -> None:
    """Tests the keys of a module that guesses two drafts: a window of w rows is kept with all that a step enters."""
    (sizes,) = [one.sizes for one in drafts.graph.operators if one.name == "layer.4.scores"]
    window = 64 - sizes["room"] + 2
    more = with_sizes(drafts, "layer.4.scores", window=window, context=65)
    assert breaks(more, "R4", f"{KEYS} has 128 bytes a column, all rows that a step sees take 130")
