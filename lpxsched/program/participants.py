"""Which chips of a fabric take part in a collective, and which of them is its root."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.fabric.down import ranges
from lpxsched.traffic.collectives import ROOTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.traffic.collectives import Kind

CHIPS_OPTION, RELAYS_OPTION, ROOT_OPTION = "--chips", "--relays", "--root"
FEWEST = 2


def participants(fabric: Fabric, chosen: Sequence[int] | None, *, relays: bool) -> tuple[int, ...]:
    """Return the chips that take part, in the order of their shards.

    Parameters
    ----------
    fabric : Fabric
    chosen : sequence of int, optional
        Chips as the user lists them; all that are up when left out.
    relays : bool
        Whether others are to relay.

    Raises
    ------
    InputError
        When a chip is not there, is down or is listed twice, for fewer than two chips, and when none is left to relay.
    """
    up = np.flatnonzero(~fabric.node_down[: fabric.chips]).tolist()
    chips = tuple(up if chosen is None else chosen)
    for chip in chips:
        if chip >= fabric.chips:
            raise InputError(CHIPS_OPTION, f"there is no chip {chip}; {fabric.name} has chips 0 to {fabric.chips - 1}")
        if fabric.node_down[chip]:
            raise InputError(CHIPS_OPTION, f"chip {chip} is down in {fabric.name}; leave it out")
    chip, times = Counter(chips).most_common(1)[0] if chips else (0, 0)
    if times > 1:
        raise InputError(CHIPS_OPTION, f"chip {chip} is listed {times} times; list each chip once")
    if len(chips) < FEWEST:
        asked = fabric.name if chosen is None else CHIPS_OPTION
        raise InputError(asked, f"a collective needs {FEWEST} chips or more, got {len(chips)}")
    if relays and len(chips) == len(up):
        raise InputError(RELAYS_OPTION, "all chips that are up take part, so none is left to relay; leave it out")
    return chips


def root_shard(kind: Kind, chips: Sequence[int], root: int | None) -> int:
    """Return the shard of a collective's root; 0 where the kind has none.

    Parameters
    ----------
    kind : str
    chips : sequence of int
        Chips that take part.
    root : int, optional
        A chip of the fabric; the first that takes part when left out.

    Raises
    ------
    InputError
        When the kind has no root, or the root does not take part.
    """
    if root is None:
        return 0
    if kind not in ROOTED:
        raise InputError(ROOT_OPTION, f"{kind} has no root; leave it out, or choose one of {', '.join(ROOTED)}")
    if root not in chips:
        able = ranges(np.array(sorted(chips), dtype=np.int64))
        raise InputError(ROOT_OPTION, f"must be a chip that takes part, one of {able}; got {root}")
    return chips.index(root)
