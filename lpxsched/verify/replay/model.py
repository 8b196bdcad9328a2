"""The operators of a graph, segment by segment, and what is the same of them in every round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.verify.replay.dispatch import dispatches
from lpxsched.verify.replay.functions import GRAPH_FILE, Setting, in_rows
from lpxsched.verify.replay.kinds import functions_of
from lpxsched.verify.replay.mixtures import mixtures
from lpxsched.verify.replay.placement import dealt, nodes_of, segment_of
from lpxsched.verify.replay.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphFile, GraphOperator, GraphTensor
    from lpxsched.verify.replay.dispatch import Dispatch
    from lpxsched.verify.replay.functions import Function
    from lpxsched.verify.replay.mixtures import Mixture

FEWEST_LANES = 2
MOST_STEPS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A graph whose operators can be computed.

    Attributes
    ----------
    operators : list of GraphOperator
    tensors : dict of GraphTensor
        By name.
    settings : tuple of Setting
        Of each operator, in no round.
    writer : dict
        The operator that leaves each tensor.
    order : tuple of tuple of int
        The operators of each segment, writers before readers.
    mixtures, dispatches : tuple
        Layers of experts.
    ends : tuple of str
        What hosts take of each segment, and give to the next one; empty where the graph is no chain of segments.
    steps : int
        Steps of a micro-batch that are replayed: no more than the context holds rows for.
    windows : tuple of int
        Times that each segment is visited in a step.
    """

    operators: list[GraphOperator]
    tensors: dict[str, GraphTensor]
    settings: tuple[Setting, ...]
    writer: dict[str, int]
    order: tuple[tuple[int, ...], ...]
    mixtures: tuple[Mixture, ...]
    dispatches: tuple[Dispatch, ...]
    ends: tuple[str, ...]
    steps: int
    windows: tuple[int, ...]

    @property
    def lanes(self) -> int:
        """Numbers that stand for a vector."""
        return self.settings[0].lanes if self.settings else FEWEST_LANES

    def functions(self, segment: int, now: Round) -> dict[int, Function]:
        """Return the function of each operator of a segment in a round."""
        numbers = self.order[segment]
        settings = [replace(self.settings[number], round=now) for number in numbers]
        return dict(zip(numbers, functions_of(settings, self.mixtures, self.dispatches), strict=True))


def model_of(build: Build, seed: int) -> Model:
    """Return the operators of a build.

    Raises
    ------
    InputError
        Where the graph does not say what its operators compute.
    """
    graph = build.graph
    tensors, ends = {tensor.name: tensor for tensor in graph.tensors}, _ends(build)
    found, dispatched = tuple(mixtures(graph)), tuple(dispatches(graph))
    steps = min([MOST_STEPS, *_contexts(graph)]) if ends else 1
    settings = [
        Setting(
            operator,
            {name: tensors[name] for name in (*(read.tensor for read in operator.inputs), *operator.outputs)},
            len(nodes_of(build, operator)),
            FEWEST_LANES,
            seed,
            Round(steps=steps),
            dealt(build, operator),
        )
        for operator in graph.operators
    ]
    lanes = max([FEWEST_LANES, *(function.lanes() for function in functions_of(settings, found, dispatched))])
    writer = {name: number for number, operator in enumerate(graph.operators) for name in operator.outputs}
    return Model(
        operators=graph.operators,
        tensors=tensors,
        settings=tuple(replace(setting, lanes=lanes) for setting in settings),
        writer=writer,
        order=_order(build, writer),
        mixtures=found,
        dispatches=dispatched,
        ends=ends,
        steps=steps,
        windows=_windows(build, dispatched),
    )


def _contexts(graph: GraphFile) -> list[int]:
    """Return for how many steps each operator of attention has room in its context; 1 where it says nonsense."""
    told = [operator.sizes for operator in graph.operators if "context" in operator.sizes]
    rows = [max(1, sizes.get("rows_per_user", 1)) for sizes in told]
    return [
        max(1, 1 + (sizes["context"] - sizes.get("room", own)) // max(1, sizes.get("stay", own)))
        for sizes, own in zip(told, rows, strict=True)
    ]


def _windows(build: Build, dispatched: Sequence[Dispatch]) -> tuple[int, ...]:
    """Return how often each segment is visited in a step."""
    windows = [1] * len(build.graph.segments)
    segments = {operator.name: segment_of(build, operator) for operator in build.graph.operators}
    for layer in dispatched:
        windows[segments[layer.expert]] = max(windows[segments[layer.expert]], layer.replayed)
    return tuple(windows)


def _ends(build: Build) -> tuple[str, ...]:
    """Return the one tensor that hosts take of each segment; none where a segment does not begin and end at hosts."""
    tensors = {tensor.name: tensor for tensor in build.graph.tensors}
    ends: list[list[str]] = [[] for _ in build.graph.segments]
    begun = set()
    for operator in build.graph.operators:
        if operator.place == "hosts" and not operator.outputs:
            ends[segment_of(build, operator)] += [read.tensor for read in operator.inputs]
        elif operator.place == "hosts" and not operator.inputs:
            begun.add(segment_of(build, operator))
    rows = {tensors[name].rows for names in ends for name in names}
    chained = len(begun) == len(ends) and all(len(names) == 1 and in_rows(tensors[names[0]]) for names in ends)
    return tuple(name for names in ends for name in names) if chained and len(rows) == 1 else ()


def _order(build: Build, writer: dict[str, int]) -> tuple[tuple[int, ...], ...]:
    """Return the operators of each segment, writers before readers."""
    operators = build.graph.operators
    segments = [segment_of(build, operator) for operator in operators]
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for number, operator in enumerate(operators):
        for read in operator.inputs:
            if read.tensor not in writer:
                raise InputError(GRAPH_FILE, f"reads {read.tensor}, which no operator leaves", key=operator.name)
            if segments[writer[read.tensor]] != segments[number]:
                raise InputError(GRAPH_FILE, f"reads {read.tensor} of another segment", key=operator.name)
        sorter.add(number, *(writer[read.tensor] for read in operator.inputs))
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        names = [operators[number].name for number in error.args[1]]
        raise InputError(GRAPH_FILE, f"operators wait for each other in a circle: {', '.join(names)}") from error
    return tuple(
        tuple(number for number in order if segments[number] == row) for row in range(len(build.graph.segments))
    )
