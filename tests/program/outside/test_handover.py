"""Tests of the way between GPUs and hosts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lpxsched.files.ranged import Ranged
from lpxsched.files.schema import Tagged
from lpxsched.program.outside.handover import Handover, HandoverFile, handover_of, read_handover


def described(**changes: Any) -> Handover:
    """Return 50 ns (10 to 90) one way, 8 Gb/s, frames of 100 bytes and 10 more."""
    keys: dict[str, Any] = {
        "name": "slow",
        "one_way_ns": Tagged(value=50.0, range=[10.0, 90.0]),
        "host_gbps": Tagged(value=8.0),
        "frame_bytes": Tagged(value=100),
        "frame_overhead_bytes": Tagged(value=10),
    }
    return handover_of(HandoverFile(**keys | changes))


def test_bytes_come_on_top_of_the_way() -> None:
    """Tests 250 bytes in 3 frames at a byte a nanosecond."""
    assert described().port_ns(250).value == 280
    assert described().in_ns(250) == Ranged(Fraction(330), Fraction(290), Fraction(370))


def test_a_host_that_does_not_store_waits_for_its_last_frame() -> None:
    """Tests 250 bytes out, stored and forwarded or not, and where nobody knows."""
    assert described().out_ns(250) == described().in_ns(250)
    through = described(store_and_forward=Tagged(value=False))
    assert through.out_ns(250) == Ranged(Fraction(160), Fraction(120), Fraction(200))
    unknown = described(store_and_forward=Tagged(value=True, range=[False, True]))
    assert unknown.out_ns(250) == Ranged(Fraction(330), Fraction(120), Fraction(370))


def test_the_least_has_the_longest_frames_and_the_fastest_port() -> None:
    """Tests 250 bytes in 2 frames of 200 at 16 Gb/s, or in 5 of 50 at 4."""
    ranges = {"frame_bytes": Tagged(value=100, range=[50, 200]), "host_gbps": Tagged(value=8.0, range=[4.0, 16.0])}
    assert described(**ranges).port_ns(250) == Ranged(Fraction(280), Fraction(135), Fraction(600))


def test_nothing_takes_no_port() -> None:
    """Tests no bytes, and the shipped way: 2 us one way."""
    assert described().port_ns(0).value == 0
    assert handover_of(read_handover("fpga-400g")).in_ns(0).value == 2000
