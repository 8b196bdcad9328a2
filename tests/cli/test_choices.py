"""Tests that options of the command line are those of the pydantic models, and cannot drift apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from lpxsched.cli.collective import collective_command
from lpxsched.cli.compile import compile_command
from lpxsched.options import CollectiveOptions, CompileOptions

if TYPE_CHECKING:
    from pydantic import BaseModel

COMMANDS = [(compile_command, CompileOptions), (collective_command, CollectiveOptions)]
# What the command itself does with a build.
OF_COMMANDS = {"output", "as_json", "verify", "on_pipe", "write_partition"}


@pytest.mark.parametrize(("command", "model"), COMMANDS)
def test_every_field_is_an_option_and_every_option_a_field(command: click.Command, model: type[BaseModel]) -> None:
    """Tests the names of arguments and options."""
    assert {parameter.name for parameter in command.params} - OF_COMMANDS == set(model.model_fields)


@pytest.mark.parametrize(("command", "model"), COMMANDS)
def test_defaults_are_those_of_the_model(command: click.Command, model: type[BaseModel]) -> None:
    """Tests every option with a default."""
    options = [option for option in command.params if isinstance(option, click.Option)]
    told = {option.name: option.default for option in options if option.name not in OF_COMMANDS}
    expected = {name: model.model_fields[name].default for name in told}
    # click has a value of its own for no default.
    assert {name: value for name, value in told.items() if expected[name] is not None} == {
        name: value for name, value in expected.items() if value is not None
    }


def test_choices_and_ranges_are_those_of_the_model() -> None:
    """Tests a choice, the only choice there is, a range, an open range and a flag."""
    options = {option.name: option for option in [*compile_command.params, *collective_command.params]}
    assert tuple(options["solver"].type.choices) == ("auto", "greedy", "symmetric", "cpsat")
    assert tuple(options["moe"].type.choices) == ("sharded", "whole", "dispatch")
    assert tuple(options["weights"].type.choices) == ("fp8", "bf16", "int8", "mxfp4", "nvfp4")
    assert (options["effort"].type.min, options["effort"].type.max) == (1, 40)
    assert (options["context"].type.min, options["context"].type.max) == (1, 10**8)
    assert (options["root"].type.min, options["root"].type.max) == (0, None)
    assert options["relays"].is_flag
