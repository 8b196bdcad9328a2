"""Rows in blocks of columns, each a tensor: what reads them, adds to what was there, or leaves one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.functions import GRAPH_FILE
from lpxsched.verify.replay.placement import seen

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting, Values


def plain_kind(kind: str) -> str:
    """Return the kind or the name of an operator without the number of its block."""
    return re.sub(r"_\d+$", "", kind)


def side_by_side(setting: Setting, blocks: int, inputs: Values) -> Integers:
    """Return the first inputs, blocks of columns of the same rows, as one matrix."""
    return np.concatenate([setting.input_rows(place, inputs) for place in range(blocks)], axis=1)


def weights_of_all(setting: Setting, name: str, *shape: int) -> Integers:
    """Return weights of an operator that those of further blocks share with it."""
    return drawn(generator(setting.seed, "weights", plain_kind(setting.keeper), name), *shape)


def block_of(setting: Setting, matrix: Integers) -> Integers:
    """Return the columns of whole rows that an operator leaves, which begin at the vector that its sizes say.

    Raises
    ------
    InputError
        When the rows end before.
    """
    length = setting.rows(setting.output)[1]
    first = setting.operator.sizes.get("first_vector", 0) * setting.lanes
    if first + length > matrix.shape[1]:
        problem = f"leaves more of a row than it reads from number {first} on"
        raise InputError(GRAPH_FILE, problem, key=setting.operator.name)
    return matrix[:, first : first + length]


def laid_at(setting: Setting, name: str, shard: int, values: Integers) -> Integers:
    """Return what a shard sees of an input at its place in the whole, nothing elsewhere."""
    read = next(read for read in setting.operator.inputs if read.tensor == name)
    whole = np.zeros((setting.tensors[name].vectors, setting.lanes), dtype=np.int64)
    view = seen(read, len(whole), setting.width, shard)
    whole[view.first : view.end] = values
    return whole


def add_residual(setting: Setting, vectors: Integers, shard: int | None, inputs: Values) -> Integers:
    """Return a summand, or the sum of all for no shard, with its residual.

    The first shard adds rows that all have, and of rows that lie on shards each adds its own.
    """
    place = setting.operator.sizes.get("residual", 0)
    read = setting.operator.inputs[place]
    if not place or (shard and read.runs is None):
        return vectors
    rows = inputs[read.tensor]
    if shard is not None and read.runs is not None:
        rows = laid_at(setting, read.tensor, shard, rows)
    return (vectors + rows) % PRIME


def scales(setting: Setting, inputs: Values) -> Integers:
    """Return the scale of each row that an operator works on, shape (rows, 1); 1 where its sizes name none."""
    place = setting.operator.sizes.get("scale", 0)
    return setting.input_rows(place, inputs)[:, :1] if place else np.ones((1, 1), dtype=np.int64)
