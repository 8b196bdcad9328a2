"""A session: requests of agents, which of them waits for which, and the table that tells them.

| column | holds |
|---|---|
| `request` | a name that stands once, without blanks |
| `agent` | whose request it is |
| `after` | requests that must have ended before, blanks between (or a list); nothing for the first ones |
| `context_tokens` | tokens that are cached when it starts |
| `tokens_in` | tokens that are read in before it decodes |
| `tokens_out` | tokens that it emits |
| `tool_s` | seconds that a tool takes after all of `after` have ended |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.files.schema import short
from lpxsched.files.shipped import find_file, name_of
from lpxsched.sessions.cells import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.sessions.cells import Table

REQUEST, AGENT, AFTER, CONTEXT, IN, OUT, TOOL = (
    "request",
    "agent",
    "after",
    "context_tokens",
    "tokens_in",
    "tokens_out",
    "tool_s",
)
COLUMNS = (REQUEST, AGENT, AFTER, CONTEXT, IN, OUT, TOOL)
MOST_TOKENS, MOST_SECONDS = 100_000_000, 1_000_000
PS_PER_S = 10**12

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """Requests in the order of their table.

    Attributes
    ----------
    name : str
        Of the shipped file, or the stem of the file.
    requests, agents : tuple of str
        Name and agent of each request.
    after : tuple of tuple of int
        Requests that each one waits for; no circle.
    context, tokens_in, tokens_out : ndarray of int64, shape (requests,)
        Cached before, read in, and emitted; at least one is emitted.
    tool_ps : ndarray of int64, shape (requests,)
        How long a tool takes before each.
    """

    name: str
    requests: tuple[str, ...]
    agents: tuple[str, ...]
    after: tuple[tuple[int, ...], ...]
    context: Integers
    tokens_in: Integers
    tokens_out: Integers
    tool_ps: Integers

    @property
    def longest_context(self) -> int:
        """The most tokens that any request sees at its end."""
        return int((self.context + self.tokens_in + self.tokens_out).max())


def read_session(name: str) -> Session:
    """Return the session of a shipped name or a path.

    Raises
    ------
    InputError
        With file, row and column of the first fault: a cell of the wrong kind, a name that stands twice or nowhere,
        requests that wait for each other.
    """
    path = find_file("session", name)
    table = read_table(path, COLUMNS)
    requests = _names(table, REQUEST)
    numbers = {
        column: [_whole(table, row, column, least) for row in range(len(table.rows))]
        for column, least in ((CONTEXT, 0), (IN, 0), (OUT, 1))
    }
    tools = [round(_number(table, row, TOOL, MOST_SECONDS) * PS_PER_S) for row in range(len(table.rows))]
    agents = [_text(table, row, AGENT) for row in range(len(table.rows))]
    after = _after(table, requests)
    _refuse_circles(table, after)
    columns = (np.array(values, dtype=np.int64) for values in (*numbers.values(), tools))
    return Session(name_of(path), tuple(requests), tuple(agents), after, *columns)


def _cell(table: Table, row: int, column: str) -> Any:
    return table.rows[row][table.header.index(column)]


def _text(table: Table, row: int, column: str) -> str:
    cell = _cell(table, row, column)
    if not isinstance(cell, str | None):
        raise table.error(row, column, f"must be text, got {short(cell)}")
    if not cell:
        raise table.error(row, column, "no name here")
    if not cell.isprintable():
        raise table.error(row, column, f"must be printable, got {short(cell)}")
    return cell


def _names(table: Table, column: str) -> list[str]:
    """Return the names of a column, each of which stands once."""
    first: dict[str, int] = {}
    for row in range(len(table.rows)):
        name = _text(table, row, column)
        if len(name.split()) != 1:
            raise table.error(row, column, f"must be a name without blanks, got {short(name)}")
        if name in first:
            where = f"line {table.places[first[name] + 1][0]}" if table.places else f"row {first[name] + 1}"
            raise table.error(row, column, f"{name} stands in {where} already; name each request once")
        first[name] = row
    return list(first)


def _number(table: Table, row: int, column: str, most: int, least: int = 0) -> float:
    cell = _cell(table, row, column)
    if cell is None or cell == "":
        raise table.error(row, column, "no value here")
    if isinstance(cell, bool) or not (isinstance(cell, int | float) or _NUMBER.fullmatch(str(cell))):
        raise table.error(row, column, f"must be a number, got {short(cell)}")
    value = float(cell)
    if not least <= value <= most:
        raise table.error(row, column, f"must be from {least} to {most:,}, got {short(cell)}")
    return value


def _whole(table: Table, row: int, column: str, least: int) -> int:
    value = _number(table, row, column, MOST_TOKENS, least)
    if value != int(value):
        cell = short(_cell(table, row, column))
        raise table.error(row, column, f"must be a whole number from {least} to {MOST_TOKENS:,}, got {cell}")
    return int(value)


def _after(table: Table, requests: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Return the requests that each row waits for, by number."""
    known = {name: row for row, name in enumerate(requests)}
    found = []
    for row in range(len(table.rows)):
        cell = _cell(table, row, AFTER)
        names = cell.split() if isinstance(cell, str) else [] if cell is None else cell
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise table.error(row, AFTER, f"must be names of requests with blanks between, got {short(cell)}")
        for number, name in enumerate(names):
            if name not in known:
                raise table.error(row, AFTER, f"{short(name)} is no request of this table")
            if name in names[:number]:
                raise table.error(row, AFTER, f"{name} stands twice here; name it once")
        found.append(tuple(known[name] for name in names))
    return tuple(found)


def _refuse_circles(table: Table, after: Sequence[Sequence[int]]) -> None:
    try:
        TopologicalSorter(dict(enumerate(after))).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))[:-1]
        start = circle.index(min(circle))
        way = [*circle[start:], *circle[:start], circle[start]]
        names = [str(_cell(table, row, REQUEST)) for row in way]
        told = " after ".join(names if len(names) <= 6 else [*names[:3], "..", *names[-2:]])
        raise table.error(way[0], AFTER, f"a circle: {told}; no request may wait for itself") from None
