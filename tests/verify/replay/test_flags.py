"""Flags of hosts, replayed: each branch reads what each host said, in every step."""

from __future__ import annotations

import pytest

from lpxsched.verify.replay.replay import replay
from tests.builds import two_chip_build
from tests.polled import BRANCHES, SLOTS, polled_build
from tests.verify.changes import change, without


def test_branches_read_what_hosts_said() -> None:
    """Tests three steps of as many routings as the build without flags, in each of which two chips read one vector."""
    bare, told = replay(two_chip_build()), replay(polled_build())
    assert told.ok
    assert (told.compared - bare.compared) % (3 * len(BRANCHES)) == 0
    assert told.compared > bare.compared


@pytest.mark.parametrize("row", SLOTS)
def test_a_flag_that_does_not_come_or_comes_late_is_found(row: int) -> None:
    """Tests a slot left out, one that is read when its chip has branched, and one that meets rows on its lane."""
    build = polled_build()
    for broken in (
        without(build, "slots", row),
        change(build, "slots", row, depart=8, read=26),
        change(build, "slots", row, depart=6, read=24),
    ):
        assert not replay(broken).ok
