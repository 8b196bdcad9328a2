"""Graphs of whole models as builds without a timetable: enough for what a dense run reads."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.graph import layers_graph
from lpxsched.traffic.group import Group
from lpxsched.verify.replay.arithmetic import PRIME
from lpxsched.verify.replay.dense import Dense
from lpxsched.verify.replay.field import inverse_root
from lpxsched.verify.replay.functions import weights_of
from lpxsched.verify.replay.model import model_of
from lpxsched.verify.replay.rounds import Round
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.lpu_graph import lpu_graph, lpu_work
from lpxsched.workload.lpu_visits import Visit
from lpxsched.workload.model import Experts, Ffn, Layer, Mixer, StoredTypes
from lpxsched.workload.parts.piece import Decoding
from lpxsched.workload.parts.rows import part
from tests.builds import two_chip_build
from tests.fabric.examples import CHIP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.timetable.build import Build
    from lpxsched.verify.replay.functions import Setting

HIDDEN, TOKENS = 16, 11
STEP = Decoding(2, 8, "fp8", Precision("fp8", "fp8", "bf16"), "fp8", 8)
STORED = StoredTypes("fp8", "fp8", "fp8", "fp8")


def layer(*mixers: Mixer, dense: Ffn | None = None, experts: Experts | None = None, shared: Ffn | None = None) -> Visit:
    """Return the visit of a layer."""
    return Visit(Layer(mixers, (dense,) if dense else (), experts, shared, STORED), HIDDEN)


def whole_build(*layers: Visit, widths: Sequence[int], decoding: Decoding = STEP) -> Build:
    """Return a build of embedding, layers and head on groups of so many chips; its tables are of no use."""
    return build_of((Visit("embedding", HIDDEN, TOKENS), *layers, Visit("head", HIDDEN, TOKENS)), widths, decoding)


def build_of(visits: Sequence[Visit], widths: Sequence[int], decoding: Decoding) -> Build:
    """Return a build of visits on groups of so many chips; its tables are of no use."""
    widest = max(widths)
    groups = [Group(number, tuple(range(width)), (widest,) * width) for number, width in enumerate(widths)]
    graph = lpu_graph(visits, CHIP, widths, decoding)
    file = layers_graph(
        graph, groups, lambda group: lpu_work(visits[group.layer], CHIP, len(group.chips), decoding), whole=True
    )
    build = two_chip_build()
    nodes = np.zeros(widest + 1, dtype=np.int64)
    columns = {field.name: getattr(build.chips, field.name) for field in fields(build.chips)}
    chips = replace(build.chips, **{name: column[nodes] for name, column in columns.items() if len(column)})
    return replace(build, graph=file, chips=chips)


def whole_run(
    *layers: Visit, widths: Sequence[int], decoding: Decoding = STEP, seed: int = 0, micro_batch: int = 0
) -> Dense:
    """Return the dense run of one step of `whole_build`."""
    return dense_run(whole_build(*layers, widths=widths, decoding=decoding), seed, Round(micro_batch))


def dense_run(build: Build, seed: int = 0, now: Round | None = None) -> Dense:
    """Return the dense run of the first segment of a build, in the one step of a micro-batch."""
    return Dense(model_of(build, seed), now or Round())


def setting_of(run: Dense, kind: str) -> Setting:
    """Return what surrounds an operator of the layer."""
    return next(one.setting for one in run.functions.values() if one.setting.operator.name == f"layer.1.{kind}")


def blocks_of(run: Dense, name: str) -> list[str]:
    """Return the names of the blocks of columns of rows, in their order."""
    found = [f"{name}{part(block)}" for block in range(HIDDEN)]
    return [one for one in found if one in run.whole]


def lengths_of(run: Dense, name: str) -> list[int]:
    """Return how many numbers a row has in each block."""
    return [run.model.tensors[one].vectors_per_row * run.model.lanes for one in blocks_of(run, name)]


def rows_in_blocks(run: Dense, name: str) -> Any:
    """Return rows as whole numbers without a limit, their blocks side by side."""
    pairs = zip(blocks_of(run, name), lengths_of(run, name), strict=True)
    parts = [run.whole[one].reshape(-1, length) for one, length in pairs]
    return np.concatenate(parts, axis=1).astype(object)


def scaled_rows(run: Dense, read: str) -> Any:
    """Return rows, as the matrices of a mixer read them, over the root of the squares of those before it."""
    before = rows_in_blocks(run, "layer.0.output")
    squares = np.array([sum(int(one) ** 2 for one in row) % PRIME for row in before])
    return rows_in_blocks(run, read) * inverse_root(squares)[:, None].astype(object) % PRIME


def matrix_in_blocks(run: Dense, kind: str, name: str, *, read: str, number: int, numbers: int) -> Any:
    """Return the matrix (heads, columns of a row, numbers) that operators of blocks of rows hold together."""
    parts = [
        weights_of(setting_of(run, f"{kind}{part(block)}"), name, number, length, numbers)
        for block, length in enumerate(lengths_of(run, read))
    ]
    return np.concatenate(parts, axis=1).astype(object)


def out_in_blocks(run: Dense, kind: str, number: int, numbers: int) -> Any:
    """Return the matrix (heads, numbers, columns of a row) that operators hold which leave a block of rows each."""
    parts = [
        weights_of(setting_of(run, f"{kind}{part(block)}"), "out", number, numbers, length)
        for block, length in enumerate(lengths_of(run, "layer.1.output"))
    ]
    return np.concatenate(parts, axis=2).astype(object)
