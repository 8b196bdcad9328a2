"""Collectives: what each chip holds at first, and what each must read, in columns.

A piece is a run of vectors with one set of producers and one set of readers. Where several chips produce it, each holds
a summand of it. The number of vectors means, for

- ``all-gather``, ``gather``, ``scatter``: what each chip contributes, or gets;
- ``all-to-all``: what goes from each chip to each other;
- ``reduce-scatter``: the part of the result on each chip;
- ``broadcast``, ``reduce``, ``all-reduce``: the whole tensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from lpxsched.options import CollectiveKind
from lpxsched.traffic.layouts import shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = CollectiveKind
KINDS: tuple[Kind, ...] = get_args(Kind)
ROOTED = ("broadcast", "reduce", "gather", "scatter")
SUMMED = ("reduce-scatter", "reduce", "all-reduce")
EVERY = -2

Layout = Literal["replicated", "sharded", "partial", "single"]


class CollectiveTensor(NamedTuple):
    """A tensor as its producers leave it; `shard` is the one holder of a ``single`` tensor, else -1."""

    name: str
    vectors: int
    layout: Layout
    shard: int


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Runs of vectors that are produced and read alike.

    Attributes
    ----------
    tensor, first_vector, vectors : ndarray of int64, shape (pieces,)
        The run, counted within its tensor.
    source, target : ndarray of int64, shape (pieces,)
        The shard that holds it at first, the shard that reads it; `EVERY` where each holds a summand, or each reads.
    """

    tensor: NDArray[np.int64]
    first_vector: NDArray[np.int64]
    vectors: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tensor)

    @property
    def is_for_everyone(self) -> bool:
        """Whether everyone reads every piece."""
        return bool((self.target == EVERY).all())


@dataclass(frozen=True, slots=True, eq=False)
class SourceValues:
    """What chips hold at first; sorted by tensor and shard.

    Attributes
    ----------
    tensor, shard : ndarray of int64, shape (values,)
        Index into `Collective.tensors`, and the chip that holds it.
    offset, vectors : ndarray of int64, shape (values,)
        The run of the tensor, at least one vector long.
    """

    tensor: NDArray[np.int64]
    shard: NDArray[np.int64]
    offset: NDArray[np.int64]
    vectors: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tensor)


@dataclass(frozen=True, slots=True)
class Collective:
    """One collective over shards ``0 .. width - 1``.

    Attributes
    ----------
    kind : str
    width, vectors : int
        Number of chips, and the number of vectors as this module's docstring counts it.
    root : int
        A shard; 0 where the kind has no root.
    """

    kind: Kind
    width: int
    vectors: int
    root: int = 0

    @property
    def is_sum(self) -> bool:
        """Whether chips hold summands."""
        return self.kind in SUMMED

    @property
    def tensors(self) -> tuple[CollectiveTensor, ...]:
        """All tensors as they are at first."""
        width, vectors = self.width, self.vectors
        if self.kind == "all-to-all":
            return tuple(CollectiveTensor(f"from.{s}", width * vectors, "single", s) for s in range(width))
        layouts: dict[str, tuple[int, Layout, int]] = {
            "all-gather": (width * vectors, "sharded", -1),
            "gather": (width * vectors, "sharded", -1),
            "scatter": (width * vectors, "single", self.root),
            "broadcast": (vectors, "single", self.root),
            "reduce-scatter": (width * vectors, "partial", -1),
            "reduce": (vectors, "partial", -1),
            "all-reduce": (vectors, "partial", -1),
        }
        return (CollectiveTensor("data", *layouts[self.kind]),)

    @property
    def wanted(self) -> tuple[Layout, int]:
        """The layout that readers need, and the shard of a ``single`` one (else -1)."""
        if self.kind in ("gather", "reduce"):
            return "single", self.root
        return ("sharded" if self.kind in ("all-to-all", "scatter", "reduce-scatter") else "replicated"), -1

    def pieces(self) -> Pieces:
        """Return all pieces, those that stay where they are included; sorted by tensor and first vector."""
        shards = np.arange(self.width, dtype=np.int64)
        everyone, zeros = np.full(self.width, EVERY, dtype=np.int64), np.zeros(self.width, dtype=np.int64)
        root = np.full(self.width, self.root, dtype=np.int64)
        if self.kind == "all-to-all":
            source, target = np.repeat(shards, self.width), np.tile(shards, self.width)
            return self._pieces(source, target * self.vectors, source, target)
        if self.kind in ("broadcast", "reduce", "all-reduce"):
            source = root if self.kind == "broadcast" else everyone
            target = root if self.kind == "reduce" else everyone
            return self._pieces(zeros[:1], zeros[:1], source[:1], target[:1])
        ends = {
            "all-gather": (shards, everyone),
            "gather": (shards, root),
            "scatter": (root, shards),
            "reduce-scatter": (everyone, shards),
        }
        return self._pieces(zeros, shards * self.vectors, *ends[self.kind])

    def _pieces(
        self,
        tensor: NDArray[np.int64],
        first_vector: NDArray[np.int64],
        source: NDArray[np.int64],
        target: NDArray[np.int64],
    ) -> Pieces:
        return Pieces(tensor, first_vector, np.full(len(tensor), self.vectors, dtype=np.int64), source, target)


def source_values(collective: Collective) -> SourceValues:
    """Return what chips hold at first, one value for each tensor and each shard that holds vectors of it."""
    rows = [
        (number, shard, offset, vectors)
        for number, tensor in enumerate(collective.tensors)
        for shard, offset, vectors in _held(tensor, collective.width)
        if vectors
    ]
    return SourceValues(*np.array(rows, dtype=np.int64).reshape(-1, 4).T.copy())


def source_offsets(collective: Collective, nodes: int) -> NDArray[np.int64]:
    """Return where in its tensor what each node holds at first begins, shape (nodes,); 0 where it holds nothing."""
    offset, values = np.zeros(nodes, dtype=np.int64), source_values(collective)
    offset[values.shard] = values.offset
    return offset


def _held(tensor: CollectiveTensor, width: int) -> list[tuple[int, int, int]]:
    """Return shard, first vector and number of vectors of each part of a tensor."""
    if tensor.layout == "single":
        return [(tensor.shard, 0, tensor.vectors)]
    if tensor.layout == "sharded":
        return [(shard, *part) for shard, part in enumerate(shares(tensor.vectors, width))]
    return [(shard, 0, tensor.vectors) for shard in range(width)]
