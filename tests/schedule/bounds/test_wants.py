"""Who must get how much of whom."""

from __future__ import annotations

import pytest

from lpxsched.schedule.bounds.wants import wants_of
from lpxsched.traffic.collectives import Collective

EVERYONE = [[0, 2, 2], [2, 0, 2], [2, 2, 0]]
FROM_ONE = [[0, 0, 0], [2, 0, 2], [0, 0, 0]]
TO_ONE = [[0, 2, 0], [0, 0, 0], [0, 2, 0]]


@pytest.mark.parametrize(
    ("kind", "vectors", "holders_differ", "readers_differ"),
    [
        ("all-gather", EVERYONE, True, False),
        ("reduce-scatter", EVERYONE, False, True),
        ("all-reduce", EVERYONE, False, False),
        ("all-to-all", EVERYONE, True, True),
        ("broadcast", FROM_ONE, True, False),
        ("scatter", FROM_ONE, True, True),
        ("reduce", TO_ONE, False, True),
        ("gather", TO_ONE, True, True),
    ],
)
def test_wants_of_every_kind(kind: str, vectors: list[list[int]], holders_differ: bool, readers_differ: bool) -> None:
    """Tests three chips and two vectors, the root in the middle."""
    wants = wants_of(Collective(kind, 3, 2, 1))
    assert wants.vectors.tolist() == vectors
    assert (wants.holders_differ, wants.readers_differ) == (holders_differ, readers_differ)
    assert wants.is_exchange == (kind == "all-to-all")


def test_reversal_exchanges_holders_with_readers() -> None:
    """Tests that a scatter run backwards is a gather."""
    scatter, gather = (wants_of(Collective(kind, 3, 2, 1)) for kind in ("scatter", "gather"))
    assert scatter.reversed().vectors.tolist() == gather.vectors.tolist()
    broadcast = wants_of(Collective("broadcast", 3, 2, 1)).reversed()
    assert (broadcast.holders_differ, broadcast.readers_differ) == (False, True)
