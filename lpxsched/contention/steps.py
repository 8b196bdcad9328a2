"""Steps of a build whose links and units are served at run time: how long they take, and what that is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.contention.kernel import (
    ADAPTIVE,
    BARRIER,
    FIFO,
    HASH,
    MINIMAL,
    QUEUE,
    RANDOM,
    START_UP,
    fresh_state,
    run,
)
from lpxsched.contention.laying import Wiring, lay
from lpxsched.contention.network import PS_PER_NS, header_allowed
from lpxsched.contention.runtime import read_runtime, runtime_of
from lpxsched.contention.tables import Step
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.laying import Laid
    from lpxsched.contention.runtime import Runtime
    from lpxsched.options import ContendOptions
    from lpxsched.timetable.build import Build

ROUTINGS = {"minimal": MINIMAL, "hash": HASH, "adaptive": ADAPTIVE}
ARBITRATIONS = {"fifo": FIFO, "random": RANDOM}
# Ways among which a packet chooses with adaptive routing.
CHOICES = 2
PARTS = (START_UP, BARRIER, QUEUE)


@dataclass(frozen=True, slots=True, eq=False)
class Contended:
    """What steps showed.

    Attributes
    ----------
    segment_ps : ndarray of int64, shape (steps, segments)
        How long each segment took.
    parts_ps : ndarray of int64, shape (steps, segments, 3)
        Start-up, barrier and queueing along the way that took longest; the rest are operators and wires.
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
    return np.asarray(contend(build, options).segment_ps.sum(axis=1) / PS_PER_NS)


def contend(build: Build, options: ContendOptions) -> Contended:
    """Return what steps show, segment by segment.

    Raises
    ------
    InputError
    """
    runtime = runtime_of(read_runtime(options.runtime))
    header_allowed(build)
    segments = len(build.segments)
    lasted = np.zeros((options.steps, segments), dtype=np.int64)
    parts = np.zeros((options.steps, segments, len(PARTS)), dtype=np.int64)
    for segment in range(segments):
        laid = lay(build, segment, _wiring(options, runtime))
        for step in range(options.steps):
            generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence((options.seed, segment, step))))
            lasted[step, segment], parts[step, segment] = _run(laid, options, runtime, generator)
    return Contended(lasted, parts)


def _wiring(options: ContendOptions, runtime: Runtime) -> Wiring:
    return Wiring(
        runtime.packet_vectors,
        runtime.header_bytes,
        CHOICES if options.routing == "adaptive" else 1,
        options.routing == "hash",
        options.seed,
    )


def _run(laid: Laid, options: ContendOptions, runtime: Runtime, generator: np.random.Generator) -> tuple[int, Integers]:
    """Return how long a segment takes once, and the parts of that."""
    program = laid.program
    calls = len(program.calls.sends.at) - 1
    drawn = runtime.start_up_ns * np.exp(runtime.deviation * generator.standard_normal(calls))
    step = Step(
        duration=laid.duration_ps,
        start_up=np.minimum(np.rint(drawn * PS_PER_NS), NEVER).astype(np.int64),
        sent=laid.send_vectors,
        carried=laid.hop_vectors,
        missing=laid.awaited[program.groups.group_of],
        routing=ROUTINGS[options.routing],
        arbitration=ARBITRATIONS[options.arbitration],
        seed=int(generator.integers(2**62)),
    )
    state = fresh_state(program)
    left = run(program, step, state)
    assert not left, f"{left} tasks wait for what never comes"
    ends = program.groups.first[laid.ends]
    last = ends[np.argmax(state.ended[ends])]
    return int(state.ended[last]), state.task[last, list(PARTS)]
