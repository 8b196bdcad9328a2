"""What a family returns: pairs of nodes to be joined, by link class."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

Pairs = NDArray[np.int64]


class Wiring(NamedTuple):
    """Undirected pairs of nodes; a pair stands for the lanes of its class in each direction.

    Attributes
    ----------
    shape : tuple of int
        Coordinates of the chips, row-major; the product is the number of chips.
    hosts : int
        Number of hosts; they are numbered after the chips.
    pairs : dict
        For each link class its pairs, int64, shape (pairs, 2). Equal pairs may stand several times: parallel cables.
    """

    shape: tuple[int, ...]
    hosts: int
    pairs: dict[str, Pairs]


def as_pairs(pairs: Iterable[tuple[int, int]]) -> Pairs:
    """Return pairs as an array."""
    return np.array(list(pairs), dtype=np.int64).reshape(-1, 2)


def host_pairs(shape: tuple[int, ...], chips_per_host: int) -> tuple[int, Pairs]:
    """Return the number of hosts, and each chip with its host; a host serves neighbours on the last axis."""
    chips = int(np.prod(shape, dtype=np.int64))
    hosts_per_row = -(-shape[-1] // chips_per_host)
    chip = np.arange(chips, dtype=np.int64)
    row, position = np.divmod(chip, shape[-1])
    host = chips + row * hosts_per_row + position // chips_per_host
    return chips // shape[-1] * hosts_per_row, np.stack([chip, host], axis=1)
