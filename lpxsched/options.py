"""What a user may choose for a compile, in one frozen object."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lpxsched.files.schema import Strict

WeightChoice = Literal["fp8", "bf16", "int8", "mxfp4", "nvfp4"]


class CompileOptions(Strict):
    """Options of ``lpxsched compile``; the manifest keeps them.

    Attributes
    ----------
    model, topology, clock : str
        Shipped names or paths.
    batch : int
        Rows that enter a layer together.
    weights : str or None
        Type of the expert weights; None takes the type in which the model was published.
    activations, partials : str
        Types of the rows that enter a layer and of partial sums.
    partition : str or None
        A file of groups; None cuts the grid automatically.
    attention, moe : str
        Where attention runs, and how experts lie on chips.
    gpu_ns : float
        Time of a layer's attention on the GPU, in ns.
    solver, effort, seed
        See ``schedule.solve``.
    """

    model: str
    topology: str
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 8
    weights: WeightChoice | None = None
    activations: Literal["fp8", "bf16"] = "fp8"
    partials: Literal["bf16", "fp32"] = "bf16"
    partition: str | None = None
    attention: Literal["gpu"] = "gpu"
    moe: Literal["sharded"] = "sharded"
    gpu_ns: Annotated[float, Field(ge=0, le=1e12)] = 0
    solver: Literal["auto", "greedy", "cpsat"] = "auto"
    effort: Annotated[int, Field(ge=1, le=40)] = 3
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    clock: str = "xo-100ppm"
