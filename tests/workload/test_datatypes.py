"""Tests of the sizes of element types."""

from __future__ import annotations

import pytest

from lpxsched.workload.datatypes import arithmetic_type, bytes_of


@pytest.mark.parametrize(
    ("elements", "dtype", "expected"),
    [
        (7, "fp8", 7),
        (7, "int8", 7),
        (7, "bf16", 14),
        (7, "fp32", 28),
        (32, "mxfp4", 17),  # 32 x 4 bits + 8 bits of scale = 136 bits
        (16, "nvfp4", 9),  # 16 x 4 bits + 8 bits of scale = 72 bits
        (1, "mxfp4", 1),  # 4.25 bits, rounded up to a byte
        (0, "mxfp4", 0),
        (2880 * 2880, "mxfp4", 4_406_400),  # 8,294,400 x 4.25 / 8
    ],
)
def test_elements_take_bits_and_their_share_of_a_scale(elements: int, dtype: str, expected: int) -> None:
    """Tests the bytes of some elements, shared scales included, rounded up once."""
    assert bytes_of(elements, dtype) == expected


@pytest.mark.parametrize(
    ("weights", "activations", "expected"),
    [
        ("fp8", "fp8", "fp8"),
        ("mxfp4", "fp8", "fp8"),
        ("nvfp4", "fp8", "fp8"),
        ("int8", "fp8", "fp8"),
        ("bf16", "fp8", "bf16"),
        ("mxfp4", "bf16", "bf16"),
    ],
)
def test_the_wider_operand_decides_the_arithmetic(weights: str, activations: str, expected: str) -> None:
    """Tests that one operand in bf16 makes the product run in bf16."""
    assert arithmetic_type(weights, activations) == expected
