"""How a tensor's vectors are dealt over the chips of a group."""

from __future__ import annotations

from itertools import accumulate


def shares(vectors: int, width: int) -> list[tuple[int, int]]:
    """Deal vectors in contiguous shares, the longer ones first.

    Returns
    -------
    list of (first vector, vectors)
        One share a chip; a share may be empty.
    """
    sizes = [vectors // width + (index < vectors % width) for index in range(width)]
    return list(zip(accumulate(sizes, initial=0), sizes, strict=False))
