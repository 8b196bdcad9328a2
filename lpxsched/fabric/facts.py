"""What a person asks of a fabric before anything else: sizes, distances, bandwidth, symmetry."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.distances import diameter
from lpxsched.fabric.symmetry import Translations, translations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """Links of one class that are in service.

    Attributes
    ----------
    name : str
    links : int
        Directed links.
    per_chip : int
        Largest number that leave one chip.
    gbps, line_gbps : Fraction
        Rate of the payload, and of the line before coding.
    hop_cycles : int
        From departure to read of one vector without guard.
    """

    name: str
    links: int
    per_chip: int
    gbps: Fraction
    line_gbps: Fraction
    hop_cycles: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a fabric.

    Attributes
    ----------
    diameter : int or None
        Largest number of hops between two chips in service.
    bisection_gbps : Fraction or None
        Payload that crosses, in one direction, the weakest of the cuts that halve one coordinate of the chips; None
        where chips have no coordinates.
    per_chip_links : int
        Largest number of links that leave one chip, hosts included.
    symmetry : Translations
    classes : tuple of ClassFacts
    """

    diameter: int | None
    bisection_gbps: Fraction | None
    per_chip_links: int
    symmetry: Translations
    classes: tuple[ClassFacts, ...]


def fabric_facts(fabric: Fabric) -> Facts:
    """Return the facts of a fabric; what is down does not count."""
    up = fabric.link_up
    in_service = np.flatnonzero(~fabric.node_down[: fabric.chips])
    symmetry = translations(adjacency(fabric))
    one_of_each_orbit = np.unique(symmetry.orbit()[in_service], return_index=True)[1]
    leaving = np.bincount(fabric.source[up], minlength=fabric.nodes)[: fabric.chips]
    return Facts(
        diameter=diameter(adjacency(fabric, in_service.tolist()), one_of_each_orbit),
        bisection_gbps=None if fabric.kind == "explicit" else bisection_gbps(fabric),
        per_chip_links=int(leaving.max(initial=0)),
        symmetry=symmetry,
        classes=tuple(_class_facts(fabric, index, up) for index in range(len(fabric.link_classes))),
    )


def bisection_gbps(fabric: Fabric) -> Fraction:
    """Return the least payload rate, one way, over cuts that halve one coordinate (an odd size as nearly as it can)."""
    coordinates = np.unravel_index(np.arange(fabric.chips), fabric.shape)
    rates = [link_class.gbps for link_class in fabric.link_classes]
    between = fabric.link_up & (fabric.source < fabric.chips) & (fabric.destination < fabric.chips)
    cuts = []
    for axis, size in enumerate(fabric.shape):
        if size > 1:
            low: NDArray[np.bool_] = coordinates[axis] < size // 2
            crossing = np.flatnonzero(between)
            crossing = crossing[low[fabric.source[crossing]] & ~low[fabric.destination[crossing]]]
            counts = np.bincount(fabric.link_class[crossing], minlength=len(rates)).tolist()
            cuts.append(sum((count * rate for count, rate in zip(counts, rates, strict=True)), Fraction(0)))
    return min(cuts, default=Fraction(0))


def _class_facts(fabric: Fabric, index: int, up: NDArray[np.bool_]) -> ClassFacts:
    of_class = up & (fabric.link_class == index)
    link_class = fabric.link_classes[index]
    leaving = np.bincount(fabric.source[of_class], minlength=fabric.nodes)[: fabric.chips]
    hop = link_class.vector_time_cycles + link_class.latency_cycles
    return ClassFacts(
        name=link_class.name,
        links=int(of_class.sum()),
        per_chip=int(leaving.max(initial=0)),
        gbps=link_class.gbps,
        line_gbps=link_class.line_gbps,
        hop_cycles=-(-hop.numerator // hop.denominator),
    )
