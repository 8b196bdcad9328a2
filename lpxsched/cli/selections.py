"""Layers, chips and cycles as users write them: ``A:B`` and ``0-6,9,2.15``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Longer numbers are no chips, and a range of them would not fit into memory.
CHIPS = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")
# How a list of chips is written, for help.
CHIP_LIST = "by number or position, as in 0-6,9,2.15"


def parse_chips(text: str | None, positions: Callable[[], Sequence[str]]) -> tuple[int, ...] | None:
    """Return the chips of a list of numbers, ranges and positions, ``0-6,9,2.15``, in its order; None for all.

    Parameters
    ----------
    text : str, optional
        What the user wrote.
    positions : callable
        Returns the position of each node; it is asked where something is no number.

    Raises
    ------
    click.BadParameter
        When a part is neither a number, nor a range, nor a position.
    """
    if text is None:
        return None
    return tuple(chip for part in text.split(",") for chip in _chips_of(part.strip(), positions))


def _chips_of(part: str, positions: Callable[[], Sequence[str]]) -> Sequence[int]:
    match = CHIPS.fullmatch(part)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if first <= last:
        return range(first, last + 1)
    if part and not match and part in (known := list(positions())):
        return [known.index(part)]
    problem = f"{part!r} is neither a chip, nor a range of chips from low to high, nor a position, as in 0-6,9,2.15"
    raise click.BadParameter(problem, param_hint="--chips")


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
