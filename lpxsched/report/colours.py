"""Colours of operators and links, after Okabe and Ito, so that colour-blind people tell them apart.

Every picture takes them from here, of all classes of the fabric and all kinds of the build, so that a class or a kind
has one colour in all pictures, also in those that show a part of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import WITHOUT_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpxsched.timetable.build import Build

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
    "link": "#0072B2",
    "axis 0": "#0072B2",
    "axis 1": "#56B4E9",
    "axis 2": "#AA4499",
    "axis 3": "#44AA99",
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
# Links of several classes together.
MIXED_COLOUR = "#666666"
DESKEW_COLOUR = "#BBBBBB"
GRID_COLOUR = "#CCCCCC"


def in_order(names: Iterable[str], known: dict[str, str]) -> list[str]:
    """Return the distinct names, the known ones first and in their order, the others sorted."""
    distinct = set(names)
    return [name for name in known if name in distinct] + sorted(distinct - set(known))


def class_colours(names: Iterable[str]) -> dict[str, str]:
    """Return the colours of link classes, given those of all links of a fabric in any order."""
    return _colours(in_order(names, CLASS_COLOURS), CLASS_COLOURS, OTHER_COLOURS)


def colours_of(build: Build) -> tuple[dict[str, str], dict[str, str]]:
    """Return the colours of link classes, and of kinds of operators that hold a functional unit."""
    classes = class_colours(build.links.link_class.tolist())
    on_units = ~np.isin(build.operators.unit, sorted(WITHOUT_UNIT))
    kinds = in_order(build.operators.kind[on_units].tolist(), KIND_COLOURS)
    # Classes and kinds stand beside each other: what a class has comes last for kinds.
    spare = sorted(OTHER_COLOURS, key=lambda colour: colour in classes.values())
    return classes, _colours(kinds, KIND_COLOURS, spare)


def _colours(names: list[str], known: dict[str, str], spare: Sequence[str]) -> dict[str, str]:
    """Return a colour for each name: the known one, or the next spare one in the order given.

    What is counted on from one of them (``out_2`` after ``out``) has its colour.
    """
    first = {name: re.sub(r"_\d+$", "", name) for name in names}
    kinds = {name: kind if kind in first or kind in known else name for name, kind in first.items()}
    others = dict.fromkeys(kind for kind in kinds.values() if kind not in known)
    found = {kind: spare[index % len(spare)] for index, kind in enumerate(others)}
    return {name: known.get(kind) or found[kind] for name, kind in kinds.items()}
