"""Where each key and each element of a JSON text stands."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Location = tuple[str | int, ...]
Position = tuple[int, int]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:"\s]+')


def json_locations(text: str) -> Iterator[tuple[Location, Position]]:
    """Yield the path of keys and indices, and the line and column (from 1), of each key and each element.

    Parameters
    ----------
    text : str
        Known to be JSON. A key that stands twice in a mapping is yielded twice.
    """
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    for location, index in _walk(text):
        line = bisect_right(starts, index)
        yield location, (line, index - starts[line - 1] + 1)


def token_position(text: str, token: str) -> Position:
    """Return line and column of the first number or constant that is written so."""
    index = next(match.start() for match in _TOKEN.finditer(text) if match[0] == token)
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _walk(text: str) -> Iterator[tuple[Location, int]]:
    """Yield each location with its index in the text; a loop, since nesting may be deeper than Python's stack."""
    containers: list[Location] = []
    here: Location = ()
    key_next = False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == ",":
            depth = len(containers[-1])
            last = here[depth]
            # An integer counts the elements of a list; text is a key, so another key comes.
            key_next = isinstance(last, str)
            here = here if isinstance(last, str) else (*here[:depth], last + 1)
        elif token in "]}":
            containers.pop()
            key_next = False
        elif key_next:
            here, key_next = (*containers[-1], json.loads(token)), False
            yield here, match.start()
        elif token != ":":
            if not here or isinstance(here[-1], int):
                yield here, match.start()
            if token in "[{":
                containers.append(here)
                key_next = token == "{"
                here = here if key_next else (*here, 0)
