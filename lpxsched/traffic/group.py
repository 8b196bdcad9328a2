"""The chips of one layer, and which layers share some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Group:
    """The chips of one layer.

    Attributes
    ----------
    layer : int
    chips : tuple of int
        In the order of their shards.
    hosts : tuple of int
        The host of each chip.
    """

    layer: int
    chips: tuple[int, ...]
    hosts: tuple[int, ...]


def sharing(groups: Iterable[Iterable[int]]) -> list[int]:
    """Return for each of some groups of chips the number of those that it shares chips with, directly or over others.

    Numbers count from 0 in the order of the groups.
    """
    part: list[int] = []
    first: dict[int, int] = {}
    for number, chips in enumerate(groups):
        part.append(number)
        joined = {part[first.setdefault(chip, number)] for chip in chips} | {number}
        part = [min(joined) if of_group in joined else of_group for of_group in part]
    return [sorted(set(part)).index(of_group) for of_group in part]
