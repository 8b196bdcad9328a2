"""Ways of copied blocks: several greedy searches, each a candidate for the placement that follows."""

from __future__ import annotations

from itertools import count, permutations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lpxsched.schedule import policy
from lpxsched.schedule.problem.wires import FAR
from lpxsched.schedule.routes.even_loads import balanced_parents, balanced_routes
from lpxsched.schedule.routes.list_schedule import spread_ways
from lpxsched.schedule.routes.matching.search import match
from lpxsched.schedule.routes.matching.tables import Job
from lpxsched.schedule.routes.merging import pace
from lpxsched.schedule.routes.trees import Merging, PackedTrees, packed_trees
from lpxsched.schedule.symmetry.quotient import HALVES, Blocks, Quotient, Ways
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers

Urgency = Literal["near", "far", "flat", "balanced", "by hop", "spread"]


class Choice(NamedTuple):
    """One way to search, with blocks of at most some length.

    Over a link goes first what ends near, what ends far, or what waits longest (``flat``); ``balanced`` and ``by hop``
    route blocks with one reader beforehand, ``spread`` takes ways of earliest arrival. `minimal` keeps blocks that
    everyone reads to shortest ways. The mixture is how many blocks of a piece cross the classes of links in each of the
    `class_orders`; the rest is free. With a price of forks `balanced_parents` makes loads even, in which first hops may
    count.
    """

    length: int
    urgency: Urgency
    minimal: bool
    seed: int
    mixture: tuple[int, ...] = ()
    fork_price: float | None = None
    count_first: bool = True


Style = Choice | PackedTrees
# Of searches that price forks, which all are near ones and leave chance out, by length of blocks, whether ways are the
# shortest, mixture, and parents: what was found, `None` where a limit passed.
KnownWays = dict[tuple[int, bool, tuple[int, ...], bytes], Ways | None]
NO_PARENTS = np.zeros((0, 0), dtype=np.int32)


def first_choices(problem: Quotient, *, seed: int, unit_blocks: bool) -> Iterator[Style]:
    """Yield one search of every style with every length of blocks, the most promising first.

    Seed 0 leaves chance out; `unit_blocks` makes every vector a slot of its own.
    """
    lengths = block_lengths(problem, unit_blocks=unit_blocks)
    for urgency, minimal in _styles(problem):
        for length in lengths:
            yield Choice(length, urgency, minimal, seed)
    if problem.flow.is_for_everyone:
        pairs = ((length, mixture) for length in lengths for mixture in mixtures(problem, length))
        yield from (Choice(length, "near", True, seed, mixture) for length, mixture in pairs)


def further_choices(problem: Quotient, lengths: Sequence[int], *, seed: int, cyclic: bool) -> Iterator[Style]:
    """Yield searches with other seeds without end, over the lengths that were best so far."""
    for number in count(seed + 1):
        for length in lengths:
            yield from (Choice(length, urgency, minimal, number) for urgency, minimal in _styles(problem))
            if cyclic and problem.flow.is_for_everyone:
                yield Choice(length, "near", False, number, (), 0.0)
            if problem.flow.is_for_everyone:
                for mixture in mixtures(problem, length) or [()]:
                    for fork_price in policy.FORK_PRICES:
                        yield Choice(length, "near", True, number, mixture, fork_price, cyclic)


def packs_trees(problem: Quotient) -> bool:
    """Return whether trees are packed: of what everyone reads, where sums and copies need not share blocks."""
    alone = problem.symmetry.order == 1 and problem.network.bundles > 0
    return alone and problem.flow.is_for_everyone and problem.instance.stage.kind != "all-reduce"


def packings(problem: Quotient, *, seed: int, unit_blocks: bool) -> Iterator[PackedTrees]:
    """Yield packings of trees with every length of blocks; as many as are asked for, with further seeds."""
    lengths = [length for length in block_lengths(problem, unit_blocks=unit_blocks) if length != HALVES]
    asides = (True, False) if problem.instance.stage.kind == "reduce" else (False,)
    for number in count(seed):
        for exact, turns in _exact_packings(problem, number):
            yield from (PackedTrees(lengths[0], 0.0, exact, beside, turns=turns) for beside in asides)
        for length in lengths:
            for beside in asides:
                yield from (PackedTrees(length, late_price, number, beside) for late_price in policy.LATE_PRICES)
        yield from _mergings(problem, number, unit_blocks=unit_blocks)


