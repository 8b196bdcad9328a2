"""R4 operators."""

from __future__ import annotations

import pytest

from tests.verify.changes import breaks, changed, reports, rules


def test_two_operators_at_a_time_on_one_unit_are_found() -> None:
    """Tests that a unit of a chip runs one operator at a time."""
    # The router runs on the matrix unit during [44, 55).
    text = "unit matrix of chip 0 runs operator 2 during [44, 55) and operator 4 from 54 on"
    assert reports(changed("operators", 4, start=54), "R4", text)


def test_two_units_of_a_chip_run_at_the_same_time() -> None:
    """Tests that an operator on the vector unit may overlap one on the matrix unit."""
    # combine at 74 is too early for its operand (R3), but its unit is free.
    assert rules(changed("operators", 6, start=74)) == {"R3"}


@pytest.mark.parametrize(
    ("row", "cells", "text"),
    [
        (2, {"cycles": 10}, "operator 2 (router) takes 10 cycles, must take 11"),
        # ceil(9601 / 960) + 1
        (
            2,
            {"sram_bytes": 9601},
            "takes 11 cycles, must take 12: 9601 bytes at 960, 40 operations at 8, and 1",
        ),
        # ceil(81 / 8) + 1 = 12
        (2, {"macs": 81}, "takes 11 cycles, must take 12: 9600 bytes at 960, 81 operations at 8"),
        (2, {"fixed_cycles": 0}, "takes 11 cycles, must take 10"),
        # ceil(321 / 160) + 4
        (8, {"cycles": 5}, "operator 8 (add) takes 5 cycles, must take 6"),
        (2, {"dtype": "int4"}, "operator 2: chip 0 has no rate for unit matrix in int4"),
    ],
)
def test_a_duration_that_is_not_that_of_the_work_is_found(row: int, cells: dict[str, int | str], text: str) -> None:
    """Tests that cycles = max(ceil(sram_bytes / rate), ceil(macs / rate)) + fixed_cycles."""
    assert breaks(changed("operators", row, **cells), "R4", text)


def test_an_operator_on_a_host_that_takes_time_is_found() -> None:
    """Tests that rows enter and leave at once; an ingress during [1, 2) is within the deskew as well."""
    build = changed("operators", 0, cycles=1, start=1)
    assert reports(build, "R4", "operator 0 (ingress) takes 1 cycle on a host, must take 0")
    assert rules(build) == {"R4", "R9"}


@pytest.mark.parametrize(
    ("column", "rate", "text"),
    [
        ("sram_bytes_per_cycle", 959, "operator 2 (router) takes 11 cycles, must take 12"),
        # experts in fp8: ceil(160 / 7) = 23
        ("matrix_fp8_macs_per_cycle", 7, "operator 4 (experts) takes 20 cycles, must take 23"),
        # the router in bf16: ceil(40 / 2) + 1 = 21
        ("matrix_bf16_macs_per_cycle", 2, "operator 2 (router) takes 11 cycles, must take 21"),
        # combine: ceil(160 / 80) + 4 = 6
        ("vector_operations_per_cycle", 80, "operator 6 (combine) takes 5 cycles, must take 6"),
        # add: ceil(320 / 160) = ceil(1920 / 960) = 2, and 4, less the 2 that lie within the hop
        ("sum_cycles_in_hop", 2, "operator 8 (add) takes 6 cycles, must take 4"),
        # no sum ends before it starts
        ("sum_cycles_in_hop", 99, "operator 8 (add) takes 6 cycles, must take 0"),
        ("sram_bytes_per_cycle", 0, "operator 2: chip 0 has no rate for unit matrix"),
    ],
)
def test_durations_follow_the_rates_of_the_chip(column: str, rate: int, text: str) -> None:
    """Tests that each rate of chips.parquet enters the durations of its unit."""
    assert breaks(changed("chips", 0, **{column: rate}), "R4", text)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        # (2 - 1) x 2 vectors x 320 / 2 bytes
        ({"macs": 319}, "add 8 of 2 operands has macs 319, must have 320"),
        # (2 + 1) x 2 vectors x 320
        ({"sram_bytes": 1919}, "add 8 of 2 operands has sram_bytes 1919, must have 1920"),
    ],
)
def test_the_work_of_a_sum_follows_from_its_operands(cells: dict[str, int], text: str) -> None:
    """Tests that macs and sram_bytes of an add are those of its operands."""
    assert breaks(changed("operators", 8, **cells), "R4", text)


@pytest.mark.parametrize(
    ("row", "cells", "text"),
    [
        (2, {"unit": "host"}, "operator 2 runs on unit host of chip 0"),
        (0, {"unit": "vector"}, "operator 0 runs on unit vector of host 0"),
        (2, {"unit": "tensor"}, "operator 2 runs on unit tensor of chip 0"),
        (8, {"unit": "matrix"}, "add 8 runs on unit matrix; sums run on unit vector"),
    ],
)
def test_an_operator_on_a_unit_that_its_node_lacks_is_found(row: int, cells: dict[str, str], text: str) -> None:
    """Tests that chips have the units matrix and vector, hosts the unit host, and sums run on vector."""
    assert reports(changed("operators", row, **cells), "R4", text)


def test_an_operator_on_a_chip_that_is_down_is_found() -> None:
    """Tests that a chip out of service computes nothing."""
    assert reports(changed("chips", 1, down=True), "R4", "operator 3 runs on chip 1, which is down")


@pytest.mark.parametrize("column", ["cycles", "sram_bytes", "macs", "fixed_cycles"])
@pytest.mark.parametrize("value", [-1, (1 << 63) - 1])
def test_work_out_of_bounds_is_found(column: str, value: int) -> None:
    """Tests that no work is negative or too large to reckon with."""
    assert breaks(changed("operators", 2, **{column: value}), "R4", f"row 2: {column} is {value}")
