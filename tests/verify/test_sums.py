"""R2: a sum pays like a relay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.verify.sums import leaving_cycles
from tests.builds import two_chip_build
from tests.verify.changes import breaks, change, rules
from tests.verify.collectives import LAID, Laid, Sum, build_of, collective_build

# Chip 1 sums what it holds with what came from chip 0 (read at 13), then with what came from chip 2 (read at 19), and
# sends the sum of all to chip 0: two operands take 5 cycles.
CHAIN = replace(
    LAID["reduce"],
    graph=[("data", 1, "partial", None)],
    held=[("data", chip, 0, 1) for chip in range(3)],
    slots=[(0, 0, 1, 0, 0), (2, 0, 1, 5, 6), (4, 0, 1, 2, 27)],
    reads=[(0, 4, 0, 1)],
    starts=[40, 0, 0],
    sums=[Sum(1, 13, 0, 1, ((0, 0), (1, 0)), "partial"), Sum(1, 19, 0, 1, ((2, 0), (3, 0)))],
)


def test_a_result_leaves_after_read_turnaround_and_sum() -> None:
    """Tests 13 + 3 + 6 for the sums of an all-reduce, and that operators of the graph leave at their ends."""
    assert leaving_cycles(collective_build("all-reduce"))[6:].tolist() == [22, 22, 22]
    # The last operand is read at 100.5, and the sum takes 6.
    assert leaving_cycles(two_chip_build()).tolist() == [2, 2, 55, 55, 75, 75, 80, 80, 110, 110, 128, 128]


def test_a_sum_that_begins_later_leaves_at_its_end() -> None:
    """Tests that nothing is paid twice: a sum of [16, 22) and later has turned round meanwhile."""
    build = collective_build("all-reduce")
    for start, leaves in ((15, 22), (16, 22), (17, 23)):
        assert leaving_cycles(change(build, "operators", 6, start=start))[6] == leaves


def chain(depart: int, second: int = 19) -> Laid:
    """Return the chain with another departure of its result, and another start of its second sum."""
    sums = [CHAIN.sums[0], replace(CHAIN.sums[1], start=second)]
    slots = [*CHAIN.slots[:2], (4, 0, 1, 2, depart)]
    return replace(CHAIN, slots=slots, starts=[depart + 13, 0, 0], sums=sums)


def test_a_sum_of_a_sum_made_there_pays_for_both() -> None:
    """Tests max(13 + 3 + 5 + 5, 19 + 3 + 5) = 27, though the second sum ends at 24."""
    assert leaving_cycles(build_of(CHAIN))[6:].tolist() == [21, 27]
    assert not rules(build_of(CHAIN))
    text = "vector 0 of tensor 4 leaves chip 1 at 26 but is summed there, which pays its way until 27"
    assert breaks(build_of(chain(26)), "R2", text)


def test_the_first_sum_of_a_chain_may_decide() -> None:
    """Tests that an operand from chip 2 read at 13 leaves 13 + 3 + 5 + 5 = 26 to decide: the first sum leaves at 21."""
    slots = [(0, 0, 1, 0, 0), (2, 0, 1, 5, 0), (4, 0, 1, 2, 26)]
    laid = replace(chain(26), slots=slots)
    assert leaving_cycles(build_of(laid))[6:].tolist() == [21, 26]
    assert not rules(build_of(laid))


@pytest.mark.parametrize("start", [18, 19])
def test_on_its_chip_a_sum_is_there_at_its_end(start: int) -> None:
    """Tests that the second sum of the chain may begin when the first ends, at 18, once chip 2's vector is read."""
    slots = [(0, 0, 1, 0, 0), (2, 0, 1, 5, 5), (4, 0, 1, 2, 27)]
    assert not rules(build_of(replace(chain(27, start), slots=slots)))


def test_sums_in_a_circle_do_not_stop_the_checker() -> None:
    """Tests that a circle, which R5 tells, ends."""
    build = build_of(CHAIN)
    circle = change(build, "operands", 1, tensor=4)
    assert "R5" in rules(circle)
