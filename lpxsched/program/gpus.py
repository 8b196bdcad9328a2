"""GPUs that run mixers (``topologies/gpus/*.yaml``), and how long they take for a micro-batch.

The GPUs are cut into pools of equal size, one pool a micro-batch. A pool reads caches and weights at its share of the
memory's rate:

    time = kernels x fixed + (users x bytes a user + weight bytes) / (rate of the pool x efficiency / streams)

Where there are more micro-batches than pools, a pool serves several at once in streams, each at its share of the rate,
so that none of them depends on what the others do; as few as are needed, at most those that overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from lpxsched.files.document import read_yaml
from lpxsched.files.ranged import Ranged, known, ranged
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import find_file
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from lpxsched.workload.gpu_work import GpuWork

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Size = Annotated[int, Field(ge=1, le=10**18)]
Rate = Annotated[float, Field(gt=0, le=1e12)]
Share = Annotated[float, Field(gt=0, le=1)]
Time = Annotated[float, Field(ge=0, le=1e9)]


class GpusFile(Strict):
    """A description of GPUs as written in YAML; memory and its rate are those of all GPUs together."""

    name: str
    gpus: Tagged[Count]
    gpus_per_micro_batch: Tagged[Count]
    streams: Tagged[Count] = Tagged(value=1)
    memory_bytes: Tagged[Size]
    memory_bytes_per_ns: Tagged[Rate]
    memory_efficiency: Tagged[Share]
    fixed_ns: Tagged[Time]

    @model_validator(mode="after")
    def _holds_a_pool(self) -> GpusFile:
        if self.gpus_per_micro_batch.value > self.gpus.value:
            raise PydanticCustomError("no_pool", "needs gpus_per_micro_batch of at most gpus")
        return self


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs of a machine.

    Attributes
    ----------
    name : str
    servers : int
        Micro-batches that are served at once: pools times streams.
    memory_bytes : int
        Of all GPUs.
    bytes_per_ns : Ranged
        Rate at which one micro-batch reads.
    fixed_ns : Ranged
        Of each kernel.
    """

    name: str
    servers: int
    memory_bytes: int
    bytes_per_ns: Ranged
    fixed_ns: Ranged

    def time_ns(self, work: GpuWork, users: int) -> Ranged:
        """Return how long a micro-batch of some users keeps its GPUs."""
        moved = known(users * work.user_bytes + work.weight_bytes)
        return self.fixed_ns.times(work.kernels) + moved.over(self.bytes_per_ns)


def read_gpus(name: str) -> GpusFile:
    """Return the description of a shipped name or a path.

    Raises
    ------
    InputError
    """
    return validate(read_yaml(find_file("gpus", name)), GpusFile)


def gpus_of(file: GpusFile, micro_batches: int = 1) -> Gpus:
    """Return GPUs as they serve so many micro-batches."""
    pool = file.gpus_per_micro_batch.value
    pools = file.gpus.value // pool
    streams = min(file.streams.value, ceil_div(micro_batches, pools))
    share = ranged(file.memory_bytes_per_ns).times(pool).over(known(file.gpus.value * streams))
    efficiency = ranged(file.memory_efficiency)
    return Gpus(
        name=file.name,
        servers=pools * streams,
        memory_bytes=file.memory_bytes.value,
        bytes_per_ns=Ranged(share.value * efficiency.value, share.low * efficiency.low, share.high * efficiency.high),
        fixed_ns=ranged(file.fixed_ns),
    )
