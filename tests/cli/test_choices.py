"""Tests that options of the command line are those of the pydantic models, and cannot drift apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from lpxsched.cli.choices import Listed, Number, WholeNumber
from lpxsched.cli.collective import collective_command
from lpxsched.cli.compile import compile_command
from lpxsched.cli.main import run
from lpxsched.cli.sweep import sweep_command
from lpxsched.errors import ExitCode
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
    """Tests a choice, the only choice there is, ranges and a flag."""
    options = {option.name: option for option in [*compile_command.params, *collective_command.params]}
    assert tuple(options["solver"].type.choices) == ("auto", "greedy", "symmetric", "cpsat")
    assert tuple(options["moe"].type.choices) == ("sharded", "whole", "dispatch")
    assert tuple(options["weights"].type.choices) == ("fp8", "bf16", "int8", "mxfp4", "nvfp4")
    assert (options["effort"].type.min, options["effort"].type.max) == (1, 40)
    assert (options["context"].type.min, options["context"].type.max) == (1, 10**8)
    assert options["relays"].is_flag


LISTS = [
    (option.opts[0], option.type.of)
    for option in sweep_command.params
    if isinstance(option.type, Listed) and isinstance(option.type.of, Number | WholeNumber)
]


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "-1", "-0.5", ""])
@pytest.mark.parametrize("name", [name for name, _ in LISTS])
def test_no_list_of_a_sweep_takes_what_is_no_number_of_its_range(
    name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests every list of numbers with a second element that is none: option and element are told, nothing runs."""
    assert run(["sweep", "gpt-oss-20b", "lpx-rack", f"{name}=2,{text}"]) == ExitCode.BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"lpxsched sweep: Invalid value for '{name}'" in err
    assert "element 2" in err


def test_zero_is_refused_where_a_range_leaves_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests --capacity, which is above 0, and --draft and --seed, which may be 0: the range is that of the model."""
    assert {name for name, kind in LISTS if kind.min == 0 and not kind.min_open} == {"--draft", "--seed"}
    assert run(["sweep", "gpt-oss-20b", "lpx-rack", "--moe", "dispatch", "--capacity", "1,0"]) == ExitCode.BAD_INPUT
    assert "element 2: '0' is no number above 0, up to 1,000,000" in capsys.readouterr().err
