"""What operators compute: a dense run of the whole tensor, and the part that one shard makes of what it sees.

An operator without inputs is a source (`sources`). Any other is a linear map, row by row: row r of an output is a
combination of the rows of the inputs that lie at r, times a matrix that follows from the seed and the names. (What is
no linear map is in `attention`, `ends`, `experts` and `rows`.) Of an output that is

- replicated, a shard makes all, from inputs that are replicated too;
- sharded or single, its part, from what it sees of the inputs; that is how the dense run defines it as well;
- partial, a summand: of inputs that it shares with all shards its own multiple, and the multiples add up to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np

from lpxsched.errors import InputError
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator, product
from lpxsched.verify.replay.placement import seen

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphOperator, GraphTensor
    from lpxsched.verify.replay.rounds import Round

GRAPH_FILE = "graph.json"
# Rows of more vectors are taken apart: each vector is a row, so that no matrix is too large.
LONGEST_ROW = 1024
REPLICATED, PARTIAL = "replicated", "partial"

# Vectors by name of the tensor, each of shape (vectors, lanes).
Values = dict[str, "Integers"]


class Function(Protocol):
    """What an operator computes."""

    @property
    def setting(self) -> Setting:
        """Return the operator and what surrounds it."""

    def dense(self, inputs: Values) -> Values:
        """Return whole outputs from whole inputs."""

    def part(self, shard: int, inputs: Values) -> Values:
        """Return what a shard leaves of each output from what it sees of each input."""

    def lanes(self) -> int:
        """Return how many numbers a vector must hold at least."""


def in_rows(tensor: GraphTensor) -> bool:
    """Return whether a tensor is laid in rows that are reckoned with as a whole."""
    return tensor.rows * tensor.vectors_per_row == tensor.vectors and tensor.vectors_per_row <= LONGEST_ROW


@dataclass(frozen=True, slots=True)
class Setting:
    """An operator of the graph and what surrounds it.

    Attributes
    ----------
    operator : GraphOperator
    tensors : dict of GraphTensor
        Those that it reads and writes, by name.
    width : int
        Number of its shards.
    lanes : int
        Numbers that stand for one vector.
    seed : int
        Weights follow from it alone, other numbers that are drawn also from the round.
    round : Round
    columns : tuple of int
        Columns of the operator that each shard has.
    """

    operator: GraphOperator
    tensors: dict[str, GraphTensor]
    width: int
    lanes: int
    seed: int
    round: Round
    columns: tuple[int, ...] = ()

    def rows(self, name: str) -> tuple[int, int]:
        """Return the shape of a tensor as a matrix of numbers, one row of it a row."""
        tensor = self.tensors[name]
        rows = tensor.rows if in_rows(tensor) else tensor.vectors
        return rows, tensor.vectors // rows * self.lanes

    def matrix(self, name: str, vectors: Integers) -> Integers:
        """Return the vectors of a whole tensor as a matrix."""
        return vectors.reshape(self.rows(name))

    def vectors(self, matrix: Integers) -> Integers:
        """Return a matrix as vectors."""
        return matrix.reshape(-1, self.lanes)

    @property
    def output(self) -> str:
        """Name of the one tensor that the operator leaves."""
        return self.operator.outputs[0]

    @property
    def keeper(self) -> str:
        """Name of the operator whose weights and caches it has: its own, or that of its kind in another layer."""
        home = self.operator.sizes.get("as_layer")
        return self.operator.name if home is None else f"layer.{home}.{self.operator.kind}"

    def input_rows(self, place: int, inputs: Values) -> Integers:
        """Return the input at a place as a matrix."""
        name = self.operator.inputs[place].tensor
        return self.matrix(name, inputs[name])

    def cut(self, name: str, shard: int, vectors: Integers) -> Integers:
        """Return what a shard leaves of an output."""
        view = seen(self.tensors[name], len(vectors), self.width, shard)
        return vectors[view.first : view.end]


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear map, row by row.

    Raises
    ------
    InputError
        Where shards of an output would depend on what they do not see.
    """

    setting: Setting

    def __post_init__(self) -> None:
        """Refuse an operator that no layout of its inputs defines."""
        operator, tensors = self.setting.operator, self.setting.tensors
        for name in operator.outputs if self.setting.width > 1 else []:
            for read in operator.inputs:
                layout = tensors[name].layout
                unseen = read.layout == PARTIAL or (read.layout != REPLICATED and layout == REPLICATED)
                if layout != PARTIAL and unseen:
                    problem = f"reads {read.tensor} {read.layout} and leaves {name} {layout}, which has no one value"
                    raise InputError(GRAPH_FILE, problem, key=operator.name)

    def lanes(self) -> int:
        """Return how many numbers a vector must hold: any."""
        return 1

    def dense(self, inputs: Values) -> Values:
        """Return whole outputs."""
        return {name: self._whole(name, inputs) for name in self.setting.operator.outputs}

    def part(self, shard: int, inputs: Values) -> Values:
        """Return what a shard leaves of each output."""
        setting, outputs = self.setting, {}
        for name in setting.operator.outputs:
            sums = setting.tensors[name].layout == PARTIAL
            laid = {read: self._laid(read, shard, values, sums=sums) for read, values in inputs.items()}
            outputs[name] = setting.cut(name, shard, self._image(name, laid))
        return outputs

    def _whole(self, name: str, inputs: Values) -> Integers:
        setting = self.setting
        tensor, reads = setting.tensors[name], setting.operator.inputs
        if tensor.layout == PARTIAL or all(read.layout == REPLICATED for read in reads):
            return self._image(name, inputs)
        whole = np.zeros((tensor.vectors, setting.lanes), dtype=np.int64)
        for shard in range(setting.width):
            view = seen(tensor, tensor.vectors, setting.width, shard)
            own = {read.tensor: _view(setting, read.tensor, shard, inputs[read.tensor]) for read in reads}
            if view.vectors:
                whole[view.first : view.end] = self.part(shard, own)[name]
        return whole

    def _laid(self, name: str, shard: int, values: Integers, *, sums: bool) -> Integers:
        """Return what a shard sees of an input at its place in the whole, times its multiple where all see it."""
        setting = self.setting
        read = next(read for read in setting.operator.inputs if read.tensor == name)
        vectors = setting.tensors[name].vectors
        view = seen(read, vectors, setting.width, shard)
        whole = np.zeros((vectors, setting.lanes), dtype=np.int64)
        whole[view.first : view.end] = values
        return whole * self._multiple(shard) % PRIME if sums and read.layout == REPLICATED else whole

    def _multiple(self, shard: int) -> int:
        """Return the multiple of shared inputs that a shard adds; those of all shards sum to 1."""
        multiples = drawn(generator(self.setting.seed, "multiples", self.setting.operator.name), self.setting.width)
        multiples[-1] = (1 - int(multiples[:-1].sum())) % PRIME
        return int(multiples[shard])

    def _image(self, output: str, inputs: Values) -> Integers:
        setting = self.setting
        rows, length = setting.rows(output)
        total = np.zeros((rows, length), dtype=np.int64)
        for name, values in inputs.items():
            matrix = setting.matrix(name, values)
            weights = matrix_of(setting.seed, f"{output} of {name}", matrix.shape[1], length)
            total += product(paired(matrix, rows, setting.seed), weights)
        return setting.vectors(total % PRIME)


