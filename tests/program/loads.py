"""Layers of small models as loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.program.load import Load
from lpxsched.workload.ffn_graph import ffn_graph
from tests.workload.examples import FP8

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.workload.datatypes import Precision
    from lpxsched.workload.ffns import FfnModel


def load_on(fabric: Fabric, model: FfnModel, *, batch: int = 1, precision: Precision = FP8) -> Load:
    """Return a model for the chips of a fabric, with vectors of four bytes."""
    graph = ffn_graph(model, batch=batch, precision=precision, vector_bytes=4)
    return Load(model, graph, fabric.chip, batch, precision)
