"""From options to the timetable of one collective; only wires the stages.

A module of its own: most collectives are solved faster than what models need besides is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.assembly.assembled import assembled
from lpxsched.assembly.collective_segment import collective_segment
from lpxsched.assembly.graph import collective_graph
from lpxsched.assembly.manifest import signed_build
from lpxsched.assembly.results import collective_results
from lpxsched.clocks.specification import load_clock
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.participants import participants, root_shard
from lpxsched.schedule.collective import solve_collective
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.traffic.collectives import Collective

if TYPE_CHECKING:
    from lpxsched.options import CollectiveOptions
    from lpxsched.timetable.build import Build


def compile_collective(options: CollectiveOptions) -> tuple[Build, float]:
    """Return the build of a collective on a fabric, and how long the solver took in seconds.

    Raises
    ------
    InputError, InfeasibleError, NothingFoundError
    """
    fabric = load_fabric(options.topology)
    clock = load_clock(options.clock, fabric.chip.clock_mhz)
    chips = participants(fabric, options.chips, relays=options.relays)
    root = root_shard(options.kind, chips, options.root)
    collective = Collective(options.kind, len(chips), options.vectors, root)
    problem = collective_instance(fabric, chips, collective, relays=options.relays)
    solving = SolveOptions(options.solver, options.effort, options.seed, options.cyclic, options.deadline)
    scheduled = solve_collective(fabric, problem, clock, solving)
    segments = [collective_segment(fabric, clock, scheduled, deadline_cycles=options.deadline)]
    made = assembled(fabric, clock, scheduled.tree, segments, collective_graph(scheduled.problem))
    build = signed_build(options, made, collective_results(options, made, scheduled))
    return build, scheduled.solve_seconds
