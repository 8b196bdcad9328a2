"""Options of the command line that take their choices, ranges and defaults from the pydantic model of a command."""

from __future__ import annotations

from contextlib import suppress
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from lpxsched.options import flag_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

Command = TypeVar("Command", bound="Callable[..., Any]")


class WholeNumber(click.IntRange):
    """A whole number in a range; what is none is told with the range."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no whole number{_between(self.min, self.max)}", param, ctx)


class Number(click.FloatRange):
    """A number in a range; what is none is told with the range."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, which is finite."""
        number = nan
        # What is no number stays none, and is within no range.
        with suppress(click.BadParameter):
            number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is no number{_between(self.min, self.max, open_at=self.min_open)}", param, ctx)
        return number


class Listed(click.ParamType[Any]):
    """Values of another type with commas between; what is wrong is told with the number of its element."""

    def __init__(self, of: click.ParamType[Any]) -> None:
        self.of, self.name = of, f"{of.name} list"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what stands for the list in the help."""
        return f"{self.of.get_metavar(param, ctx) or self.of.name.upper()},.."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        """Return the elements, each once."""
        if isinstance(value, tuple):
            return value
        elements: list[Any] = []
        for number, text in enumerate(str(value).split(","), start=1):
            try:
                element = self.of.convert(text.strip(), param, ctx)
            except click.BadParameter as error:
                self.fail(f"element {number}: {error.message}", param, ctx)
            if element == "":
                self.fail(f"element {number} is empty; write {self.of.name} values with commas between", param, ctx)
            if element in elements:
                problem = f"element {number}, {text.strip()}, is element {elements.index(element) + 1} again"
                self.fail(f"{problem}; name each once", param, ctx)
            elements.append(element)
        return tuple(elements)


def _between(least: float | None, most: float | None, *, open_at: bool = False) -> str:
    """Return a range in words; with `open_at` its least end is left out."""
    if most is None:
        return "" if least is None else f" {'above' if open_at else 'of at least'} {least:,.15g}"
    if least is None:
        return f" of at most {most:,.15g}"
    return f" above {least:,.15g}, up to {most:,.15g}" if open_at else f" from {least:,.15g} to {most:,.15g}"


def model_option(
    model: type[BaseModel], name: str, text: str, *, metavar: str | None = None
) -> Callable[[Command], Command]:
    """Return the decorator of the option for one field of a model.

    Parameters
    ----------
    model : type
        Options of a command; a field of True or False becomes a flag.
    name : str
        The field; the option is ``--name``, with dashes.
    text : str
        Its line in the help.
    metavar : str, optional
        What stands for the value in the help.
    """
    rule, default = _rule(model, name), model.model_fields[name].default
    if rule["type"] == "boolean":
        return click.option(flag_of(name), is_flag=True, default=default, help=text)
    return click.option(
        flag_of(name), type=_click_type(rule), default=default, show_default=True, metavar=metavar, help=text
    )


def options_of(
    command: click.Command, model: type[BaseModel], *, listed: bool = False, **defaults: Any
) -> Callable[[Command], Command]:
    """Return the decorator of the options that another command has for the fields of a model.

    Parameters
    ----------
    command : click.Command
    model : type
    listed : bool
        Whether each takes a list of values, where it takes a value.
    defaults
        By field, where they differ from the model's.
    """
    taken = [one for one in command.params if isinstance(one, click.Option) and one.name in model.model_fields]

    def decorate(function: Command) -> Command:
        for one in reversed(taken):
            several = listed and not one.is_flag
            function = click.option(
                *one.opts,
                type=Listed(one.type) if several else one.type,
                is_flag=one.is_flag,
                default=defaults.get(str(one.name), model.model_fields[str(one.name)].default),
                show_default=one.show_default,
                metavar=f"{one.metavar},.." if several and one.metavar else one.metavar,
                help=one.help,
            )(function)
        return function

    return decorate


def given(choices: dict[str, Any]) -> dict[str, Any]:
    """Return the choices that a user made for the command that runs; defaults are none."""
    source = click.get_current_context().get_parameter_source
    return {name: value for name, value in choices.items() if source(name) is not ParameterSource.DEFAULT}


def model_argument(model: type[BaseModel], name: str) -> Callable[[Command], Command]:
    """Return the decorator of the argument for one field of a model."""
    return click.argument(name, metavar=name.upper(), type=_click_type(_rule(model, name)))


def _rule(model: type[BaseModel], name: str) -> dict[str, Any]:
    """Return the JSON Schema of a field, of its value where it may be left out."""
    rule: dict[str, Any] = model.model_json_schema()["properties"][name]
    return next((part for part in rule.get("anyOf", [rule]) if part.get("type") != "null"), rule)


def _click_type(rule: dict[str, Any]) -> Any:
    if "enum" in rule or "const" in rule:
        return click.Choice(rule.get("enum") or [rule["const"]])
    if rule["type"] == "integer":
        return WholeNumber(rule.get("minimum"), rule.get("maximum"))
    if rule["type"] == "number":
        least = rule.get("exclusiveMinimum")
        return Number(rule.get("minimum", least), rule.get("maximum"), min_open=least is not None)
    return click.STRING
