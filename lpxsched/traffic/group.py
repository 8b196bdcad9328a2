"""The chips of one layer."""

from __future__ import annotations

from dataclasses import dataclass


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