def sizes_of(operator: GraphOperator, *names: str) -> list[int]:
    """Return what an operator says of its sizes.

    Raises
    ------
    InputError
        When one is missing.
    """
    missing = [name for name in names if name not in operator.sizes]
    if missing:
        raise InputError(GRAPH_FILE, f"says in sizes nothing of {missing[0]}", key=f"{operator.name}")
    return [operator.sizes[name] for name in names]


class Sizes(Protocol):
    """What a graph says of the sizes of an operator, read by the names of the fields."""

    def fault(self, columns: int, rows: int) -> str:
        """Return why they do not fit so many columns and rows; empty where they do."""


AnySizes = TypeVar("AnySizes", bound=Sizes)


def sizes_as(kind: type[AnySizes], setting: Setting, **more: int) -> AnySizes:
    """Return the sizes of an operator as a dataclass, some fields of which are given.

    Raises
    ------
    InputError
        When one is missing.
    """
    names = [field.name for field in fields(cast("Any", kind)) if field.name not in more]
    return kind(**dict(zip(names, sizes_of(setting.operator, *names), strict=True)), **more)


def sound(setting: Setting, sizes: AnySizes) -> AnySizes:
    """Return sizes that fit the columns and rows of their operator.

    Raises
    ------
    InputError
        When they do not.
    """
    fault = sizes.fault(setting.operator.columns, setting.operator.rows)
    if fault:
        raise InputError(GRAPH_FILE, fault, key=setting.operator.name)
    return sizes


def weights_of(setting: Setting, name: str, *shape: int) -> Integers:
    """Return weights of an operator."""
    return _drawn_weights(setting.seed, setting.keeper, name, shape)


def folded(setting: Setting, x: Integers, length: int) -> Integers:
    """Return rows of another length, weighed: numbers that lie at the same place are added, or repeated."""
    here = x.shape[1]
    pairs = np.arange(max(length, here))
    weights = weights_of(setting, "folded", len(pairs))
    image = np.zeros((length, len(x)), dtype=np.int64)
    np.add.at(image, pairs * length // len(pairs), (x[:, pairs * here // len(pairs)] * weights % PRIME).T)
    return np.asarray(image.T % PRIME)


def _view(setting: Setting, name: str, shard: int, values: Integers) -> Integers:
    read = next(read for read in setting.operator.inputs if read.tensor == name)
    view = seen(read, len(values), setting.width, shard)
    return values[view.first : view.end]


@lru_cache(maxsize=64)
def _drawn_weights(seed: int, operator: str, name: str, shape: tuple[int, ...]) -> Integers:
    weights = drawn(generator(seed, "weights", operator, name), *shape)
    weights.flags.writeable = False
    return weights


@lru_cache(maxsize=64)
def matrix_of(seed: int, name: str, rows: int, columns: int) -> Integers:
    """Return the matrix that takes rows of so many numbers to rows of another length."""
    return drawn(generator(seed, "weights", name), rows, columns)


def paired(matrix: Integers, rows: int, seed: int) -> Integers:
    """Return so many rows, each a combination of those of a matrix that lie at its place."""
    here = len(matrix)
    pairs = np.arange(max(here, rows))
    source, target = pairs * here // len(pairs), pairs * rows // len(pairs)
    factor = 1 + drawn(generator(seed, "pairs"), len(pairs)) % (PRIME - 1)
    mixed = np.zeros((rows, matrix.shape[1]), dtype=np.int64)
    np.add.at(mixed, target, factor[:, None] * matrix[source] % PRIME)
    return mixed % PRIME
