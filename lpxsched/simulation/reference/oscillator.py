"""When a clock ticks: exact integers, time in femtoseconds, ticks in millionths of a cycle.

A clock of the mean rate r = 1 - d/2 + delta reaches its tick n at the true time

    n / r + Y(n) - ramp n^2 / 2

in its nominal cycles. Y is what a triangle between +d/2 and -d/2 of the rate f sums up to: with v the part of a turn
that has passed, from the peak on, Y = d / (2 f) (v - 2 v^2) in the first half turn, and downwards in the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

PARTS = 1_000_000
TURN = 1 << 32
FEMTOSECONDS_PER_US = 10**9


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one clock is within its specification.

    Attributes
    ----------
    offset_ppt : int
        Error of its mean rate, in parts of 10^12.
    phase : int
        Part of a turn of its spread that has passed at tick 0, of 2^32.
    ramp_ppt : int
        Part of the largest ramp that it takes, in parts of 10^12.
    """

    offset_ppt: int = 0
    phase: int = 0
    ramp_ppt: int = 0


@dataclass(frozen=True, slots=True)
class Oscillator:
    """A clock as integers.

    Attributes
    ----------
    steady : tuple of int
        Femtoseconds of a millionth of a cycle, as a fraction.
    turns : tuple of int
        Turns of the spread in a millionth of a cycle, as a fraction.
    swing : tuple of int
        d / (2 f) in femtoseconds, as a fraction.
    ramp : tuple of int
        Half the ramp, in femtoseconds a squared millionth of a cycle, as a fraction.
    phase : int
    """

    steady: tuple[int, int]
    turns: tuple[int, int]
    swing: tuple[int, int]
    ramp: tuple[int, int]
    phase: int

    def time_fs(self, ticks: int) -> int:
        """Return the true time of a tick."""
        time = ticks * self.steady[0] // self.steady[1]
        if self.swing[0]:
            time += self._swung_fs(ticks) - self._swung_fs(0)
        if self.ramp[0]:
            time -= self.ramp[0] * ticks * ticks // self.ramp[1]
        return time

    def ticks_at(self, time_fs: int) -> int:
        """Return the tick of a true time, to a millionth of a cycle."""
        per_fs, ticks = self.steady, time_fs * self.steady[1] // self.steady[0]
        while abs(missing := time_fs - self.time_fs(ticks)) * per_fs[1] > per_fs[0]:
            ticks += missing * per_fs[1] // per_fs[0]
        return ticks

    def _swung_fs(self, ticks: int) -> int:
        turn = TURN * self.turns[1]
        passed = (ticks * self.turns[0] * TURN + self.phase * self.turns[1]) % turn
        half, passed = divmod(2 * passed, turn)
        # passed / turn is twice the part v of a turn since the last half turn: v - 2 v^2 = (x - x^2) / 2.
        swung = self.swing[0] * passed * (turn - passed) // (2 * self.swing[1] * turn * turn)
        return -swung if half else swung


@dataclass(frozen=True, slots=True)
class Wave:
    """What all clocks of a fabric have in common.

    Attributes
    ----------
    cycle_fs : Fraction
    slowdown, spread_rate, ramp : Fraction
        d/2; f in turns a cycle; the largest ramp a cycle.
    """

    cycle_fs: Fraction
    slowdown: Fraction
    spread_rate: Fraction
    ramp: Fraction

    def rate(self, drawn: Drawn) -> Fraction:
        """Return the mean rate of a clock."""
        return 1 - self.slowdown + Fraction(drawn.offset_ppt, 10**12)

    def oscillator(self, drawn: Drawn) -> Oscillator:
        """Return a clock."""
        return Oscillator(
            steady=(self.cycle_fs / (self.rate(drawn) * PARTS)).as_integer_ratio(),
            turns=(self.spread_rate / PARTS).as_integer_ratio(),
            swing=(self.slowdown / self.spread_rate * self.cycle_fs).as_integer_ratio(),
            ramp=(self.ramp * Fraction(drawn.ramp_ppt, 10**12) / 2 * self.cycle_fs / PARTS**2).as_integer_ratio(),
            phase=drawn.phase,
        )
