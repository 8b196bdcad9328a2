"""The way between GPUs and hosts (``topologies/handover/*.yaml``), and how long rows take on it.

Rows come and go over one Ethernet port a host, which sends and receives at once. Their bytes hold the port for

    (bytes + frames x overhead) x 8 / rate,    frames = ceil(bytes / payload of a frame),

and take the one-way time on top. Into a host all of them count, since rows are complete before a visit begins. Out of a
host all of them count where it stores and forwards, else the last frame alone: the others left as vectors came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from lpxsched.files.document import read_yaml
from lpxsched.files.ranged import Ranged, ranged
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import find_file
from lpxsched.units import BITS_PER_BYTE, ceil_div

if TYPE_CHECKING:
    from fractions import Fraction

Time = Annotated[float, Field(ge=0, le=1e9)]
Gbps = Annotated[float, Field(ge=1e-3, le=1e9)]
Payload = Annotated[int, Field(ge=1, le=1_000_000)]
Overhead = Annotated[int, Field(ge=0, le=1_000_000)]


class HandoverFile(Strict):
    """A description of the hand-over as written in YAML."""

    name: str
    one_way_ns: Tagged[Time]
    host_gbps: Tagged[Gbps]
    frame_bytes: Tagged[Payload]
    frame_overhead_bytes: Tagged[Overhead] = Tagged(value=0)
    store_and_forward: Tagged[bool] = Tagged(value=True)


@dataclass(frozen=True, slots=True)
class Handover:
    """The way between GPUs and hosts.

    Attributes
    ----------
    name : str
    one_way_ns : Ranged
        Typical, least and largest time one way, without that of the bytes.
    gbps : Ranged
        Rate of a host's port.
    frame_bytes, overhead_bytes : Ranged
    stores : tuple of bool
        Whether a host stores and forwards: as given, at the least, at the most.
    """

    name: str
    one_way_ns: Ranged
    gbps: Ranged
    frame_bytes: Ranged
    overhead_bytes: Ranged
    stores: tuple[bool, bool, bool]

    def port_ns(self, size_bytes: int) -> Ranged:
        """Return how long bytes of a micro-batch hold a port."""
        frame, more = self.frame_bytes, self.overhead_bytes
        # Short frames make more overhead.
        wire = Ranged(
            _on_the_wire(size_bytes, frame.value, more.value),
            _on_the_wire(size_bytes, frame.high, more.low),
            _on_the_wire(size_bytes, frame.low, more.high),
        )
        return wire.times(BITS_PER_BYTE).over(self.gbps)

    def in_ns(self, size_bytes: int) -> Ranged:
        """Return the time until rows are complete in a host that takes so many bytes."""
        return self.one_way_ns + self.port_ns(size_bytes)

    def out_ns(self, size_bytes: int) -> Ranged:
        """Return the time until rows are complete at the GPUs, after the last vector came to its host."""
        whole, frame = self.port_ns(size_bytes), self.frame_bytes
        last = [self.port_ns(min(size_bytes, int(payload))) for payload in (frame.value, frame.low, frame.high)]
        value, low, high = self.stores
        bytes_ns = Ranged(
            whole.value if value else last[0].value,
            whole.low if low else last[1].low,
            whole.high if high else last[2].high,
        )
        return self.one_way_ns + bytes_ns


def read_handover(name: str) -> HandoverFile:
    """Return the description of a shipped name or a path.

    Raises
    ------
    InputError
    """
    return validate(read_yaml(find_file("handover", name)), HandoverFile)


def handover_of(file: HandoverFile) -> Handover:
    """Return a hand-over in numbers with their ranges."""
    stores = file.store_and_forward
    may_be = stores.range or [stores.value]
    return Handover(
        name=file.name,
        one_way_ns=ranged(file.one_way_ns),
        gbps=ranged(file.host_gbps),
        frame_bytes=ranged(file.frame_bytes),
        overhead_bytes=ranged(file.frame_overhead_bytes),
        stores=(stores.value, all(may_be), any(may_be)),
    )


def _on_the_wire(size_bytes: int, frame: Fraction, overhead: Fraction) -> Fraction:
    return size_bytes + ceil_div(size_bytes * frame.denominator, frame.numerator) * overhead
