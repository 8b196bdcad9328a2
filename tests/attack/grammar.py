"""A grammar of hostile text: documents that are nearly right, and texts that are not at all.

Every maker takes dice and returns one input; equal dice give equal inputs.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

MANY = 20_000

# What may stand where a value is expected: each is read as JSON and as YAML.
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        3,
        7,
        255,
        2**31 - 1,
        2**31,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**63),
        10**30,
        10**300,
    ),
    *(0.0, -0.0, 0.5, 1e-9, 5e-324, 1e9, 1e18, 1e300, float("inf"), float("-inf"), float("nan")),
    *("", " ", "0", "-1", "1e400", "nan", "no", "../../etc/passwd", "/dev/zero", "/", ".", "..", "~", "a\0b", "\ud800"),
    *(
        "x" * 5000,
        "é",
        "\u202e",
        "0-6,9",
        "9-0",
        "0-999999999999",
        "1:20",
        "\n",
        "- a",
        "{",
        "&a",
        "*a",
        "!!python/name:os.system",
    ),
    *(
        [],
        [[]],
        [0],
        [-1],
        [0, 0],
        [1, 2, 3],
        list(range(1000)),
        [None],
        ["a"],
        {},
        {"": 0},
        {"value": 1},
        {"a": {"b": []}},
    ),
    {"value": 1, "tag": "assumed", "range": [2, 1]},
)

# Texts of any kind of file, whole.
TEXTS: tuple[bytes, ...] = (
    *(
        b"",
        b"\0",
        b"\n",
        b" ",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf{}",
        b"null",
        b"[]",
        b"{}",
        b"0",
        b'""',
        b"NaN",
    ),
    *(b"[" * MANY, b"[" * 900 + b"]" * 900, b'{"a":' * MANY, b"- " * MANY, b"? " * MANY, b"a:\n" * MANY, b"{" * 5000),
    *(
        b"a: " * MANY,
        b"&a [*a]",
        b"&a {a: *a}",
        b"*a",
        b"--- 1\n--- 2",
        b"%YAML 9.9\n--- 1",
        b"!!binary x",
        b"\t- a",
        b"<<: 1",
    ),
    *(
        b"1" * MANY,
        b"a: " + b"1" * MANY,
        b'{"a": ' + b"1" * MANY + b"}",
        b'{"a": 1e999999}',
        b'{"a": -Infinity}',
        b'{"a":1,"a":2}',
    ),
    *(
        b'"\\ud800"',
        b'"' + b"a" * MANY,
        b"caf\xe9: 1",
        "a: é".encode("utf-16"),
        "{}".encode("utf-32"),
        b"a: !!float x",
        b"!!set {a}",
    ),
    *(
        b"src,dst\n" + b"0,1\n" * 2,
        b'src,dst\n"0,1',
        b"src,dst\n" + b"," * MANY,
        b"src\n0",
        b'src,dst\n0,"' + b"1" * 200_000 + b'"',
    ),
    b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 9)) for c in range(97, 110)),
    b"a: &a {x: 1}\n"
    + b"".join(b"%c: &%c {<<: [%s]}\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 9)) for c in range(97, 110)),
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "latin-1", "cp500", "utf-7", "utf-8-sig")
TOKENS = (
    b":",
    b"\n",
    b"  ",
    b"-",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b'"',
    b"'",
    b"#",
    b"&a ",
    b"*a",
    b"!!int ",
    b"\t",
    b"\0",
    b"|",
    b">",
    b"1e999",
    b"0x1f",
    b".nan",
    b".inf",
    b"\r",
    b"\x85",
    b"\xe2\x80\xa8",
    b"\xff",
)


def hostile(dice: random.Random, text: str, kind: str) -> bytes:
    """Return a file of a kind (``yaml``, ``json`` or ``csv``) that was once right."""
    way = dice.random()
    if way < 0.03:
        return dice.choice(TEXTS)
    if way < 0.1:
        return text.encode(dice.choice(ENCODINGS), "replace")
    if way < 0.35 or kind == "csv":
        return spoiled(dice, text.encode())
    data = json.loads(text) if kind == "json" else yaml.safe_load(text)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        data = changed(dice, data)
    if kind == "json":
        return json.dumps(data, indent=dice.choice((None, 1))).encode()
    return yaml.safe_dump(_dumpable(data), allow_unicode=True, sort_keys=False).encode()


def spoiled(dice: random.Random, data: bytes) -> bytes:
    """Return bytes with some parts cut out, doubled, moved, or overwritten by tokens of the grammar."""
    for _ in range(dice.randint(1, 4)):
        first, last = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        last = min(last, first + dice.choice((1, 1, 3, 20, 1000)))
        part, token = data[first:last], dice.choice(TOKENS) * dice.choice((1, 1, 1, 2, 50))
        new = dice.choice(
            (b"", part + part, token, dice.randbytes(3), b"9" * dice.choice((1, 5, 20, 400)), b"-" + part)
        )
        data = data[:first] + new + data[last:]
    return data


def changed(dice: random.Random, data: Any) -> Any:
    """Return data with one value, key or element replaced, left out, doubled, added or wrapped."""
    data = copy.deepcopy(data)
    places = list(_places(data))
    if not places:
        return dice.choice(VALUES)
    inside, key = dice.choice(places)
    way = dice.randrange(8)
    if way == 0:
        del inside[key]
    elif way == 1 and isinstance(inside, list):
        inside.insert(key, copy.deepcopy(inside[key]))
    elif way == 2 and isinstance(inside, dict):
        inside[dice.choice(("", "x", "value", "tag", "0", *map(str, inside)))] = inside[key]
    elif way == 3:
        inside[key] = _nested(inside[key], dice.choice((1, 2, 150)))
    elif way == 4 and isinstance(inside[key], int | float):
        inside[key] = inside[key] * dice.choice((-1, 0, 2, 10, 1000, 10**9, 0.5)) + dice.choice((0, 1, -1))
    else:
        inside[key] = dice.choice(VALUES)
    return data


def _nested(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(data, dict | list):
        for key, value in list(data.items() if isinstance(data, dict) else enumerate(data)):
            yield data, key
            yield from _places(value)


def _dumpable(data: Any) -> Any:
    """Return data whose text can be written at all; halves of characters cannot."""
    if isinstance(data, dict):
        return {str(_dumpable(key)): _dumpable(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_dumpable(value) for value in data]
    return data.encode(errors="replace").decode() if isinstance(data, str) else data
