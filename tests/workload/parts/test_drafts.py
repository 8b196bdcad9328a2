"""Tests of the work of guessing further tokens, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.units import NONE
from lpxsched.workload.costs import Cost, shard_costs
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.lpu_graph import lpu_graph, lpu_work
from lpxsched.workload.lpu_visits import Visit
from lpxsched.workload.model import Attention, Ffn, Layer, StoredTypes
from lpxsched.workload.parts.drafts import Draft
from lpxsched.workload.parts.piece import Decoding, Entry
from tests.fabric.examples import CHIP

# Two users, each with two drafts: six rows of 16 columns in two blocks.
STEP = Decoding(6, 8, "fp8", Precision("fp8", "fp8", "bf16"), "fp8", 4, rows_per_user=3)
STORED = StoredTypes("fp8", "fp8", "fp8", "fp8")
MODULE = Layer((Attention(4, 2, 4),), (Ffn(8, 3),), None, None, STORED)
CHECKS = Draft(0, 2, 1)
# How many were accepted and 1 + 2 x 2 tokens, of two users, of 4 bytes each.
TOKENS = 2 * 6 * 4


def costs_of(part: str | Layer, draft: Draft, *, decoding: Decoding = STEP) -> list[dict[str, Cost]]:
    """Return the cost of each operator on two chips."""
    return shard_costs(lpu_work(Visit(part, 16, 10, draft), CHIP, 2, decoding), CHIP, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "drafts", "modules", "entry"),
    [
        # One module: four rows of three drafts stay, the rows of two further drafts come behind them.
        (1, 3, 1, Entry(0, 4, 6)),
        (2, 3, 1, Entry(4, 4, 6)),
        (3, 3, 1, Entry(5, 4, 6)),
        # Two modules: the first guesses drafts 1 and 3, the second draft 2 alone.
        (1, 3, 2, Entry(0, 4, 5)),
        (2, 3, 2, Entry(0, 4, 4)),
        (3, 3, 2, Entry(4, 4, 5)),
        (1, 1, 1, Entry(0, 2, 2)),
    ],
)
def test_where_rows_of_drafts_go(number: int, drafts: int, modules: int, entry: Entry) -> None:
    """Tests rows that were entered before, rows that stay, and room for all of a step."""
    assert Draft(number, drafts, modules).entry == entry


def test_the_first_visit_of_a_module_has_all_rows() -> None:
    """Tests six rows of two users, and two where a module is visited again."""
    first, again = (Draft(number, 2, 1).rows(STEP) for number in (1, 2))
    assert (first.batch, first.rows_per_user) == (6, 3)
    assert (again.batch, again.rows_per_user, again.users) == (2, 1, 2)


def test_the_head_accepts_drafts_by_hand() -> None:
    """Tests six tokens in and six out, and what is kept, read and written again; each chip does all of it.

    Two passes of three cycles: what agrees, and up to where. A share of six rows of eight columns of bf16 is 12 of 24
    vectors of 4 bytes, read and written.
    """
    first, second = costs_of("head", CHECKS)
    assert first["accept"] == second["accept"]
    assert first["accept"] == Cost("bf16", 2 * TOKENS + 12 * 4, 12, 2 * 3, TOKENS, "int32", "replicated", "tokens")
    assert first["onward"] == Cost("bf16", 2 * 12 * 4, 24, 3)


def test_rows_and_tokens_are_joined_by_hand() -> None:
    """Tests six rows of 16 + 16 columns on two chips, each with one half of them.

    The embedding of 10 tokens: five rows of 8 fp8 bytes a chip. A joined number is read in bf16 and left in fp8, 3
    bytes, and has a weight of 2; a row has two scales of 2 bytes. A chip holds 16 x 8 weights of each block.
    """
    first, second = costs_of("join", CHECKS.next)
    assert first["embedding"].weight_bytes == 5 * 8
    assert first["join"] == Cost("bf16", 6 * 4 + 16 * 2 + 6 * 16 * 3, 6 * 16 * 2, 3, 16 * 2, "bf16", "sharded")
    for block, fixed in (("project", 40), ("project_2", 0)):
        cost = Cost("fp8", 6 * 8 * 2 + 16 * 8 + 6 * 16, 6 * 16 * 8, fixed, 16 * 8, "fp8", "sharded")
        # No residual: no chip does more than others.
        assert first[block] == second[block] == cost
    again = costs_of("join", CHECKS.next.next)[0]
    assert again["project"].macs == 2 * 16 * 8
    assert again["project"].weight_bytes == 16 * 8


def test_a_head_picks_rows_and_hands_tokens_on_by_hand() -> None:
    """Tests two rows of eight columns of bf16, read and written, and then two tokens in and two out.

    The head that ends a step hands on three tokens of each user, whatever module guessed.
    """
    first = costs_of("head", CHECKS.next)[0]
    assert first["pick"] == Cost("bf16", TOKENS + 2 * 2 * 16, 2 * 8, 3, TOKENS, "int32", "replicated", "tokens")
    assert first["hand"] == Cost("bf16", 2 * TOKENS + 4 * 4, 4, 3, TOKENS, "int32", "replicated", "tokens")
    assert first["lm_head"].macs == 2 * 8 * 5
    last = costs_of("head", CHECKS.next.next)[0]
    assert "pick" not in last
    assert last["hand"].sram_bytes == 2 * TOKENS + 8 * 4


def test_micro_batches_keep_tokens_of_their_own() -> None:
    """Tests three in flight."""
    first = costs_of("head", CHECKS, decoding=replace(STEP, micro_batches=3))[0]
    assert (first["accept"].weight_bytes, first["accept"].sram_bytes) == (3 * TOKENS, 2 * TOKENS + 12 * 4)


def test_a_module_that_is_visited_again_keeps_nothing_of_its_own() -> None:
    """Tests that its operators name those of the first visit, and the join those of the embedding."""
    again = CHECKS.next.next
    visits = (
        *(Visit("embedding", 16, 10), Visit("head", 16, 10, CHECKS)),
        *(Visit("join", 16, 10, CHECKS.next), Visit(MODULE, 16, 0, CHECKS.next), Visit("head", 16, 10, CHECKS.next, 1)),
        *(Visit("join", 16, 10, again, 2), Visit(MODULE, 16, 0, again, 3), Visit("head", 16, 10, again, 1)),
    )
    operators = {one.name: one for one in lpu_graph(visits, CHIP, [2] * len(visits), STEP).operators}
    wanted = {
        "layer.2.embedding": "layer.0.embedding",
        "layer.2.project": "",
        "layer.3.scores": "",
        "layer.4.pick": "layer.1.accept",
        "layer.4.lm_head": "layer.1.lm_head",
        "layer.4.onward": "",
        "layer.5.embedding": "layer.0.embedding",
        "layer.5.project": "layer.2.project",
        "layer.6.scores": "layer.3.scores",
        "layer.7.hand": "layer.1.accept",
    }
    assert {name: operators[name].keeper for name in wanted} == wanted
    assert dict(operators["layer.6.scores"].sizes)["as_layer"] == 3
    assert dict(operators["layer.6.scores"].sizes)["entered"] == 3
    assert visits[2].home == NONE
