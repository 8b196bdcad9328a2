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

if TYPE_CHECKING:
    from pathlib import Path

Location = tuple[str | int, ...]
Position = tuple[int, int]

_BOOLEAN_TRAP = re.compile(r"(?i:y|n|yes|no|on|off)")
_EXPONENT_TRAP = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+")
_SEXAGESIMAL_TRAP = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?")


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
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(str(path), "not UTF-8 text") from error
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from error


def read_yaml(path: Path) -> Document:
    """Read one strict YAML file."""
    return _compose(str(path), read_text(path))


def read_json(path: Path) -> Document:
    """Read one JSON file; a duplicate key is an error."""
    text = read_text(path)
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise InputError(str(path), f"not JSON: {error.msg}", line=error.lineno, column=error.colno) from error
    except ValueError as error:
        raise InputError(str(path), str(error)) from error
    # JSON without tabs is YAML; a tab stands only between tokens here, so a space keeps every position.
    return _compose(str(path), text.replace("\t", " "), plain_json=True)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number; write a finite number")


def _compose(name: str, text: str, *, plain_json: bool = False) -> Document:
    loader = yaml.SafeLoader(text)
    positions: dict[Location, Position] = {}
    try:
        node = loader.get_single_node()
        data = None if node is None else _build(name, loader, node, (), positions, plain_json)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = f"not YAML: {error.problem or error.context}"
        raise InputError(name, problem, line=line, column=column) from error
    except yaml.YAMLError as error:
        raise InputError(name, f"not YAML: {error}", line=1, column=1) from error
    except RecursionError as error:
        raise InputError(name, "nested too deeply", line=1, column=1) from error
    finally:
        loader.dispose()
    return Document(name, data, positions)


def _build(
    name: str,
    loader: yaml.SafeLoader,
    node: yaml.Node,
    location: Location,
    positions: dict[Location, Position],
    plain_json: bool,
) -> Any:
    positions.setdefault(location, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(name, loader, child, (*location, index), positions, plain_json)
            for index, child in enumerate(node.value)
        ]
    if isinstance(node, yaml.MappingNode):
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            key = str(key_node.value)
            here = (*location, key)
            if key in data:
                problem = "this key stands twice; keep one"
                raise InputError(name, problem, key=dotted(here), line=mark.line + 1, column=mark.column + 1)
            positions[here] = (mark.line + 1, mark.column + 1)
            data[key] = _build(name, loader, value_node, here, positions, plain_json)
        return data
    return _scalar(name, loader, node, location, plain_json)


def _scalar(name: str, loader: yaml.SafeLoader, node: yaml.Node, location: Location, plain_json: bool) -> Any:
    text = str(node.value)
    if isinstance(node, yaml.ScalarNode) and node.style is None:
        if plain_json:
            return json.loads(text)
        remedy = _trap(text)
        if remedy:
            mark = node.start_mark
            raise InputError(name, remedy, key=dotted(location), line=mark.line + 1, column=mark.column + 1)
    if node.tag == "tag:yaml.org,2002:timestamp":
        return text
    return loader.construct_object(node, deep=True)


def _trap(text: str) -> str:
    if _BOOLEAN_TRAP.fullmatch(text):
        return f"{text} is ambiguous in YAML; write true or false, or quote it"
    if _EXPONENT_TRAP.fullmatch(text):
        return f"{text} is a string in YAML 1.1; write the number without exponent"
    if _SEXAGESIMAL_TRAP.fullmatch(text):
        return f"{text} would be read in base 60; quote it"
    return ""
