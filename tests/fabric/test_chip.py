"""Tests of chip descriptions."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.errors import InputError
from lpxsched.fabric.chip import load_chip
from tests.fabric.examples import change_shipped

if TYPE_CHECKING:
    from pathlib import Path


def test_the_rates_of_lp30_per_cycle() -> None:
    """Tests that rates a ns become rates a cycle: equal numbers at 1000 MHz.

    150 TB/s are 150,000 bytes a ns; 1.2 PFLOPS of FP8 are 600,000 multiply-accumulates a ns, a quarter in bf16.
    """
    chip = load_chip("lp30")
    assert (chip.name, chip.clock_mhz, chip.sram_bytes) == ("lp30", Fraction(1000), 500_000_000)
    assert chip.sram_bytes_per_cycle == 150_000
    assert chip.matrix_macs_per_cycle == {"fp8": 600_000, "bf16": 150_000}
    assert (chip.vector_operations_per_cycle, chip.matrix_fixed_cycles, chip.vector_fixed_cycles) == (5120, 40, 4)


def test_the_rates_of_the_tsp_are_rounded_down() -> None:
    """Tests a clock of 900 MHz: 80,000 bytes a ns / 0.9 = 88,888.9 a cycle, 375,000 / 0.9 = 416,666.7 products."""
    chip = load_chip("tsp")
    assert chip.sram_bytes == 220 * 2**20
    assert chip.sram_bytes_per_cycle == 88_888
    assert chip.matrix_macs_per_cycle == {"fp8": 416_666, "bf16": 104_444}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sram_bytes": 0}, "sram_bytes: input should be greater than or equal to 1, got 0"),
        ({"sram_bytes": 10**18}, "sram_bytes: input should be less than or equal to 1000000000000, got 10"),
        ({"clock_mhz": 0}, "clock_mhz: input should be greater than or equal to 0.001, got 0"),
        ({"clock_mhz": 1.0e15}, "clock_mhz: input should be less than or equal to 1000000, got 1"),
        ({"matrix_fixed_cycles": -1}, "matrix_fixed_cycles: input should be greater than or equal to 0, got -1"),
        ({"shard_columns": 1.5}, "shard_columns: input should be a valid integer, got 1.5"),
        ({"sram_bytes_per_ns": 0.5}, "sram_bytes_per_ns: is less than one in a cycle of 1000 MHz; raise it"),
        ({"matrix_bf16_macs_per_ns": 0.5}, "matrix_bf16_macs_per_ns: is less than one in a cycle of 1000 MHz"),
        ({"sram_efficiency.value": 1.5}, "sram_efficiency.value: input should be less than or equal to 1, got 1.5"),
        ({"sram_efficiency": 0}, "sram_efficiency: input should be greater than 0, got 0"),
        ({"deskew_buffer_vectors": 0}, "deskew_buffer_vectors: input should be greater than or equal to 1, got 0"),
        ({"resident": "yes"}, "resident: input should be a valid boolean, got 'yes'"),
        ({"colour": "red"}, "colour: unknown key"),
    ],
)
def test_a_wrong_chip_is_refused_at_its_key(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """Tests ranges and types, and rates with which no operator would ever end."""
    path = change_shipped(tmp_path, "chip", "lp30", changes)
    with pytest.raises(InputError, match=r"lp30\.yaml:\d+:\d+: ") as caught:
        load_chip(path)
    assert expected in str(caught.value)


@pytest.mark.parametrize(("name", "resident"), [("lp30", True), ("lp30-1465mhz", True), ("tsp", False)])
def test_what_is_assumed_of_each_chip(name: str, resident: bool) -> None:
    """Tests the whole rate of the SRAM, 16 vectors a lane, and that LP30 alone is said to branch."""
    chip = load_chip(name)
    assert (chip.sram_efficiency, chip.deskew_buffer_vectors, chip.resident) == (1, 16, resident)


def test_lp30_at_the_clock_of_its_arrays() -> None:
    """Tests 1,465 MHz: 1.2 PFLOPS are 4 x 320 x 320 = 409,600 products a cycle, 150 TB/s are 320 vectors a cycle."""
    chip = load_chip("lp30-1465mhz")
    assert chip.matrix_macs_per_cycle["fp8"] == 409_556  # 600,000 / 1.465, rounded down
    assert chip.sram_bytes_per_cycle == 102_389  # 319.97 vectors of 320 bytes


def test_another_clock_leaves_rates_in_ns_as_they_are() -> None:
    """Tests 150,000 bytes and 600,000 products a ns: twice as many in a cycle at 500 MHz as at 1000."""
    chip = load_chip("lp30", Fraction(500))
    assert (chip.clock_mhz, chip.sram_bytes_per_cycle) == (500, 300_000)
    assert chip.matrix_macs_per_cycle == {"fp8": 1_200_000, "bf16": 300_000}
