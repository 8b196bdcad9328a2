"""What software and packets cost on a machine that decides at run time (``topologies/runtimes/*.yaml``).

The start-up of a call is drawn from a log-normal distribution with the median and the 99th percentile of the file. Of a
median of 0 there is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from lpxsched.files.document import read_yaml
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import find_file

Time = Annotated[float, Field(ge=0, le=1e9)]
Ratio = Annotated[float, Field(ge=1, le=1000)]
Vectors = Annotated[int, Field(ge=1, le=1024)]
Bytes = Annotated[int, Field(ge=0, le=65536)]
# Of a standard normal number, 99 % are below.
P99_DEVIATIONS = 2.3263478740408408
AS_TOLD, BETTER, WORSE = range(3)


class RuntimeFile(Strict):
    """A description of run-time arbitration as written in YAML."""

    name: str
    start_up_ns: Tagged[Time]
    start_up_p99_ratio: Tagged[Ratio]
    packet_vectors: Tagged[Vectors]
    header_bytes: Tagged[Bytes]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Start-up of a call and form of packets.

    Attributes
    ----------
    name : str
    start_up_ns : float
        Median.
    deviation : float
        Standard deviation of the logarithm of a start-up.
    packet_vectors : int
        Vectors of a packet at most.
    header_bytes : int
        Bytes on the wire before them.
    """

    name: str
    start_up_ns: float
    deviation: float
    packet_vectors: int
    header_bytes: int


def read_runtime(name: str) -> RuntimeFile:
    """Return the description of a shipped name or a path.

    Raises
    ------
    InputError
    """
    return validate(read_yaml(find_file("runtime", name)), RuntimeFile)


def runtime_of(file: RuntimeFile, end: int = AS_TOLD) -> Runtime:
    """Return a description in numbers, with start-up and header as told or at an end of their ranges."""

    def number(tagged: Tagged[Any]) -> Any:
        low, high = tagged.range or (tagged.value, tagged.value)
        return (tagged.value, low, high)[end]

    return Runtime(
        file.name,
        number(file.start_up_ns),
        math.log(number(file.start_up_p99_ratio)) / P99_DEVIATIONS,
        file.packet_vectors.value,
        number(file.header_bytes),
    )
