"""From a document to a checked pydantic value, and values that carry their source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from lpxsched.files.near import did_you_mean, near_names

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler, ValidationInfo
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema, ErrorDetails

    from lpxsched.errors import InputError
    from lpxsched.files.document import Document
    from lpxsched.files.json_locations import Location

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")

Tag = Literal["published", "analyst", "derived", "assumed", "unstated"]


class Strict(BaseModel):
    """Base of every file and option model: no coercion, no unknown key, no mutation."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Tagged(Strict, Generic[Value]):
    """A value with where it comes from; a plain value in a file is taken as ``unstated``.

    Attributes
    ----------
    value : Value
        The number itself.
    tag : str
        ``published``, ``analyst``, ``derived`` (arithmetic on published numbers), ``assumed``, or ``unstated``.
    source : str
        The publication, the arithmetic, or why this value was assumed.
    range : list or None
        What the value may be in truth: the least and the largest of a number, each possible value of anything else.
    """

    value: Value
    tag: Tag = "unstated"
    range: Annotated[list[Value], Field(min_length=1)] | None = None
    source: str = ""

    @model_validator(mode="before")
    @classmethod
    def _accept_plain_value(cls, data: Any) -> Any:
        return data if isinstance(data, dict | cls) else {"value": data}

    @field_validator("range")
    @classmethod
    def _holds_the_value(cls, between: list[Value] | None, info: ValidationInfo) -> list[Value] | None:
        if between is None or "value" not in info.data:
            return between
        value = info.data["value"]
        # Pydantic has given all of them the type of the value.
        ends: list[Any] = between
        if isinstance(value, bool) or not isinstance(value, int | float):
            if value not in ends:
                raise PydanticCustomError("range", "must list {value} too", {"value": repr(value)})
        elif len(ends) != 2 or not ends[0] <= value <= ends[1]:
            raise PydanticCustomError("range", "must be [low, high] around {value}", {"value": repr(value)})
        return between

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of both forms: the plain value, and the mapping with its source."""
        tagged = handler.resolve_ref_schema(handler(schema))
        plain = {key: rule for key, rule in tagged["properties"]["value"].items() if key != "title"}
        return {"anyOf": [plain, tagged | {"title": "Value with its source"}]}


def mapping(document: Document) -> dict[str, Any]:
    """Return the keys and values of a document, or raise an `InputError` when it is no mapping."""
    if not isinstance(document.data, dict):
        kind = "an empty file" if document.data is None else type(document.data).__name__
        raise document.error((), f"must be a mapping of keys, not {kind}")
    return document.data


# Faults of what must be a number.
NUMBER_FAULTS = ("float_type", "int_type")
# By the end of a key.
UNITS = {
    "ns": "ns",
    "mhz": "MHz",
    "khz": "kHz",
    "gbps": "Gb/s",
    "ppm": "ppm",
    "bytes": "bytes",
    "cycles": "cycles",
}


def validate(document: Document, model: type[Model]) -> Model:
    """Return the document as a pydantic value.

    Raises
    ------
    InputError
        For the first fault, unknown keys before wrong values before missing keys.
    """
    keys = mapping(document)
    try:
        return model.model_validate(keys)
    except ValidationError as error:
        if _is_of_another_kind(keys, model):
            raise _of_another_kind(document, model) from None
        faults = sorted(error.errors(), key=_severity)
        raise _input_error(document, model, faults[0]) from None


def assumed_values(data: Any, prefix: str = "") -> dict[str, Any]:
    """Return every value of a file's data that is tagged ``assumed``, by its dotted key, with its range and source."""
    if isinstance(data, list):
        data = dict(enumerate(data))
    if not isinstance(data, dict):
        return {}
    if data.get("tag") == "assumed":
        return {prefix: {"value": data.get("value"), "range": data.get("range"), "source": data.get("source", "")}}
    return {
        key: value
        for name, child in data.items()
        for key, value in assumed_values(child, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def _severity(fault: ErrorDetails) -> int:
    return {"extra_forbidden": 0, "missing": 2}.get(fault["type"], 1)


def _input_error(document: Document, model: type[BaseModel], fault: ErrorDetails) -> InputError:
    location = _in_file(document, fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = sorted(_known_keys(model, location[:-1]))
        remedy = did_you_mean(str(location[-1]), known, "known keys")
        return document.error(location, f"unknown key; {remedy}")
    if fault["type"] == "missing":
        return document.error((*location, fault["loc"][-1]), "this key is missing; add it")
    remedy = _written_as_number(location, fault["input"]) if fault["type"] in NUMBER_FAULTS else ""
    return document.error(location, f"{told_fault(fault)}, got {short(fault['input'])}{remedy}")


def told_fault(fault: ErrorDetails) -> str:
    """Return what a value should have been; pydantic would name a class, which a file does not know."""
    message = "must be a mapping of keys" if fault["type"] in ("model_type", "dict_type") else fault["msg"]
    return f"{message[0].lower()}{message[1:]}"


def _written_as_number(location: Location, value: Any) -> str:
    """Return how to write a number that is text, in the unit that its key names; empty where it is no number."""
    match = re.fullmatch(r"\s*[-+]?[\d.]+(?:e[-+]?\d+)?\s*(.*)", value) if isinstance(value, str) else None
    if match is None:
        return ""
    if not match[1]:
        return "; write it without quotes"
    names = (str(part).rpartition("_")[2] for part in reversed(location))
    unit = next((UNITS[name] for name in names if name in UNITS), "")
    return f"; write the number alone{f', in {unit}' if unit else ''}"


def _is_of_another_kind(keys: dict[str, Any], model: type[BaseModel]) -> bool:
    """Return whether most keys of a file are unknown, and none of these is like a known one."""
    known = model.model_fields.keys()
    unknown = [key for key in keys if key not in known]
    return len(unknown) > 1 and 2 * len(unknown) > len(keys) and not any(near_names(str(key), known) for key in unknown)


def _of_another_kind(document: Document, model: type[BaseModel]) -> InputError:
    """Return what is wrong with a file of which most keys are unknown."""
    kind = model.__name__.removesuffix("File").removesuffix("Specification").lower()
    known = ", ".join(sorted(model.model_fields))
    return document.error((), f"is no {kind} file, most of its keys are unknown; known keys: {known}")


def _in_file(document: Document, parts: tuple[str | int, ...]) -> Location:
    """Leave out the names of union members and of Tagged's own field, which pydantic adds and a file has not."""
    location: Location = ()
    for part in parts:
        if (*location, part) in document.positions:
            location = (*location, part)
    return location


def _known_keys(model: type[BaseModel], location: Location) -> set[str]:
    """Return the keys that a file may have at a location."""
    models = [model]
    for part in location:
        if isinstance(part, str):
            fields = [member.model_fields[part] for member in models if part in member.model_fields]
            models = [inner for field in fields for inner in _models_in(field.annotation)]
    return {name for member in models for name in member.model_fields}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for member in get_args(annotation) for model in _models_in(member)]


def short(value: Any) -> str:
    """Return a value as it is quoted in an error, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
