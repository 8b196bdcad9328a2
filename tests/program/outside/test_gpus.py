"""Tests of the time that GPUs take for a micro-batch."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.errors import InputError
from lpxsched.files.ranged import Ranged
from lpxsched.files.schema import Tagged
from lpxsched.program.outside.gpus import GpusFile, gpus_of, read_gpus
from lpxsched.workload.gpu_work import GpuWork

if TYPE_CHECKING:
    from pathlib import Path


def described(**changes: Any) -> GpusFile:
    """Return ten GPUs, two a micro-batch, 100 bytes a nanosecond in all, half of which is reached."""
    keys: dict[str, Any] = {
        "name": "ten",
        "gpus": Tagged(value=10),
        "gpus_per_micro_batch": Tagged(value=2),
        "memory_bytes": Tagged(value=1000),
        "memory_bytes_per_ns": Tagged(value=100.0),
        "memory_efficiency": Tagged(value=0.5, range=[0.25, 1.0]),
        "fixed_ns": Tagged(value=7.0, range=[3.0, 9.0]),
    }
    return GpusFile(**keys | changes)


def test_a_pool_reads_at_its_share() -> None:
    """Tests two kernels, 3 users of 20 bytes and 40 of weights: 14 ns and 100 bytes at 20 x 0.5 a nanosecond."""
    gpus = gpus_of(described())
    assert gpus.servers == 5
    assert gpus.time_ns(GpuWork(2, 20, 40), 3) == Ranged(Fraction(24), Fraction(6 + 5), Fraction(18 + 20))


def test_streams_share_a_pool() -> None:
    """Tests up to four streams on five pools: one for 5 micro-batches, two for 6 at half the rate, four for 99."""
    file = described(streams=Tagged(value=4))
    assert [gpus_of(file, m).servers for m in (1, 5, 6, 10, 99)] == [5, 5, 10, 10, 20]
    assert gpus_of(file, 6).time_ns(GpuWork(2, 20, 40), 3).value == 14 + 20


def test_pools_and_streams_of_unknown_size_widen_the_range() -> None:
    """Tests pools of 1, 2 or 10 GPUs, one to two streams: one micro-batch reads at 10 to 100 x 0.5 a nanosecond.

    Six on pools of one GPU have ten pools and read at 10 x 0.5 still; one pool of ten serves two, five pools of two
    serve five, so that pools of two in two streams, as told, are the fastest that serve six.
    """
    file = described(
        gpus_per_micro_batch=Tagged(value=2, range=[1, 10]),
        streams=Tagged(value=2, range=[1, 2]),
        memory_efficiency=Tagged(value=0.5),
    )
    assert gpus_of(file).bytes_per_ns == Ranged(Fraction(10), Fraction(5), Fraction(50))
    assert gpus_of(file, 6).bytes_per_ns == Ranged(Fraction(5), Fraction(5), Fraction(5))
    assert gpus_of(file, 6).servers == 10


def test_the_shipped_rack() -> None:
    """Tests nine pools of eight, each at 8 / 72 of 1.6 PB/s x 0.7."""
    gpus = gpus_of(read_gpus("nvl72"))
    assert (gpus.servers, gpus.memory_bytes) == (9, 20_700_000_000_000)
    assert gpus.bytes_per_ns.value == Fraction(1_600_000 * 8 * 7, 72 * 10)


def test_a_pool_larger_than_all_gpus_is_refused(tmp_path: Path) -> None:
    """Tests one line with the place, and what would be right."""
    file = tmp_path / "g.yaml"
    file.write_text(
        "name: g\ngpus: 4\ngpus_per_micro_batch: 8\nmemory_bytes: 9\nmemory_bytes_per_ns: 1.0\n"
        "memory_efficiency: 1.0\nfixed_ns: 0.0\n"
    )
    with pytest.raises(InputError, match=r"g\.yaml:3:1: gpus_per_micro_batch: must be at most 4, all gpus, got 8"):
        read_gpus(str(file))
