"""Which known names a wrong one may be meant for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Letters that two names have in common, in order, over the mean of their lengths: slips keep about two thirds of them.
CUTOFF = 0.65
# A longer beginning stands for a name whatever follows.
SHORTEST_BEGINNING = 2


def near_names(name: str, known: Iterable[str], *, most: int = 1, cutoff: float = CUTOFF) -> list[str]:
    """Return the known names most like a wrong one, of its letters, or that begin with it; none where none is near.

    Parameters
    ----------
    name : str
    known : iterable of str
    most : int
        How many are returned at most.
    cutoff : float
        Letters in common, in order, over the mean length, from which on names are near (`difflib`).
    """
    names = list(known)
    begun = [one for one in names if len(name) >= SHORTEST_BEGINNING and one.startswith(name)]
    # Letters in another order: of a short name two that changed places leave too little in common.
    turned = [one for one in names if sorted(one) == sorted(name)]
    close = difflib.get_close_matches(name, names, n=most, cutoff=cutoff)
    return list(dict.fromkeys([*close, *turned, *begun]))[:most]


def did_you_mean(name: str, known: Iterable[str], otherwise: str, *, most: int = 1) -> str:
    """Return a question after the near names; where there are none, all known ones behind what they are."""
    names = list(known)
    near = near_names(name, names, most=most)
    return f"did you mean {' or '.join(near)}?" if near else f"{otherwise}: {', '.join(names)}"
