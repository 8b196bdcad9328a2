"""Random small builds, and clocks against one slot of them, on which the reference runs."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, get_args

import numpy as np
import yaml

from lpxsched.clocks.specification import load_clock
from lpxsched.collective_pipeline import compile_collective
from lpxsched.options import CollectiveOptions
from lpxsched.simulation.reference.chosen import Chosen
from lpxsched.simulation.reference.oscillator import FEMTOSECONDS_PER_US, TURN, Drawn
from lpxsched.simulation.reference.program import sessions
from lpxsched.simulation.reference.run import run_session
from lpxsched.simulation.trials.clocks import NodeClocks, ways_apart
from lpxsched.traffic.collectives import CollectiveKind

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.simulation.reference.chosen import Reference
    from lpxsched.simulation.reference.outcome import Outcome
    from lpxsched.simulation.timeline import Timeline
    from lpxsched.timetable.build import Build

TOPOLOGIES = ("ring-8", "tsp-node", "lpx-rack")
# On which little is sent: more takes seconds to place.
LARGER = ("mesh-4x4", "torus-4x4", "hypercube-16")
CLOCKS = ("xo-100ppm", "xo-20ppm", "srns-300ppm", "sris", "tcxo-1.5ppm", "ocxo-5ppb")
KINDS: tuple[CollectiveKind, ...] = get_args(CollectiveKind)


def clock_file(folder: Path, name: str, **changes: object) -> str:
    """Write a shipped clock with some numbers changed; return its file."""
    data = load_clock(name).model_dump(mode="json")
    data |= {key: {"value": value} for key, value in changes.items()} | {"name": "changed"}
    file = folder / f"{name}-{'-'.join(map(str, changes.values()))}.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


@lru_cache(maxsize=256)
def random_build(seed: int, clock: str) -> Build:
    """Return a collective of a few vectors between some chips of a shipped fabric."""
    dice = random.Random(seed)
    kind = dice.choice(KINDS)
    topology = dice.choice(TOPOLOGIES + LARGER if kind in ("broadcast", "reduce", "gather", "scatter") else TOPOLOGIES)
    chips = None
    if topology == "lpx-rack":
        # Some chips of two trays, each of which has a peer in the other.
        positions = sorted(dice.sample(range(16), dice.randint(1, 2)))
        chips = tuple(16 * tray + position for tray in (0, dice.randint(1, 15)) for position in positions)
    options = CollectiveOptions(
        kind=kind,
        topology=topology,
        vectors=dice.randint(1, 4),
        chips=chips,
        clock=clock,
        solver="greedy",
    )
    return compile_collective(options)[0]


def against_slot(reference: Reference, timeline: Timeline, slot: int) -> Chosen:
    """Return clocks on which the last vector of a slot comes late: its sender late and slow, its receiver fast.

    Messages of counters jitter so that each node on the ways to both ends is off by the whole residual of its level.
    What they must jitter for that is found by running twice: what clocks drift between two messages comes on top.
    """
    limits, alignment = reference.limits, reference.alignment
    src, dst, nodes = int(timeline.src[slot]), int(timeline.dst[slot]), alignment.nodes
    late, early = ways_apart(alignment, src, dst, apart=False)
    residual_fs = int(limits.residual_cycles * reference.wave.cycle_fs)
    wanted = dict.fromkeys(late, residual_fs) | dict.fromkeys(early, -residual_fs)
    ppt = int(limits.rho * 10**12)
    clocks = {node: Drawn(-ppt if node == src else ppt) for node in range(nodes)}
    jitter = dict(wanted)
    delays = [int(delay * reference.wave.cycle_fs) for delay in limits.delays_cycles]
    place = limits.place_of(reference.build.links.link_class)[reference.build.slots.link].tolist()
    for attempt in range(5):
        chosen = Chosen(
            clocks, lambda row, _: delays[place[row]], lambda child, _, now=dict(jitter): now.get(child, 0), {}, 0.5
        )
        outcome = run_session(reference, next(sessions(reference.build)), chosen)
        for node, off in wanted.items():
            parent = int(alignment.tree.parent[node])
            jitter[node] += off - (aligned_fs(outcome, node) - aligned_fs(outcome, parent))
        if attempt < 2:
            # When deskews end depends on phases in turn, so these stay from then on.
            phases = {node: _phase(reference, timeline, slot, node, outcome) for node in clocks}
            clocks = {node: replace(drawn, phase=phases[node]) for node, drawn in clocks.items()}
    return chosen


def aligned_fs(outcome: Outcome, node: int) -> int:
    """Return when a node ended its first deskew."""
    return outcome.resumed[0, node][0]


def _phase(reference: Reference, timeline: Timeline, slot: int, node: int, outcome: Outcome) -> int:
    """Return the phase at tick 0 with which a node swings most from its deskew to the slot."""
    limits = reference.limits
    sends = node == int(timeline.src[slot])
    lasts = float((timeline.sent_cycles if sends else timeline.due_cycles)[1, slot])
    half = min(float(limits.spread_rate) * lasts, 0.5) / 2
    begins = -half if sends else 0.5 - half
    tick = outcome.resumed.get((0, node), (0, 0))[1]
    return int((begins - float(limits.spread_rate) * tick / 10**6) % 1 * TURN)


def clocks_seen(reference: Reference, chosen: Chosen, outcome: Outcome) -> NodeClocks:
    """Return the clocks of a run of the reference in the form of the kernel, whose one segment has its deskews."""
    deskews, nodes = len(reference.alignment.segment), reference.alignment.nodes
    cycle, limits = float(reference.wave.cycle_fs), reference.limits
    aligned, slowness, phase = np.zeros((deskews, nodes)), np.ones((deskews, nodes)), np.zeros((deskews, nodes))
    ramp = np.zeros(nodes)
    begin = min(time for time, _ in outcome.resumed.values())
    for (deskew, node), (time, tick) in outcome.resumed.items():
        drawn = chosen.clocks.get(node, Drawn())
        ramp[node] = float(limits.ramp) * drawn.ramp_ppt / 1e12
        row = max(deskew, 0)
        if deskew >= 0 or (0, node) not in outcome.resumed:
            aligned[row, node] = (time - begin) / cycle
            slowness[row, node] = 1 / float(reference.wave.rate(drawn)) - ramp[node] * tick / 10**6
            phase[row, node] = drawn.phase / TURN + float(limits.spread_rate) * tick / 10**6
    swing = float(limits.slowdown / limits.spread_rate)
    return NodeClocks(aligned, slowness, phase, ramp, float(limits.spread_rate), swing, 1.0)


def ns_of(time_fs: int) -> Fraction:
    """Return a time in ns."""
    return Fraction(time_fs, FEMTOSECONDS_PER_US // 1000)
