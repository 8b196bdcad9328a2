"""Small markets: a toy model on a grid whose chips reach a host each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.clocks.specification import load_clock
from lpxsched.fabric.profile import load_fabric
from lpxsched.options import CompileOptions
from lpxsched.program.load import Load
from lpxsched.program.mapping.pricing import Market
from lpxsched.program.outside.micro_batch import Outside, outside_of
from lpxsched.workload.config.load import load_model
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.ffns import ffn_model
from lpxsched.workload.policy import Policy
from tests.fabric.examples import write_family
from tests.toy import toy_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpxsched.traffic.group import Group


def market_on(
    folder: Path, *, trays: int = 2, positions: int = 4, batch: int = 4, layers: int = 3, **keys: Any
) -> Market:
    """Return layers of the toy model on a rack of so many trays, in files of a folder; keys are the topology's."""
    options = CompileOptions(
        model=toy_model(folder, num_hidden_layers=layers),
        topology=write_family(folder, "lpx", chip="lp30", trays=trays, chips_per_tray=positions, **keys),
        batch=batch,
    )
    fabric, published = load_fabric(options.topology), load_model(options.model)
    model, precision = ffn_model(published, Policy(), "fp8"), Precision("fp8", "fp8", "bf16")
    graph = ffn_graph(model, batch=batch, precision=precision, vector_bytes=fabric.vector_bytes)

    def around(groups: Sequence[Group]) -> Outside:
        return outside_of(options, published, graph, groups)

    load = Load(model, graph, fabric.chip, batch, precision)
    return Market(load, fabric, load_clock("xo-100ppm"), 0, around)
