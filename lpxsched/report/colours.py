"""Colours of operators and links, after Okabe and Ito, so that colour-blind people tell them apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

KIND_COLOURS = {
    "dense": "#D55E00",
    "narrow": "#F0E442",
    "router_in": "#8DA0CB",
    "router": "#E69F00",
    "shared": "#A65628",
    "experts": "#D55E00",
    "combine": "#CC79A7",
    "widen": "#F781BF",
    "add": "#882255",
}
CLASS_COLOURS = {
    "host": "#009E73",
    "tray": "#0072B2",
    "local": "#0072B2",
    "spine": "#56B4E9",
    "fpga": "#117733",
    "rack": "#AA4499",
    "group": "#DDCC77",
    "global": "#44AA99",
}
OTHER_COLOURS = (
    "#999933",
    "#332288",
    "#661100",
    "#888888",
    "#EE7733",
    "#000000",
    "#228833",
    "#BB5566",
    "#004488",
    "#DDAA33",
    "#66CCEE",
    "#997700",
    "#994455",
    "#77AADD",
)
DESKEW_COLOUR = "#BBBBBB"
GRID_COLOUR = "#CCCCCC"


def in_order(names: Iterable[str], known: dict[str, str]) -> list[str]:
    """Return the distinct names, the known ones first and in their order, the others sorted."""
    distinct = set(names)
    return [name for name in known if name in distinct] + sorted(distinct - set(known))


def colours(names: list[str], known: dict[str, str]) -> dict[str, str]:
    """Return a colour for each name: the known one, or the next of the others in the order given.

    What is counted on from one of them (``out_2`` after ``out``) has its colour.
    """
    first = {name: re.sub(r"_\d+$", "", name) for name in names}
    kinds = {name: kind if kind in first or kind in known else name for name, kind in first.items()}
    others = dict.fromkeys(kind for kind in kinds.values() if kind not in known)
    spare = {kind: OTHER_COLOURS[index % len(OTHER_COLOURS)] for index, kind in enumerate(others)}
    return {name: known.get(kind) or spare[kind] for name, kind in kinds.items()}
