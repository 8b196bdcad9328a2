"""Families whose chips have coordinates: full mesh, ring, mesh, torus, hypercube, HyperX."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.families.wiring import Pairs, Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def full_mesh(chips: int) -> Wiring:
    """Join every two chips."""
    return hyperx([chips])


def ring(chips: int) -> Wiring:
    """Join each chip and the next; two chips are joined once."""
    return torus([chips])


def hypercube(dimensions: int) -> Wiring:
    """Join chips whose numbers differ in one bit."""
    return mesh([2] * dimensions)


def mesh(shape: Sequence[int]) -> Wiring:
    """Join neighbours along each axis; ends are not joined."""
    return _grid(shape, lambda size: [(a, a + 1) for a in range(size - 1)])


def torus(shape: Sequence[int]) -> Wiring:
    """Join neighbours along each axis, and both ends; an axis of two chips has one link, not two."""
    return _grid(shape, lambda size: sorted({(min(a, b), max(a, b)) for a, b in _circle(size)}))


def hyperx(shape: Sequence[int]) -> Wiring:
    """Join every two chips that differ in one coordinate."""
    return _grid(shape, lambda size: list(combinations(range(size), 2)))


def _circle(size: int) -> list[tuple[int, int]]:
    return [(a, (a + 1) % size) for a in range(size)] if size > 1 else []


def _grid(shape: Sequence[int], line: Callable[[int], list[tuple[int, int]]]) -> Wiring:
    """Join chips along each axis as `line` joins the places of one line; class ``axis I``, or ``link`` of one axis."""
    number = np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.int64).reshape(shape)
    pairs: dict[str, Pairs] = {}
    for axis, size in enumerate(shape):
        lines = np.moveaxis(number, axis, -1).reshape(-1, size)
        ends = np.array(line(size), dtype=np.int64).reshape(-1, 2)
        name = "link" if len(shape) == 1 else f"axis {axis}"
        pairs[name] = np.stack([lines[:, ends[:, 0]].ravel(), lines[:, ends[:, 1]].ravel()], axis=1)
    return Wiring(tuple(shape), 0, pairs)
