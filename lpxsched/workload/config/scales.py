"""How many weights share a scale, as the keys of a quantisation say.

Scales of four-bit weights are counted with them. Those of eight-bit weights are not: of the usual blocks of 128 x 128
they are a part in four thousand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lpxsched.files.schema import short
from lpxsched.workload.datatypes import SCALE_BLOCK_COLUMNS

if TYPE_CHECKING:
    from lpxsched.files.document import Document
    from lpxsched.files.json_locations import Location

BLOCKS, GROUP = ("weight_block_size", "block_structure"), "group_size"
# Eight-bit weights of which fewer share a scale are of another type (MXFP8); of the usual blocks nothing is told.
LEAST_SHARED, USUAL_SHARED = 128, 128 * 128
# The most that a scale has.
SCALE_BITS = 32
SIDE = re.compile(r"[1-9][0-9]{0,5}")


def weights_a_scale(document: Document, location: Location, section: dict[str, Any]) -> int | None:
    """Return how many eight-bit weights share a scale, None where a row or a matrix has one.

    Raises
    ------
    InputError
        When a block is no pair of positive whole numbers.
    """
    for key in BLOCKS:
        block = section.get(key)
        if block is None:
            continue
        sides = block.split("x") if isinstance(block, str) else block
        if not isinstance(sides, list) or [bool(SIDE.fullmatch(str(one))) for one in sides] != [True, True]:
            problem = f"must be two whole numbers above 0, rows and columns that share a scale, got {short(block)}"
            raise document.error((*location, key), problem)
        return int(sides[0]) * int(sides[1])
    group = section.get(GROUP)
    return group if type(group) is int and group > 0 else None


def refuse_other_group(document: Document, location: Location, section: dict[str, Any], dtype: str) -> None:
    """Refuse a group of another size than a four-bit type has.

    Raises
    ------
    InputError
    """
    usual, group = SCALE_BLOCK_COLUMNS.get(dtype), section.get(GROUP)
    if usual and group not in (None, usual):
        problem = f"must be {usual}, the weights that share a scale in {dtype}, got {short(group)}"
        raise document.error((*location, GROUP), problem)
