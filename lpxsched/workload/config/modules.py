"""Which weights a list of modules means, as public loaders match names.

A pattern is a regular expression after ``re:``, else one with wildcards or the components of a path. Public code calls
one part by several names, and a list holds those of its own model only: a part is meant where any of its names is.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STEMS = ("model.layers", "model.language_model.layers", "language_model.model.layers", "backbone.layers")
MTP_STEMS = ("mtp.layers", "model.mtp.layers")
FFN_HOMES = ("mlp", "feed_forward", "mixer", "block_sparse_moe", "ffn")
FIRST_MATRICES = ("gate_proj", "up_proj", "w1", "gate_up_proj")
TAILS: dict[str, tuple[str, ...]] = {
    "mixer": (
        *("self_attn.q_proj", "self_attn.q_b_proj", "linear_attn.in_proj_qkvz", "linear_attn.in_proj_qkv"),
        *("mixer.in_proj", "mixer.q_proj", "mamba.in_proj", "attention.q_proj"),
    ),
    "dense": tuple(f"{home}.{matrix}" for home in FFN_HOMES for matrix in FIRST_MATRICES),
    "shared": tuple(
        f"{home}.{shared}.{matrix}"
        for home in FFN_HOMES
        for shared in ("shared_experts", "shared_expert")
        for matrix in FIRST_MATRICES
    ),
    "experts": tuple(f"{home}.experts.0.{matrix}" for home in FFN_HOMES for matrix in FIRST_MATRICES),
}


def is_excluded(part: str, layer: int, patterns: tuple[str, ...], *, guesses: bool = False) -> bool:
    """Return whether a list of modules means a part of a layer.

    Parameters
    ----------
    part : str
        ``mixer``, ``dense``, ``shared`` or ``experts``.
    layer : int
    patterns : tuple of str
    guesses : bool
        Whether the layer guesses further tokens: it is numbered after all others, or has a name of its own.
    """
    own = guesses and any(_means(pattern, part, MTP_STEMS, 0) for pattern in _of_layer(patterns, 0))
    return own or any(_means(pattern, part, STEMS, layer) for pattern in _of_layer(patterns, layer))


def is_expression(text: str) -> bool:
    """Return whether a text is a regular expression."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


@cache
def _of_layer(patterns: tuple[str, ...], layer: int) -> tuple[str, ...]:
    """Leave out what names another layer by its number."""
    numbers = (re.search(r"layers\.(\d+)\.", pattern) for pattern in patterns)
    kept = (number is None or int(number[1]) == layer for number in numbers)
    return tuple(pattern for pattern, keep in zip(patterns, kept, strict=True) if keep)


@cache
def _means(pattern: str, part: str, stems: tuple[str, ...], layer: int) -> bool:
    matches = _matcher(pattern)
    return any(matches(f"{stem}.{layer}.{tail}") for stem in stems for tail in TAILS[part])


def _matcher(pattern: str) -> Callable[[str], bool]:
    if pattern.startswith("re:"):
        expression = re.compile(pattern[3:])
        return lambda name: expression.match(name) is not None
    if pattern.endswith("*") or pattern.startswith("*"):
        return lambda name: fnmatchcase(name, pattern)
    wanted = pattern.split(".")

    def matches(name: str) -> bool:
        """Return whether the components stand in the name one after the other."""
        components = name.split(".")
        starts = range(len(components) - len(wanted) + 1)
        return any(
            all(fnmatchcase(*pair) for pair in zip(components[start:], wanted, strict=False)) for start in starts
        )

    return matches