def _exact_packings(problem: Quotient, number: int) -> list[tuple[int, int]]:
    """Return seeds and turns of exact trees; those of one piece are too deep."""
    network = problem.network
    if network.nodes > min(network.width, policy.MOST_EXACT_NODES) or len(problem.representatives) == 1:
        return []
    is_small = network.nodes <= policy.MANY_EXACT_NODES
    seeds, every = (policy.EXACT_SEEDS, policy.EXACT_TURNS) if is_small else (1, policy.EXACT_TURNS[:1])
    return [(seeds * number + some, turns) for some in range(seeds) for turns in every]


def _mergings(problem: Quotient, seed: int, *, unit_blocks: bool) -> Iterator[PackedTrees]:
    """Yield sums over several hops that summands pass as they are, in blocks that just keep a vector unit busy."""
    if problem.instance.stage.kind != "reduce" or _longest_route(problem) < 2:
        return
    vectors, nodes = problem.instance.stage.vectors, problem.network.nodes
    alike = [Merging(nodes, alike) for alike in policy.ALIKE]
    for merging in [*alike, *(Merging(streams, NEVER) for streams in (*policy.STREAMS, nodes))]:
        paced = pace(problem, min(merging))
        for length in [1] if unit_blocks else sorted({min(vectors, n) for n in (paced - 1, paced, 2 * paced) if n}):
            yield PackedTrees(length, policy.LATE_PRICES[0], seed, merging=merging)


def _styles(problem: Quotient) -> list[tuple[Urgency, bool]]:
    """Return urgencies, and whether ways are the shortest ones."""
    styles: list[tuple[Urgency, bool]] = [("near", True), ("far", False), ("flat", False)]
    if not problem.flow.is_for_everyone:
        styles = [("balanced", True), ("by hop", True), ("flat", True), ("far", True)]
    if problem.symmetry.order == 1:
        has_relays = problem.network.nodes > problem.network.width
        styles.insert(0 if has_relays else len(styles), ("spread", False))
    return styles


def class_orders(problem: Quotient) -> Integers:
    """Return, for each order of the classes of links, the rank of each bundle; shape (orders, bundles)."""
    classes, number = np.unique(problem.network.link_class, return_inverse=True)
    if not 2 <= len(classes) <= policy.MOST_ORDERED_CLASSES:
        return np.zeros((0, problem.network.bundles), dtype=np.int64)
    return np.ascontiguousarray(np.array(list(permutations(range(len(classes)))), dtype=np.int64)[:, number])


