"""Options of the command line that take their choices, ranges and defaults from the pydantic model of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from lpxsched.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

Model = TypeVar("Model", bound=BaseModel)
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
        """Return the number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no number{_between(self.min, self.max)}", param, ctx)


def _between(least: float | None, most: float | None) -> str:
    if most is None:
        return "" if least is None else f" of at least {least:,.15g}"
    return f" of at most {most:,.15g}" if least is None else f" from {least:,.15g} to {most:,.15g}"


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
        return click.option(_flag(name), is_flag=True, default=default, help=text)
    return click.option(
        _flag(name), type=_click_type(rule), default=default, show_default=True, metavar=metavar, help=text
    )


def model_argument(model: type[BaseModel], name: str) -> Callable[[Command], Command]:
    """Return the decorator of the argument for one field of a model."""
    return click.argument(name, metavar=name.upper(), type=_click_type(_rule(model, name)))


def checked_options(model: type[Model], command: str, choices: dict[str, Any]) -> Model:
    """Return the options that a user chose.

    Raises
    ------
    InputError
        For the first that the model refuses.
    """
    try:
        return model(**choices)
    except ValidationError as error:
        fault = error.errors()[0]
        problem = f"{fault['msg']}, got {fault['input']}"
        raise InputError(f"lpxsched {command}", problem, key=_flag(str(fault["loc"][0]))) from None


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


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
        return Number(rule.get("minimum"), rule.get("maximum"))
    return click.STRING
