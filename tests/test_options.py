"""Tests of the options of a compile and of a collective."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lpxsched.errors import InputError
from lpxsched.options import CollectiveOptions, CompileOptions, checked_options


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
        ("attention", "tpu"),
        ("draft", -1),
        ("acceptance", 0.5),
        ("kv", "fp4"),
        ("effort", 0),
        ("effort", 41),
        ("seed", -1),
        ("context", 0),
        ("context", 8192.5),
        ("kv", "mxfp4"),
        ("colour", "red"),
    ],
)
def test_a_wrong_option_is_refused(option: str, value: object) -> None:
    """Tests that values outside of their range, of another type, or of no option are refused."""
    with pytest.raises(ValidationError, match=option):
        CompileOptions.model_validate({"model": "m", "topology": "t", option: value})


def test_a_collective_has_defaults() -> None:
    """Tests that a kind and a topology are all that a user must choose, and that clocks are perfect."""
    options = CollectiveOptions(kind="all-gather", topology="ring-8")
    assert (options.vectors, options.root, options.chips, options.deadline) == (1, None, None, None)
    assert (options.relays, options.cyclic) == (False, False)
    assert (options.clock, options.solver, options.effort, options.seed) == ("none", "auto", 3, 0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("kind", "all-scatter"),
        ("vectors", 0),
        ("vectors", 1_000_001),
        ("root", -1),
        ("chips", (0, -1)),
        ("chips", "0-3"),
        ("relays", 1),
        ("deadline", 0),
        ("solver", "fast"),
        ("effort", 0),
        ("effort", 41),
        ("seed", -1),
        ("batch", 8),
    ],
)
def test_a_wrong_option_of_a_collective_is_refused(option: str, value: object) -> None:
    """Tests values outside of their range, of another type, or of no option of this command."""
    with pytest.raises(ValidationError, match=option):
        CollectiveOptions.model_validate({"kind": "gather", "topology": "t", option: value})


def test_an_endless_repetition_needs_perfect_clocks() -> None:
    """Tests that --cyclic is refused with any clock that drifts, and taken with none."""
    wanted = {"kind": "all-gather", "topology": "t", "cyclic": True}
    assert CollectiveOptions.model_validate(wanted).cyclic
    with pytest.raises(ValidationError, match="clock\n  must be none with --cyclic"):
        CollectiveOptions.model_validate(wanted | {"clock": "xo-100ppm"})


def test_what_a_model_refuses_is_told_as_an_option() -> None:
    """Tests the name of the option, with dashes, in one line."""
    choices = {"model": "m", "topology": "t", "context": 0}
    with pytest.raises(InputError) as caught:
        checked_options(CompileOptions, "compile", choices)
    problem = "Input should be greater than or equal to 1, got 0"
    assert str(caught.value) == f"lpxsched compile: --context: {problem}"


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"attention": "lpu", "gpus": "nvl72"}, "--gpus: is for --attention gpu; leave it out, got nvl72"),
        ({"attention": "lpu", "handover": "mine"}, "--handover: is for --attention gpu; leave it out, got mine"),
        ({"solver": "greedy", "effort": 3}, "--effort: must be left out, or 1, with --solver greedy, which looks once"),
        ({"solver": "cpsat", "effort": 1}, "--effort: must be 2 or more with --solver cpsat: 1 is greedy alone"),
    ],
)
def test_what_plays_no_part_is_refused_where_it_is_given(choices: dict[str, object], told: str) -> None:
    """Tests what leaves bytes as they are, given as the default too; a default that nobody gave is none."""
    with pytest.raises(InputError, match=told):
        checked_options(CompileOptions, "compile", {"model": "m", "topology": "t"} | choices)
    mode = dict([next(iter(choices.items()))])
    assert checked_options(CompileOptions, "compile", {"model": "m", "topology": "t"} | mode).effort == 3


def test_a_collective_refuses_what_plays_no_part() -> None:
    """Tests --relays where all chips take part, and CP-SAT at effort 1; greedy looks longer with more effort."""
    wanted = {"kind": "all-gather", "topology": "t"}
    with pytest.raises(ValidationError, match="relays\n  is for --chips"):
        CollectiveOptions.model_validate(wanted | {"relays": True})
    with pytest.raises(ValidationError, match="effort\n  must be 2 or more with --solver cpsat"):
        CollectiveOptions.model_validate(wanted | {"solver": "cpsat", "effort": 1})
    told = {"chips": (0, 1), "relays": True, "solver": "greedy", "effort": 5}
    assert CollectiveOptions.model_validate(wanted | told).effort == 5
