"""The worst routing for every chip: whether its experts have a run for every pair that may come to them at once.

Rounds replay the worst routings of the first and of the last chip in numbers (`routings`). Here those of all chips are
followed to the runs that they take, without numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.dispatch import positions
from lpxsched.verify.replay.routings import most_runs, without_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.dispatch import Dispatch
    from lpxsched.verify.replay.model import Model


def attack_faults(model: Model) -> Iterator[str]:
    """Yield chips whose experts lack runs under the routing that needs the most of them."""
    for layer in {layer.expert: layer for layer in model.mixtures}.values():
        for held in dict.fromkeys(layer.routed.held):
            shard, experts = layer.routed.held.index(held), most_runs(layer.routed, held).reshape(-1)
            if len(without_run(held, experts)):
                yield _told(layer.expert, shard, held.runs, len(without_run(held, experts)))
    for dispatch in {layer.expert: layer for layer in model.dispatches}.values():
        for shard, held in enumerate(dispatch.routed.held):
            lacking = max(len(without_run(held, experts)) for experts in _in_windows(dispatch, shard))
            if lacking:
                yield _told(dispatch.expert, shard, held.runs, lacking)


def _in_windows(layer: Dispatch, shard: int) -> Iterator[Integers]:
    """Yield the experts of the pairs that each window takes under the worst routing of a chip."""
    room = sum(home.room for home in layer.homes)
    chosen = most_runs(layer.routed, layer.routed.held[shard], room)
    for visit in range(layer.replayed):
        pairs = [positions(home, chosen, layer.window(visit))[0] for home in layer.homes]
        yield chosen.reshape(-1)[np.concatenate(pairs)]


def _told(experts: str, shard: int, runs: int, lacking: int) -> str:
    return f"{experts}: the worst routing of shard {shard} leaves {lacking} of its pairs without one of its {runs} runs"
