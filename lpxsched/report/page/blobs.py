"""Columns of integers as text inside a page: deltas, smallest unsigned type, planes of bytes, deflate, base64.

A column is stored as it is or as differences, whichever deflates better, each as 2 x or -2 x - 1 (so that small
negative ones stay small), in 1, 2, 4 or 8 bytes. All lowest bytes come first, then the next: what repeats lies
together. The columns of a blob are deflated as one; `static/store.js` undoes it.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.timetable.columns import Integers

# JavaScript's numbers are exact up to 2^53, and so must be twice the difference of two values.
LARGEST_NUMBER = 2**51
LEVEL = 9
# Enough to tell which of two ways is shorter.
TRIAL_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Blob:
    """Some columns, packed.

    Attributes
    ----------
    name : str
    layout : list of [int, int, int]
        Of each column its rows, the bytes of a value, and 1 where values are differences, else 0.
    text : str
    """

    name: str
    layout: list[list[int]]
    text: str


def pack(name: str, columns: Sequence[Integers]) -> Blob:
    """Return columns as a blob; each is stored as differences where that takes fewer bytes.

    Raises
    ------
    ValueError
        When the script could not undo a value exactly.
    """
    layout, parts = [], []
    for column in columns:
        values = np.asarray(column, dtype=np.int64).ravel()
        if len(values) and int(np.abs(values).max()) >= LARGEST_NUMBER:
            raise ValueError(f"{name}: a value of 2^51 or more")
        ways = [_planes(_folded(each)) for each in (values, np.diff(values, prepend=0))]
        lengths = [len(zlib.compress(planes, TRIAL_LEVEL)) for planes in ways]
        delta = int(lengths[1] < lengths[0])
        layout.append([len(values), len(ways[delta]) // max(len(values), 1) or 1, delta])
        parts.append(ways[delta])
    return Blob(name, layout, base64.b64encode(_deflated(b"".join(parts))).decode())


def _planes(folded: NDArray[np.uint64]) -> bytes:
    """Return numbers in as few bytes each as hold the largest, all lowest bytes first."""
    width = next(size for size in (1, 2, 4, 8) if size == 8 or int(folded.max(initial=0)) < 1 << 8 * size)
    return folded.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T.tobytes()


def _deflated(data: bytes) -> bytes:
    # Short repeats in planes are chance: left to the code of single bytes they take less.
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_FILTERED)
    return packer.compress(data) + packer.flush()


def _folded(values: Integers) -> NDArray[np.uint64]:
    """Return 2 x for x >= 0, and -2 x - 1 below."""
    return ((values << 1) ^ (values >> 63)).astype(np.uint64)
