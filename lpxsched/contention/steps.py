"""Steps of a build whose links and units are served at run time: how long they take, and what that is made of."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.flags import without_flag_rows
from lpxsched.contention.circle import between_of, circle_of
from lpxsched.contention.drawing import drawing_of
from lpxsched.contention.experts import has_routed_experts
from lpxsched.contention.kernel import run
from lpxsched.contention.network import picoseconds, refuse_ports
from lpxsched.contention.rounds import PARTS, run_rounds
from lpxsched.contention.state import fresh_state
from lpxsched.errors import InputError

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.drawing import Drawing
    from lpxsched.contention.runtime import Runtime
    from lpxsched.options import ContendOptions
    from lpxsched.timetable.build import Build


@dataclass(frozen=True, slots=True, eq=False)
class Contended:
    """What steps showed.

    Attributes
    ----------
    segment_ps : ndarray of int64, shape (steps, segments)
        How long each segment took.
    parts_ps : ndarray of int64, shape (steps, segments, 3)
        Start-up, barrier and queueing on the way that took longest; the rest are operators and wires.
    round_ps : ndarray of int64, shape (steps,)
        Of micro-batches in flight: from the beginning of a step to that of the next one, what lies outside of the
        fabric included, as it is told. Empty where one runs alone.
    """

    segment_ps: Integers
    parts_ps: Integers
    round_ps: Integers

    @property
    def step_ps(self) -> Integers:
        """How long each step took within the fabric: all segments of one micro-batch, one after the other."""
        return np.asarray(self.segment_ps.sum(axis=1))


def contended_steps(build: Build, options: ContendOptions, runtime: Runtime) -> Contended:
    """Return what steps show, segment by segment; where links are arbitrated nobody polls, so flags are left out.

    Parameters
    ----------
    build : Build
    options : ContendOptions
    runtime : Runtime
        In the place of the one that the options name.

    Raises
    ------
    InputError
        When the build asks for what is not modelled, a chip does not reach another one, or the options say which
        experts rows meet where there are none.
    """
    refuse_ports(build)
    if "tokens" in options.model_fields_set and not has_routed_experts(build):
        raise InputError("--tokens", "the build has no routed experts that tokens could meet; leave it out")
    build = without_flag_rows(build)
    drawings = (drawing_of(build, segment, options, runtime) for segment in range(len(build.segments)))
    if build.manifest.results.get("in_flight", 1) > 1:
        return _in_flight(build, list(drawings), options.steps)
    shape = options.steps, len(build.segments)
    lasted, parts = np.zeros(shape, dtype=np.int64), np.zeros((*shape, len(PARTS)), dtype=np.int64)
    for segment, drawing in enumerate(drawings):
        for step in range(options.steps):
            lasted[step, segment], parts[step, segment] = run_step(drawing, step)
    return Contended(lasted, parts, np.zeros(0, dtype=np.int64))


def _in_flight(build: Build, drawings: list[Drawing], steps: int) -> Contended:
    """Return what steps of micro-batches show that run beside each other, begun at the phases of the timetable."""
    results, clock_mhz = build.manifest.results, Fraction(build.manifest.clock_mhz)
    period = int(results["period_cycles"])
    begins = [picoseconds(residue * period, clock_mhz) for residue in results["residues"]]
    circle = circle_of([drawing.laid for drawing in drawings], between_of(build))
    return Contended(*run_rounds(circle, drawings, begins, steps))


def run_step(drawing: Drawing, number: int) -> tuple[int, Integers]:
    """Return how long a segment that runs alone takes in a step, and its parts (`Contended`), in ps."""
    laid = drawing.laid
    state = fresh_state(laid.program)
    left = run(laid.program, drawing.step(number), state)
    assert not left, f"{left} tasks wait for what never comes"
    ends = laid.program.group_first[laid.ends]
    last = ends[np.argmax(state.ended[ends])]
    return int(state.ended[last]), state.task[last, list(PARTS)]
