"""Tests of the options of a compile."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lpxsched.options import CompileOptions


def test_defaults() -> None:
    """Tests that a model and a topology are all that a user must choose."""
    options = CompileOptions(model="gpt-oss-20b", topology="lpx-rack")
    assert (options.batch, options.weights, options.activations, options.partials) == (8, None, "fp8", "bf16")
    assert (options.clock, options.solver, options.effort, options.seed) == ("xo-100ppm", "auto", 3, 0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch", 0),
        ("batch", 1_000_001),
        ("batch", True),
        ("batch", "8"),
        ("weights", "fp4"),
        ("partials", "fp8"),
        ("attention", "lpu"),
        ("effort", 0),
        ("effort", 41),
        ("seed", -1),
        ("gpu_ns", -1.0),
        ("gpu_ns", float("nan")),
        ("colour", "red"),
    ],
)
def test_a_wrong_option_is_refused(option: str, value: object) -> None:
    """Tests that values outside of their range, of another type, or of no option are refused."""
    with pytest.raises(ValidationError, match=option):
        CompileOptions.model_validate({"model": "m", "topology": "t", option: value})
