"""A plain judge of ways: every block must reach its readers along a tree."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.symmetry.quotient import Quotient, Ways


def broken_ways(small: Quotient, ways: Ways) -> Iterator[str]:
    """Yield what is wrong with the ways of each block: a bundle leaves where the block is not, or brings it in vain."""
    fabric, bundles_of = small.instance, defaultdict(list)
    for block, bundle in zip(ways.block.tolist(), ways.bundle.tolist(), strict=True):
        bundles_of[block].append(bundle)
    for block, (source, target) in enumerate(
        zip(ways.blocks.source.tolist(), ways.blocks.target.tolist(), strict=True)
    ):
        readers = set(range(fabric.network.width)) if target == EVERY else {target}
        ends = [(int(fabric.network.source[b]), int(fabric.network.destination[b])) for b in bundles_of[block]]
        into = [end for _, end in ends]
        if len(set(into)) < len(into) or source in into:
            yield f"block {block} comes twice to a node: {ends}"
        there = {source}
        for _ in ends:
            there |= {end for begin, end in ends if begin in there}
        if there != {source, *into} or not readers <= there:
            yield f"block {block} reaches {there}, it goes over {ends}, {readers} read it"
        vain = set(into) - readers - {begin for begin, _ in ends}
        if vain:
            yield f"block {block} comes to {vain} in vain"
