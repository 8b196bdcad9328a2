"""Mixtures of experts in a form that can be computed: a router or routes that come with rows, experts and a combine."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING

from lpxsched.units import ceil_div, exact
from lpxsched.verify.replay.arithmetic import PRIME
from lpxsched.verify.replay.blocks import plain_kind
from lpxsched.verify.replay.functions import PARTIAL, REPLICATED, in_rows
from lpxsched.verify.replay.routings import HeldExperts, Routed
from lpxsched.verify.replay.shares import RUN_BLOCKS, parts_of

if TYPE_CHECKING:
    from lpxsched.timetable.documents import GraphFile, GraphOperator, GraphTensor

ROUTER, ROUTES, EXPERTS, COMBINE = "router", "routes", "experts", "combine"
# A pair is one number: expert times this, plus a gate below it.
GATES = 1 << 16
MOST_EXPERTS = PRIME // GATES


@dataclass(frozen=True, slots=True)
class Mixture:
    """A layer of experts, as its graph states it.

    Attributes
    ----------
    routed : Routed
    input, routing, pairs, output : str
        Names of the tensors that experts and combine read and leave.
    added : tuple of str
        Further summands that combine adds.
    same : str
        What experts without weights give back; empty where there are none.
    router, expert, combine : str
        Names of the operators.
    by_gpu : bool
        Whether the routing comes with the rows.
    """

    routed: Routed
    input: str
    routing: str
    pairs: str
    output: str
    added: tuple[str, ...]
    same: str
    router: str
    expert: str
    combine: str
    by_gpu: bool

    def lanes(self, routing: GraphTensor) -> int:
        """Return how many numbers a vector must hold so that a row of the routing holds its pairs."""
        return ceil_div(self.routed.rows * self.routed.experts_per_row, routing.vectors)


def mixtures(graph: GraphFile) -> list[Mixture]:
    """Return the mixtures of experts of a graph, one for each block of columns that experts leave.

    Operators of these kinds in another form are not among them.
    """
    tensors = {tensor.name: tensor for tensor in graph.tensors}
    writers = {name: operator for operator in graph.operators for name in operator.outputs}
    widths = {layer: len(group.chips) for layer, group in graph.groups_of_layers().items()}
    found = []
    for operator in graph.operators:
        routings = [name for name in _layouts(operator) if name in writers and writers[name].kind in (ROUTER, ROUTES)]
        if operator.kind != EXPERTS or len(routings) != 1:
            continue
        for reader in readers_of(graph, operator):
            three = (writers[routings[0]], operator, reader)
            found += _mixture(three, routings[0], tensors, widths[operator.layer])
    return found


def readers_of(graph: GraphFile, expert: GraphOperator) -> list[GraphOperator]:
    """Return what adds up the pairs of experts, one block of columns each."""
    combines = [one for one in graph.operators if plain_kind(one.kind) == COMBINE]
    return [one for one in combines if set(_layouts(one)) & set(expert.outputs)]


def named_input(operator: GraphOperator, size: str) -> str:
    """Return the input that a size names: a residual, or what an operator only follows; empty where there is none."""
    place = operator.sizes.get(size, 0)
    return operator.inputs[place].tensor if place else ""


def block_fits(combine: GraphOperator, output: GraphTensor, pairs: GraphTensor) -> bool:
    """Return whether the block of columns that an operator leaves lies within the rows that experts leave."""
    return output.vectors_per_row + combine.sizes.get("first_vector", 0) <= pairs.vectors_per_row


def _layouts(operator: GraphOperator) -> dict[str, str]:
    return {read.tensor: read.layout for read in operator.inputs}


def _mixture(
    three: tuple[GraphOperator, GraphOperator, GraphOperator], routing: str, tensors: dict[str, GraphTensor], width: int
) -> list[Mixture]:
    """Return the mixture of router, experts and combine, or nothing where layouts or numbers are others."""
    router, expert, combine = three
    rows_read = [name for name in _layouts(expert) if name != routing]
    if [len(one.outputs) for one in three] != [1, 1, 1] or len(rows_read) != 1:
        return []
    (x,), (pairs,), (output,) = rows_read, expert.outputs, combine.outputs
    residual, after = named_input(combine, "residual"), named_input(combine, "after")
    read_else = {name: layout for name, layout in _layouts(combine).items() if name != after}
    others = {name: layout for name, layout in read_else.items() if name not in (routing, pairs, residual)}
    same = [name for name, layout in others.items() if layout == REPLICATED]
    added = tuple(name for name, layout in others.items() if layout == PARTIAL)
    wanted = {x: REPLICATED, routing: REPLICATED}, {pairs: PARTIAL, routing: REPLICATED}
    read = {name: layout for name, layout in _layouts(combine).items() if name in wanted[1]}
    as_stated = (_layouts(expert), read) == wanted and len(same) + len(added) == len(others)
    as_stated &= "matrices" in expert.sizes
    as_stated &= all(tensors[name].layout == PARTIAL for name in (pairs, output, *added))
    as_stated &= all(in_rows(tensors[name]) for name in (x, routing, pairs, output, *added, *same))
    kept = [*added, residual] if residual else added
    as_stated &= len({tensors[name].vectors_per_row for name in (pairs, *added)}) == 1
    as_stated &= len({tensors[name].vectors_per_row for name in (output, *kept[len(added) :])}) == 1
    as_stated &= block_fits(combine, tensors[output], tensors[pairs])
    as_stated &= len({tensors[name].rows for name in (x, output, *same, *kept)}) == 1
    per_row = Fraction(tensors[pairs].rows, tensors[x].rows)
    routed = _routed(expert, tensors[x].rows, per_row, width) if per_row.denominator == 1 else None
    if not as_stated or routed is None or tensors[x].rows % tensors[routing].rows or bool(same) != bool(routed.idle):
        return []
    names = (router.name, expert.name, combine.name)
    return [Mixture(routed, x, routing, pairs, output, added, "".join(same), *names, router.kind == ROUTES)]


def _routed(expert: GraphOperator, rows: int, per_row: Fraction, width: int) -> Routed | None:
    """Return who meets whom, by what the experts state; None where they do not."""
    experts, idle = expert.sizes.get("experts", 0), expert.sizes.get("idle", 0)
    held = held_by(expert, experts, width)
    if not held or not 1 <= per_row <= experts + idle <= MOST_EXPERTS:
        return None
    return Routed(rows, experts, idle, int(per_row), held)


def held_by(expert: GraphOperator, experts: int, width: int) -> tuple[HeldExperts, ...]:
    """Return the experts of each of so many shards, as the graph states them; none where it does not."""
    if expert.shares is None:
        return _slices(expert, experts, width)
    return _in_blocks(expert, experts, width) if RUN_BLOCKS in expert.sizes else held_whole(expert, experts)


def _slices(expert: GraphOperator, experts: int, width: int) -> tuple[HeldExperts, ...]:
    """Return all experts on every shard, with as many runs as often one's columns are read of those that are held."""
    read = sum((exact(term.per_column) for term in expert.work if term.counts == "bytes"), Fraction(0))
    kept = [term for resident in expert.resident for term in resident.terms]
    held = sum((exact(term.per_column) for term in kept), Fraction(0))
    runs = experts * read / held if held else Fraction(0)
    if runs.denominator > 1 or runs < 1:
        return ()
    return (HeldExperts(tuple(range(experts)), int(runs), expert.rows // int(runs)),) * width


def _in_blocks(expert: GraphOperator, experts: int, width: int) -> tuple[HeldExperts, ...]:
    """Return the experts of which blocks of columns lie on each shard, with as many runs as its share tells."""
    parts, shares = parts_of(expert, experts, width), expert.shares or []
    return tuple(HeldExperts(of, *_room(rows, runs)) for of, (rows, _, runs) in zip(parts, shares, strict=False))


def held_whole(expert: GraphOperator, experts: int) -> tuple[HeldExperts, ...]:
    """Return the experts that shards hold whole, in the order of the shards."""
    shares = expert.shares or []
    numbers = [held for _, held, _ in shares]
    if sum(numbers) != experts:
        return ()
    return tuple(
        HeldExperts(tuple(range(first, first + held)), *_room(rows, runs))
        for first, (rows, held, runs) in zip(accumulate(numbers, initial=0), shares, strict=False)
    )


def _room(rows: int, runs: int) -> tuple[int, int]:
    """Return the runs of a share, and the rows of each."""
    return runs, max(1, rows // max(1, runs))
