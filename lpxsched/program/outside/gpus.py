"""GPUs that run mixers (``topologies/gpus/*.yaml``), and how long they take for a micro-batch.

The GPUs are cut into pools of equal size, one pool a micro-batch. A pool reads caches and weights at its share of the
memory's rate:

    time = kernels x fixed + (users x bytes a user + weight bytes) / (rate of the pool x efficiency / streams)

Where there are more micro-batches than pools, a pool serves several at once in streams, each at its share of the rate,
so that none of them depends on what the others do; as few as are needed, at most those that overlap. How large pools
are and how many streams overlap is not known either: a micro-batch reads at the least rate that any ends of their
ranges leave to it, at most at the largest one with which all that are in flight are served.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from lpxsched.files.document import read_yaml
from lpxsched.files.ranged import Ranged, known, ranged
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import find_file
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from pydantic import ValidationInfo

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

    @field_validator("gpus_per_micro_batch")
    @classmethod
    def _are_there(cls, pool: Tagged[Count], info: ValidationInfo) -> Tagged[Count]:
        gpus: Tagged[Count] | None = info.data.get("gpus")
        if gpus is not None and pool.value > gpus.value:
            raise PydanticCustomError("no_pool", "must be at most {gpus}, all gpus", {"gpus": gpus.value})
        return pool


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
    pool, most = file.gpus_per_micro_batch.value, file.streams.value
    rate, efficiency, share = (
        ranged(file.memory_bytes_per_ns),
        ranged(file.memory_efficiency),
        _share(file, micro_batches),
    )
    return Gpus(
        name=file.name,
        servers=file.gpus.value // pool * _streams(file.gpus.value // pool, most, micro_batches),
        memory_bytes=file.memory_bytes.value,
        bytes_per_ns=Ranged(
            rate.value * share.value * efficiency.value,
            rate.low * share.low * efficiency.low,
            rate.high * share.high * efficiency.high,
        ),
        fixed_ns=ranged(file.fixed_ns),
    )


def _share(file: GpusFile, micro_batches: int) -> Ranged:
    """Return the share of all GPUs at which a micro-batch is served, over pools and streams at all of their ends."""

    def share(pool: int, most: int) -> Fraction:
        return Fraction(pool, file.gpus.value * _streams(file.gpus.value // pool, most, micro_batches))

    told = file.gpus_per_micro_batch.value, file.streams.value
    pools = [min(end, file.gpus.value) for end in (told[0], *(file.gpus_per_micro_batch.range or ()))]
    ends = [(pool, most) for pool in pools for most in (told[1], *(file.streams.range or ()))]
    serving = [told, *(end for end in ends if file.gpus.value // end[0] * end[1] >= micro_batches)]
    return Ranged(share(*told), min(share(*end) for end in ends), max(share(*end) for end in serving))


def _streams(pools: int, most: int, micro_batches: int) -> int:
    """Return how many micro-batches share a pool: as few as are needed, and no more than overlap."""
    return min(most, ceil_div(micro_batches, pools))
