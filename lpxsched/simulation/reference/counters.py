"""Hardware-aligned counters: each chip has one, and its parent sends its own every so often.

A counter is the ticks of its chip and a correction. A message takes the link's latency and some jitter; the child takes
what it reads plus the latency that was measured for its parent's counter, and moves towards it by a step at most, but
by all of it when it hears its parent for the first time. Counters are compared modulo their period: a chip cannot tell
whole periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.simulation.reference.oscillator import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpxsched.simulation.reference.oscillator import Oscillator


@dataclass(frozen=True, slots=True)
class Exchange:
    """How counters are exchanged, in cycles and femtoseconds.

    Attributes
    ----------
    period, every, step : int
        Period of the counter, cycles from one exchange to the next, and the largest move of a child.
    latency_fs : int
        Latency of a link as counters see it.
    measured : int
        The same as it was measured, in millionths of a cycle.
    """

    period: int
    every: int
    step: int
    latency_fs: int
    measured: int


class Counters:
    """The counters of the chips of a tree while time goes on.

    Attributes
    ----------
    correction : dict of int to int
        Of each chip, in millionths of a cycle, whole periods included.
    locked : set of int
        Chips that have heard their parent.
    """

    def __init__(
        self,
        exchange: Exchange,
        parents: Mapping[int, int],
        oscillators: Mapping[int, Oscillator],
        jitter_fs: Callable[[int, int], int],
        start: Mapping[int, int],
    ) -> None:
        self.exchange, self.parents, self.oscillators, self.jitter_fs = exchange, parents, oscillators, jitter_fs
        self.children: dict[int, list[int]] = {}
        for chip, parent in parents.items():
            if parent != chip:
                self.children.setdefault(parent, []).append(chip)
        self.correction = {chip: start.get(chip, 0) for chip in parents}
        self.locked = {chip for chip, parent in parents.items() if chip == parent}
        self.calibration = dict.fromkeys(parents, 0)

    def value_at(self, chip: int, time_fs: int) -> int:
        """Return the counter of a chip at a true time, in millionths of a cycle, whole periods included."""
        return self.oscillators[chip].ticks_at(time_fs) + self.correction[chip]

    def exchanges_by(self, parent: int, time_fs: int) -> int:
        """Return how often a parent has sent its counter by a true time."""
        return self.oscillators[parent].ticks_at(time_fs) // (self.exchange.every * PARTS)

    def next_exchange_fs(self, parent: int, number: int) -> int:
        """Return when a parent sends its counter for the so manieth time."""
        return self.oscillators[parent].time_fs(number * self.exchange.every * PARTS)

    def arrival_fs(self, child: int, number: int, sent_fs: int) -> int:
        """Return when a message that was sent then has come."""
        return sent_fs + self.exchange.latency_fs + self.jitter_fs(child, number)

    def hear(self, child: int, told: int, time_fs: int) -> None:
        """Let a child hear what its parent's counter was when the message left."""
        half = self.exchange.period * PARTS // 2
        wanted = told + self.exchange.measured + self.calibration[child] - self.value_at(child, time_fs)
        off = (wanted + half) % (2 * half) - half
        most = self.exchange.step * PARTS
        if child in self.locked:
            self.correction[child] += max(-most, min(most, off))
        else:
            # Whole periods are nobody's business but the observer's.
            self.correction[child] += wanted
            self.locked.add(child)
