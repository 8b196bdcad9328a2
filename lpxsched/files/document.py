"""Strict YAML and JSON with the position of every key, so that an error can point at it.

YAML's traps are refused rather than guessed: duplicate keys, ``no`` and ``on`` (booleans of YAML 1.1), ``1e9`` (a
string of YAML 1.1) and sexagesimal numbers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from lpxsched.errors import InputError
from lpxsched.files.json_locations import Location, Position, json_locations, token_position

if TYPE_CHECKING:
    from pathlib import Path

# Aliases can make a short text as long as they like.
MOST_LOCATIONS = 1_000_000
# Python neither reads nor writes much longer integers in decimal.
MOST_DIGITS = 3_000

_BOOLEAN_TRAP = re.compile(r"(?i:y|n|yes|no|on|off)")
_EXPONENT_TRAP = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+")
_SEXAGESIMAL_TRAP = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?")
_OCTAL_TRAP = re.compile(r"[-+]?0[0-9_]+")


@dataclass(frozen=True, slots=True)
class Document:
    """Data of one file, and where each key of it stands.

    Attributes
    ----------
    name : str
        The file as the user named it.
    data : object
        Plain dicts, lists and scalars.
    positions : dict
        Line and column, from 1, of each location (a path of keys and indices).
    """

    name: str
    data: Any
    positions: dict[Location, Position]

    def error(self, location: Location, problem: str) -> InputError:
        """Return an error that points at a location, or at its nearest ancestor that has a position."""
        known = location
        while known and known not in self.positions:
            known = known[:-1]
        line, column = self.positions.get(known, (1, 1))
        return InputError(self.name, problem, key=dotted(location), line=line, column=column)


def dotted(location: Location) -> str:
    """Return a location as people write it: ``layers.3.chips``."""
    return ".".join(str(part) for part in location)


def read_text(path: Path) -> str:
    """Return the text of a file, or raise an `InputError` that says why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(str(path), "not UTF-8 text") from error
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, or raise an `InputError` that says why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from error


def read_yaml(path: Path) -> Document:
    """Read one strict YAML file."""
    name, loader = str(path), None
    positions: dict[Location, Position] = {}
    text = read_text(path)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        data = None if node is None else _build(name, loader, node, (), positions)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(name, error) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        problem = f"the character U+{ord(text[error.position]):04X} cannot stand in YAML; remove it"
        raise InputError(name, problem, line=line, column=column) from error
    except RecursionError as error:
        raise InputError(name, "nested too deeply", line=1, column=1) from error
    finally:
        if loader:
            loader.dispose()
    return Document(name, data, positions)


def read_json(path: Path) -> Document:
    """Read one JSON file; a duplicate key is an error."""
    name, text = str(path), read_text(path)
    try:
        data = json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise InputError(name, f"not JSON: {error.msg}", line=error.lineno, column=error.colno) from error
    except _NumberError as error:
        line, column = token_position(text, error.token)
        raise InputError(name, error.problem, line=line, column=column) from error
    except RecursionError as error:
        raise InputError(name, "nested too deeply", line=1, column=1) from error
    positions: dict[Location, Position] = {}
    for location, position in json_locations(text):
        if location in positions:
            raise _twice(name, location, position)
        positions[location] = position
    return Document(name, data, positions)


class _NumberError(Exception):
    """A number that Python's reader would take, or fail on without a position."""

    def __init__(self, token: str, problem: str) -> None:
        self.token, self.problem = token, problem


def _refuse_constant(token: str) -> None:
    raise _NumberError(token, f"{token} is not a JSON number; write a finite number")


def _integer(token: str) -> int:
    if len(token) > MOST_DIGITS:
        raise _NumberError(token, "the number is too long; write a smaller one")
    return int(token)


def _syntax_error(name: str, error: yaml.MarkedYAMLError) -> InputError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    told = " ".join(part for part in (error.context, error.problem) if part)
    return InputError(name, f"not YAML: {told}", line=line, column=column)


def _twice(name: str, location: Location, position: Position) -> InputError:
    line, column = position
    return InputError(name, "this key stands twice; keep one", key=dotted(location), line=line, column=column)


def _place(node: yaml.Node) -> Position:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _build(
    name: str, loader: yaml.SafeLoader, node: yaml.Node, location: Location, positions: dict[Location, Position]
) -> Any:
    positions.setdefault(location, _place(node))
    if len(positions) > MOST_LOCATIONS:
        raise InputError(name, f"more than {MOST_LOCATIONS:,} keys and elements, aliases written out; write fewer")
    if isinstance(node, yaml.SequenceNode):
        return [_build(name, loader, child, (*location, index), positions) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line, column = _place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(name, "a key must be text", key=dotted(location), line=line, column=column)
            here = (*location, str(key_node.value))
            if here[-1] in data:
                raise _twice(name, here, (line, column))
            positions[here] = (line, column)
            data[str(here[-1])] = _build(name, loader, value_node, here, positions)
        return data
    return _scalar(name, loader, node, location)


def _scalar(name: str, loader: yaml.SafeLoader, node: yaml.Node, location: Location) -> Any:
    text = str(node.value)
    if node.tag == "tag:yaml.org,2002:timestamp":
        return text
    problem = _trap(text, node.tag) if isinstance(node, yaml.ScalarNode) and node.style is None else ""
    value = None
    if not problem:
        try:
            value = loader.construct_object(node, deep=True)
        except (ValueError, LookupError):
            problem = f"{text[:60]} does not fit its tag {node.tag.rpartition(':')[2]}; remove the tag or quote it"
        if isinstance(value, int) and value.bit_length() > 3 * MOST_DIGITS:
            problem = "the number is too long; write a smaller one"
    if problem:
        line, column = _place(node)
        raise InputError(name, problem, key=dotted(location), line=line, column=column)
    return value


def _trap(text: str, tag: str) -> str:
    if _BOOLEAN_TRAP.fullmatch(text):
        return f"{text} is ambiguous in YAML; write true or false, or quote it"
    if tag == "tag:yaml.org,2002:str" and _EXPONENT_TRAP.fullmatch(text):
        return f"{text} is a string in YAML 1.1; write the number without exponent"
    if _SEXAGESIMAL_TRAP.fullmatch(text):
        return f"{text} would be read in base 60; quote it"
    if _OCTAL_TRAP.fullmatch(text):
        return f"{text} would be read in base 8; write it without the leading zero, or quote it"
    return ""
