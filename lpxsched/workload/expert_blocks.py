"""Blocks of columns of experts, dealt over chips one after the other where the same columns of all would lie unevenly.

Of an expert's b blocks a chip of w has ceil(b / w) at most. If every chip held the same columns of every expert, the
first b mod w chips would hold one more than the others of all E: with 9 blocks on 16 chips nine hold everything. Dealt
on from expert to expert, block j of expert e lies on chip (e b + j) mod w, so that every chip holds floor(E b / w) or
ceil(E b / w) blocks, and of one expert floor(b / w) or floor(b / w) + 1 as before. The last block of an expert takes as
much room as the others: all are found by their number, and no share is larger on more chips.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Final, NamedTuple

from lpxsched.units import ceil_div
from lpxsched.workload.datatypes import SCALE_BLOCK_COLUMNS
from lpxsched.workload.expert_runs import Pairs

if TYPE_CHECKING:
    from lpxsched.fabric.chip import Chip
    from lpxsched.workload.model import Experts

# The largest share over the mean up to which every chip holds the same columns of every expert: one plan, biases on one
# chip, a last block no larger than it is. More than an eighth is more than these are worth.
MOST_UNEVEN: Final = Fraction(9, 8)


class Blocks(NamedTuple):
    """Blocks of columns of experts on the chips of a group.

    Attributes
    ----------
    experts : int
        E.
    each : int
        Blocks of an expert, b.
    columns : int
        Of a block.
    width : int
        Chips, w.
    """

    experts: int
    each: int
    columns: int
    width: int

    @property
    def most(self) -> int:
        """Blocks of one expert on a chip at most."""
        return ceil_div(self.each, self.width)

    @property
    def coarse(self) -> bool:
        """Whether the same columns of every expert on every chip would be too uneven."""
        return self.most * self.width > MOST_UNEVEN * self.each

    def held(self) -> list[int]:
        """Return the blocks on each chip."""
        least, more = divmod(self.experts * self.each, self.width)
        return [least + (chip < more) for chip in range(self.width)]

    def pairs(self, held: int, run_blocks: int, batch: int, per_token: int) -> Pairs:
        """Return the pairs of a row and an expert on a chip, and the parts of experts there (`expert_runs`).

        Parameters
        ----------
        held : int
            Blocks that it holds.
        run_blocks : int
            Blocks of one expert that a run reads, a part of it.
        batch, per_token : int
            Rows, and experts of a row.
        """
        least = self.each // self.width
        more = held - self.experts * least
        if not least:
            return Pairs(more, batch, batch * min(per_token, more))
        many, few = ceil_div(least + 1, run_blocks), ceil_div(least, run_blocks)
        return Pairs(self.experts, batch, batch * per_token, few, more * (many - few))

    def met(self, held: int, per_token: int) -> int:
        """Return the experts of a row of which a chip with so many blocks holds some at most.

        Where the same columns lie on every chip those without any are counted like the others.
        """
        return min(per_token, held) if self.coarse and self.each < self.width else per_token


def blocks_of(experts: Experts, weights: str, chip: Chip, width: int) -> Blocks:
    """Return the blocks of experts, whose columns stay together as their scales and the chips ask for."""
    columns = min(lcm(SCALE_BLOCK_COLUMNS.get(weights, 1), chip.shard_columns), experts.columns)
    return Blocks(experts.number, ceil_div(experts.columns, columns), columns, width)