def mixtures(problem: Quotient, length: int) -> Sequence[tuple[int, ...]]:
    """Return how many blocks of a piece may cross the classes in each order: near the ratio of lanes they end on.

    Ways in one order have few forks: sums along them are few. Of two orders each loads mostly the links of its last
    class, so both are needed to load all links.
    """
    orders = class_orders(problem)
    if not len(orders):
        return []
    lanes = problem.network.lanes
    last = np.array([int(lanes[rank == 1].sum()) for rank in orders], dtype=np.int64)
    longest = int(problem.flow.vectors.max(initial=1))
    blocks = longest.bit_length() if length == HALVES else -(-longest // length)
    pairs = [(one, two) for one in range(blocks + 1) for two in range(blocks + 1 - one) if one + two]

    def distance(pair: tuple[int, ...]) -> tuple[float, int]:
        wanted = [blocks * int(share) / int(last.sum()) for share in last]
        return sum(abs(some - want) for some, want in zip(pair, wanted, strict=True)), -sum(pair)

    return sorted(pairs, key=distance)[: policy.MOST_MIXTURES]


def block_lengths(problem: Quotient, *, unit_blocks: bool) -> list[int]:
    """Return lengths worth trying: single vectors, whole pieces, and halves of halves between."""
    longest = int(problem.flow.vectors.max(initial=1))
    if unit_blocks or longest == 1:
        return [1]
    halves = list(dict.fromkeys(-(-longest // 2**power) for power in range(longest.bit_length() + 1)))
    ends = zip(halves[::-1][: policy.LENGTHS_AT_EACH_END], halves[: policy.LENGTHS_AT_EACH_END], strict=True)
    lengths = list(dict.fromkeys(length for pair in ends for length in pair))
    hops = problem.network.width if problem.flow.is_for_everyone else _longest_route(problem)
    vectors = problem.flow.vectors[problem.representatives]
    fine = [length for length in lengths if int((-(-vectors // length)).sum()) * hops <= policy.MOST_SLOTS]
    return [*(fine or [longest]), *([HALVES] if longest >= policy.LONG_PIECE else [])]


def find_ways(
    problem: Quotient, choice: Style, *, limit: int = NEVER, mirrored: bool = False, known: KnownWays | None = None
) -> Ways | None:
    """Return the ways that a search finds, None when it passes `limit` cycles; `mirrored` as in `Quotient.blocks`.

    What is `known` of this problem, searched for within limits that were no less, is not searched for again.
    """
    if isinstance(choice, PackedTrees):
        return packed_trees(problem, choice)
    if choice.urgency == "spread":
        return spread_ways(problem, choice.length, seed=choice.seed)
    blocks = problem.blocks(choice.length, mirrored=mirrored)
    if choice.urgency in ("balanced", "by hop"):
        return _balanced(problem, blocks, choice)
    if choice.fork_price is None:
        return _matched(problem, blocks, choice, NO_PARENTS, limit)
    searched: KnownWays = {} if known is None else known

    def once(mixture: tuple[int, ...], parents: NDArray[np.int32]) -> Ways | None:
        key = choice.length, choice.minimal, mixture, parents.tobytes()
        if key not in searched:
            searched[key] = _matched(problem, blocks, choice._replace(mixture=mixture), parents, limit)
        ways = searched[key]
        return None if ways is None or ways.makespan_cycles > limit else ways

    ways = once(choice.mixture, NO_PARENTS)
    if ways is None:
        return None
    minimal, seed, count_first = choice.minimal, choice.seed, choice.count_first
    parents = balanced_parents(problem, ways, choice.fork_price, minimal=minimal, seed=seed, count_first=count_first)
    return once((), parents)


def _matched(problem: Quotient, blocks: Blocks, choice: Choice, parents: NDArray[np.int32], limit: int) -> Ways | None:
    everyone = problem.flow.is_for_everyone
    most = len(blocks) * (problem.network.width if everyone else _longest_route(problem))
    urgency, orders = _urgency(problem, choice.urgency), _orders(problem, blocks, choice.mixture)
    job = Job(blocks, problem.way, urgency, choice.minimal, *orders, parents)
    noise = choice.seed if choice.fork_price is None else 0
    slots, makespan = match(problem.wires, job, noise, most + 1, limit)
    if makespan == NEVER:
        return None
    block, bundle, lane, depart = slots
    return Ways(blocks, block, bundle, lane, depart, makespan)


def _orders(problem: Quotient, blocks: Blocks, mixture: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Return the order of classes that each block keeps, `NONE` for none, and the ranks of bundles in each."""
    orders = class_orders(problem)
    first_of_piece = np.searchsorted(blocks.piece, blocks.piece)
    number = np.arange(len(blocks)) - first_of_piece
    limits = np.cumsum(mixture, dtype=np.int64)
    order = np.searchsorted(limits, number, side="right")
    return np.where(order < len(limits), order, NONE).astype(np.int64), orders


def _longest_route(problem: Quotient) -> int:
    """Return a bound on the hops of a shortest way."""
    finite = problem.way[problem.way < FAR]
    between = problem.wires.hop.min(initial=1) + problem.network.turnaround_cycles
    return int(finite.max(initial=1) // max(1, between)) + 1


def _urgency(problem: Quotient, urgency: Urgency) -> NDArray[np.uint8]:
    """Return the class of each way: shortest first, longest first, or all alike."""
    if urgency == "flat":
        return np.zeros_like(problem.way_class)
    return problem.way_class if urgency == "near" else problem.way_class.max() - problem.way_class


def _balanced(problem: Quotient, blocks: Blocks, choice: Choice) -> Ways:
    """Route blocks so that loads are even; guess times that send short routes and late hops after long and early."""
    offsets, bundle = balanced_routes(problem, blocks, seed=choice.seed, by_hop=choice.urgency == "by hop")
    hops = np.diff(offsets)
    block = np.repeat(np.arange(len(blocks)), hops)
    position = np.arange(len(bundle)) - offsets[block]
    if choice.seed % 2:
        # Whole routes one after the other, in a random order.
        guess = np.random.default_rng(choice.seed).permutation(len(blocks))[block] * int(hops.max(initial=1)) + position
    else:
        guess = position * len(blocks) * 64 - (hops[block] - position) * len(blocks) + block
    order = np.lexsort((position, guess))
    return Ways(blocks, block[order], bundle[order], np.zeros_like(bundle), np.arange(len(bundle), dtype=np.int64))
