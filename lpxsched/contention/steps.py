"""Steps of a build whose links and units are served at run time: how long they take, and what that is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.drawing import drawing_of
from lpxsched.contention.kernel import run
from lpxsched.contention.network import PS_PER_NS, refuse_ports
from lpxsched.contention.runtime import read_runtime, runtime_of
from lpxsched.contention.state import BARRIER, QUEUE, START_UP, fresh_state

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.drawing import Drawing
    from lpxsched.contention.runtime import Runtime
    from lpxsched.options import ContendOptions
    from lpxsched.timetable.build import Build

PARTS = (START_UP, BARRIER, QUEUE)


@dataclass(frozen=True, slots=True, eq=False)
class Contended:
    """What steps showed.

    Attributes
    ----------
    segment_ps : ndarray of int64, shape (steps, segments)
        How long each segment took.
    parts_ps : ndarray of int64, shape (steps, segments, 3)
        Start-up, barrier and queueing on the way that took longest; the rest are operators and wires.
    """

    segment_ps: Integers
    parts_ps: Integers


def contended_steps(build: Build, options: ContendOptions) -> NDArray[np.float64]:
    """Return how long steps take within the fabric when links are arbitrated at run time.

    Parameters
    ----------
    build : Build
    options : ContendOptions

    Returns
    -------
    ndarray of float64, shape (steps,)
        In ns: all segments of one micro-batch, one after the other, in steps that are drawn independently. Neither GPUs
        nor hand-overs are in it. Step i is the same whatever the number of steps.

    Raises
    ------
    InputError
    """
    shown = contend_with(build, options, runtime_of(read_runtime(options.runtime)))
    return np.asarray(shown.segment_ps.sum(axis=1) / PS_PER_NS)


def contend_with(build: Build, options: ContendOptions, runtime: Runtime) -> Contended:
    """Return what steps show, segment by segment, with a runtime of one's own in the place of that of the options.

    Raises
    ------
    InputError
        When the build asks for what is not modelled, or a chip does not reach another one.
    """
    refuse_ports(build)
    shape = options.steps, len(build.segments)
    lasted, parts = np.zeros(shape, dtype=np.int64), np.zeros((*shape, len(PARTS)), dtype=np.int64)
    for segment in range(len(build.segments)):
        drawing = drawing_of(build, segment, options, runtime)
        for step in range(options.steps):
            lasted[step, segment], parts[step, segment] = _run(drawing, step)
    return Contended(lasted, parts)


def _run(drawing: Drawing, number: int) -> tuple[int, Integers]:
    """Return how long a segment takes in a step, and the parts of that, in ps."""
    laid = drawing.laid
    state = fresh_state(laid.program)
    left = run(laid.program, drawing.step(number), state)
    assert not left, f"{left} tasks wait for what never comes"
    ends = laid.program.groups.first[laid.ends]
    last = ends[np.argmax(state.ended[ends])]
    return int(state.ended[last]), state.task[last, list(PARTS)]
