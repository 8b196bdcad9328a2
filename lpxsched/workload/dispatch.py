"""Rows that go only to the chips of their experts: which positions are reserved for them, and the graph of a layer.

A timetable cannot depend on the routing, so every expert has a number of *positions* for the rows of each source, all
of which travel, filled or not; a *label* tells for each position which row it holds, and its gate. The number is the
capacity: all rows of the source, or fewer. Pairs beyond it go again in further *windows*, visits of the same program
with the same rows, at most ceil(rows / capacity) of a source in all: the pairs of an expert are numbered, and window j
takes those from j times the capacity on. No pair is left out.

With the router on the chips each chip is a source. Whole rows come to it from its host, it routes them and sends them
on::

    ingress (hosts) -> router_in -> router -> label, dispatch -> experts -> combine -> egress (hosts)

With the router on the GPUs these are the one source, and the rows go from the hosts straight to the chips of their
experts (``places`` and ``labels`` instead of all before the experts). Either way the pairs of a row are added on the
chips where they are made, and sums of a row from several chips on their way to the hosts. Shared experts and a dense
FFN beside the experts read all rows on all chips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.units import NONE, ceil_div
from lpxsched.workload.datatypes import ROUTER_TYPE, bytes_of
from lpxsched.workload.expert_runs import Pairs
from lpxsched.workload.graph import Operator, Tensor
from lpxsched.workload.work import shard_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnLayer
    from lpxsched.workload.graph import Layout, Place, Unit
    from lpxsched.workload.model import Experts

# Which row a position holds, and its gate.
LABEL_NUMBERS = 2


class Source(NamedTuple):
    """Where rows are routed: how many there are, and for how many of them each expert has room in a window."""

    rows: int
    room: int

    @property
    def windows(self) -> int:
        """Windows that take all its rows whatever the routing."""
        return ceil_div(self.rows, self.room) if self.rows else 0


def sources_of(layer: FfnLayer, batch: int, width: int) -> tuple[Source, ...]:
    """Return the sources: each chip of the group, some without rows, or the GPUs as one."""
    experts, capacity = layer.experts, layer.policy.capacity
    assert experts is not None
    rows_of = shard_sizes(batch, 1, width) if layer.policy.router == "lpu" else [batch]

    def room(rows: int) -> int:
        return rows if capacity is None else min(rows, ceil(capacity * rows * experts.per_token / experts.number))

    return tuple(Source(rows, room(rows)) for rows in rows_of)


def windows_of(layer: FfnLayer, batch: int, width: int) -> int:
    """Return how many windows the worst routing takes."""
    return max(source.windows for source in sources_of(layer, batch, width))


def pairs_on(sources: Sequence[Source], held: int, per_token: int) -> Pairs:
    """Return the pairs that may come to so many experts of a chip in a window (see `expert_runs`)."""
    total = sum(min(source.rows * min(per_token, held), held * source.room) for source in sources)
    return Pairs(held, sum(source.room for source in sources), total)


class Made(NamedTuple):
    """An operator with what it leaves."""

    operator: Operator
    tensors: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A layer on a group of `width` chips: number, rows of a step, types, and bytes of a vector."""

    number: int
    layer: FfnLayer
    batch: int
    precision: Precision
    vector_bytes: int
    width: int

    @property
    def experts(self) -> Experts:
        """The experts of the layer."""
        assert self.layer.experts is not None
        return self.layer.experts

    @property
    def columns(self) -> int:
        """Columns of the rows that reach the experts."""
        return self.experts.latent_columns or self.layer.hidden

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where rows are routed."""
        return sources_of(self.layer, self.batch, self.width)

    @property
    def held(self) -> list[int]:
        """Experts of each chip."""
        return shard_sizes(self.experts.number, 1, self.width)

    def tensor(self, name: str, shape: tuple[int, int, str], layout: Layout, place: Place = "chips") -> Tensor:
        """Return a tensor of rows, columns and a type."""
        return Tensor(f"layer.{self.number}.{name}", self.number, *shape, layout, place, self.vector_bytes)

    def rows(self, columns: int, dtype: str) -> tuple[int, int, str]:
        """Return the shape of all rows of a step."""
        return self.batch, columns, dtype

    def made(
        self,
        kind: str,
        unit: Unit,
        inputs: tuple[tuple[str, Layout], ...],
        *tensors: Tensor | None,
        sizes: tuple[tuple[str, int], ...] = (),
    ) -> Made:
        """Return an operator that leaves a tensor, or of several one on each chip, None where a chip leaves nothing."""
        prefix = f"layer.{self.number}."
        place: Place = "hosts" if unit == "host" else "chips"
        named, names = tuple((prefix + name, layout) for name, layout in inputs), [t.name if t else "" for t in tensors]
        one, several = (names[0], ()) if len(names) == 1 else ("", tuple(names))
        operator = Operator(prefix + kind, kind, self.number, place, unit, named, one, sizes, several)
        return Made(operator, tuple(tensor for tensor in tensors if tensor))


def dispatch_graph(around: Surroundings) -> list[Made]:
    """Return the operators of a layer in topological order."""
    layer, by_gpu = around.layer, around.layer.policy.router == "gpu"
    beside = [(kind, ffn) for kind, ffn in (("dense", layer.dense), ("shared", layer.shared)) if ffn]
    made, activations = list[Made](), around.precision.activations
    rows, summand = around.rows(layer.hidden, activations), around.rows(layer.hidden, around.precision.partials)
    if by_gpu:
        made += [around.made("ingress", "host", (), around.tensor("input", rows, "sharded", "hosts"))] if beside else []
        made += _from_gpus(around)
    else:
        home = _dealt(around.tensor("input", rows, "reserved", "hosts"), [source.rows for source in around.sources])
        made += [around.made("ingress", "host", (), home), *routed_made(around)]
    for kind, ffn in beside:
        output = around.tensor(f"{kind}_output", summand, "partial")
        sizes = (("matrices", ffn.matrices),)
        made.append(around.made(kind, "matrix", (("input", "replicated"),), output, sizes=sizes))
    made += experts_made(around)
    sums: list[tuple[str, Layout]] = [("output", "sharded")]
    sums += [("dense_output", "sharded")] if layer.dense else []
    # Where the chips route, hosts must learn which rows come again.
    again: list[tuple[str, Layout]] = [("routing", "reserved")]
    comes_again = not by_gpu and windows_of(layer, around.batch, around.width) > 1
    return [*made, around.made("egress", "host", (*sums, *(again if comes_again else [])))]


def _from_gpus(around: Surroundings) -> list[Made]:
    """Return the rows that come to their positions, and their labels."""
    (source,) = around.sources
    placed, labels = _positions(around, source, NONE), _labels(around, source, NONE)
    return [around.made("places", "host", (), placed), around.made("labels", "host", (), labels)]


def routed_made(around: Surroundings) -> list[Made]:
    """Return what routes rows at home and sends them on."""
    home: tuple[tuple[str, Layout], ...] = (("input", "reserved"),)
    logits: tuple[tuple[str, Layout], ...] = (("logits", "reserved"),)
    here, experts, made = [source.rows for source in around.sources], around.experts, list[Made]()
    if experts.latent_columns:
        shape = around.rows(around.columns, around.precision.activations)
        made.append(around.made("narrow", "matrix", home, _dealt(around.tensor("latent", shape, "reserved"), here)))
    shape = around.rows(experts.choices, around.precision.partials)
    made.append(around.made("router_in", "matrix", home, _dealt(around.tensor("logits", shape, "reserved"), here)))
    shape = around.rows(LABEL_NUMBERS * experts.per_token, ROUTER_TYPE)
    made.append(around.made("router", "vector", logits, _dealt(around.tensor("routing", shape, "reserved"), here)))
    routing: tuple[str, Layout] = ("routing", "reserved")
    rows: tuple[str, Layout] = ("latent" if experts.latent_columns else "input", "reserved")
    homes = list(enumerate(around.sources))
    labels = [_labels(around, source, shard) if source.rows else None for shard, source in homes]
    placed = [_positions(around, source, shard) if source.rows else None for shard, source in homes]
    return [
        *made,
        around.made("label", "vector", (routing,), *labels),
        around.made("dispatch", "vector", (rows, routing), *placed),
    ]


def experts_made(around: Surroundings) -> list[Made]:
    """Return experts and what adds up their rows."""
    experts, layer, partials = around.experts, around.layer, around.precision.partials
    homes = [f".{shard}" for shard, source in enumerate(around.sources) if source.rows]
    several = homes if layer.policy.router == "lpu" else [""]
    placed: list[tuple[str, Layout]] = [(f"placed{home}", "reserved") for home in several]
    labels: list[tuple[str, Layout]] = [(f"labels{home}", "reserved") for home in several]
    room = sum(source.room for source in around.sources)
    pairs = around.tensor("expert_output", (experts.number * room, around.columns, partials), "reserved")
    sizes = {"matrices": experts.matrices, "experts": experts.number, "per_row": experts.per_token}
    sizes |= {"rows": around.batch, "windows": windows_of(layer, around.batch, around.width)}
    pairs = _dealt(pairs, [room * held for held in around.held])
    made = [around.made("experts", "matrix", (*placed, *labels), pairs, sizes=tuple(sizes.items()))]
    beside: list[tuple[str, Layout]] = [("shared_output", "partial")] if layer.shared else []
    reads: list[tuple[str, Layout]] = [("expert_output", "reserved"), *labels]
    output = around.tensor("output", around.rows(layer.hidden, partials), "partial")
    if not experts.latent_columns:
        return [*made, around.made("combine", "vector", (*reads, *beside), output)]
    narrow = around.tensor("latent_output", around.rows(around.columns, partials), "partial")
    made.append(around.made("combine", "vector", tuple(reads), narrow))
    return [*made, around.made("widen", "matrix", (("latent_output", "partial"), *beside), output)]


def _positions(around: Surroundings, source: Source, shard: int) -> Tensor:
    shape = (around.experts.number * source.room, around.columns, around.precision.activations)
    return _dealt(_of_source(around, "placed", shape, shard), [source.room * held for held in around.held])


def _labels(around: Surroundings, source: Source, shard: int) -> Tensor:
    """Return the labels of all positions; those of a chip fill whole vectors, each of which is a row."""
    sizes = [bytes_of(LABEL_NUMBERS * source.room * held, ROUTER_TYPE) for held in around.held]
    vectors = [ceil_div(size, around.vector_bytes) for size in sizes]
    shape = (sum(vectors), around.vector_bytes // bytes_of(1, ROUTER_TYPE), ROUTER_TYPE)
    return _dealt(_of_source(around, "labels", shape, shard), vectors)


def _of_source(around: Surroundings, name: str, shape: tuple[int, int, str], shard: int) -> Tensor:
    """Return a tensor that one chip leaves, or that comes from the hosts."""
    if shard == NONE:
        return around.tensor(name, shape, "reserved", "hosts")
    return replace(around.tensor(f"{name}.{shard}", shape, "single"), shard=shard)


def _dealt(tensor: Tensor, rows: Sequence[int]) -> Tensor:
    """Return a tensor of which each shard sees so many rows."""
    per_row = tensor.vectors_per_row
    vectors = [count * per_row for count in rows]
    return replace(tensor, runs=tuple(zip(accumulate(vectors, initial=0), vectors, strict=False)))
