"""Layers, chips and cycles as users write them: ``A:B`` and ``0-6,9,2.15,3.0-7``."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Longer numbers are no chips, and a range of them would not fit into memory.
CHIPS = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")
# How a list of chips is written, for help.
EXAMPLE = "0-6,9,2.15,3.0-7"
CHIP_LIST = f"by number or position, as in {EXAMPLE}"


def parse_chips(
    text: str | None, positions: Callable[[], Sequence[str]], *, option: str = "--chips"
) -> tuple[int, ...] | None:
    """Return the chips of a list of numbers, ranges and positions, ``0-6,9,2.15,3.0-7``, in its order; None for all.

    Parameters
    ----------
    text : str, optional
        What the user wrote.
    positions : callable
        Returns the position of each node; it is asked where something is no number.
    option : str
        What faults are told of.

    Raises
    ------
    click.BadParameter
        When a part is neither a number, nor a position that there is, nor a range of either.
    """
    if text is None:
        return None
    return tuple(chip for part in text.split(",") for chip in _chips_of(part.strip(), positions, option))


def parse_chip(text: str | None, positions: Callable[[], Sequence[str]], *, option: str) -> int | None:
    """Return the one chip of a number or a position; None where none is named. See `parse_chips`."""
    chips = parse_chips(text, positions, option=option)
    if chips is not None and len(chips) != 1:
        raise click.BadParameter(f"{text!r} names {len(chips):,} chips; name one", param_hint=option)
    return None if chips is None else chips[0]


def _chips_of(part: str, positions: Callable[[], Sequence[str]], option: str) -> Sequence[int]:
    ranges = [_range(text) for text in part.split(".")]
    if len(ranges) == 1 and ranges[0]:
        return ranges[0]
    known = {name: chip for chip, name in enumerate(positions())} if part and not CHIPS.fullmatch(part) else {}
    if part in known:
        return [known[part]]
    if not all(ranges):
        problem = f"{part!r} is neither a chip, nor a range of chips from low to high, nor a position, as in {EXAMPLE}"
        raise click.BadParameter(problem, param_hint=option)
    chips = []
    for place in product(*ranges):
        name = ".".join(map(str, place))
        if name not in known:
            others = list(known)
            problem = f"there is no position {name}: they begin with {others[0]} and end with {others[-1]}"
            raise click.BadParameter(problem, param_hint=option)
        chips.append(known[name])
    return chips


def _range(text: str) -> range:
    """Return the numbers of ``7`` or ``0-6``; none of what is neither."""
    match = CHIPS.fullmatch(text)
    return range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)


def parse_cycles(text: str | None) -> tuple[int, int] | None:
    """Return first and last cycle of ``A:B``, B excluded; None for all."""
    if text is None:
        return None
    first, colon, last = text.partition(":")
    if not (colon and first.isdecimal() and last.isdecimal() and int(first) < int(last)):
        problem = f"{text!r} is not A:B, two whole numbers, the first one less"
        raise click.BadParameter(problem, param_hint="--cycles")
    return int(first), int(last)


def parse_layers(text: str | None, known: Sequence[int]) -> range | None:
    """Return the layers of ``A:B``, B excluded; None for all.

    Parameters
    ----------
    text : str, optional
        What the user wrote.
    known : sequence of int
        Layers of the build, in order.

    Raises
    ------
    click.BadParameter
        When it is no range, or one without any layer of the build.
    """
    if text is None:
        return None
    first, colon, last = text.partition(":")
    if not (colon and first.isdecimal() and last.isdecimal()):
        raise _bad_layers(f"{text!r} is not A:B, two whole numbers", known)
    layers = range(int(first), int(last))
    if not layers:
        raise _bad_layers(f"{text!r} is empty, since B is excluded", known)
    if layers[0] < known[0] or layers[-1] > known[-1] or not set(layers) & set(known):
        raise _bad_layers(f"{text!r} is not inside the build", known)
    return layers


def _bad_layers(problem: str, known: Sequence[int]) -> click.BadParameter:
    whole = f"{known[0]}:{known[-1] + 1}"
    return click.BadParameter(f"{problem}; {whole} means all layers", param_hint="--layers")
