"""Blocks of columns of experts, as a replay finds them on shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.verify.replay.shares import MOST_BLOCKS, parts_of
from tests.timetable.small import compiled
from tests.verify.test_shares import experts_of

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.documents import GraphOperator

# Blocks of an expert, of which four have more than are looked at.
EACH = MOST_BLOCKS // 4 + 1


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> GraphOperator:
    """Return four experts of 64 columns in two blocks of MXFP4 on four chips; a run reads one block."""
    folder: Path = tmp_path_factory.mktemp("blocks")
    return experts_of(compiled(folder, weights="mxfp4", intermediate_size=64, batch=3))


def test_blocks_are_dealt_one_after_the_other(experts: GraphOperator) -> None:
    """Tests blocks 0 0 1 1 2 2 3 3: experts 0 and 2 on the first two of four shards, 1 and 3 on the others."""
    assert parts_of(experts, 4, 4) == [(0, 2), (0, 2), (1, 3), (1, 3)]


@pytest.mark.parametrize(
    "changes",
    [
        {"shares": [(12, 96, 4), (12, 64, 4), (12, 64, 4), (12, 32, 4)]},
        {"shares": None},
        # As many bytes as are read, none.
        {"sizes": {"experts": 4, "run_blocks": 0}, "work": []},
        # A run of two blocks would read twice as much.
        {"sizes": {"experts": 4, "run_blocks": 2}},
        # Four experts on four shards: a shard holds as many blocks as an expert has.
        {"columns": 32 * EACH, "shares": [(12, 32 * EACH, 4)] * 4},
    ],
)
def test_other_blocks_are_not_replayed(experts: GraphOperator, changes: dict[str, Any]) -> None:
    """Tests shares of other blocks, none, runs of none and of two, and more blocks than are looked at."""
    assert parts_of(experts.model_copy(update=changes), 4, 4) == []
