"""What people call the layers of a build.

A build numbers what its groups compute one after the other. Mostly these are the layers of the model, by its own
numbers. Of a whole model on the chips they are its visits: 0 is the embedding, 1 to L are the layers 0 to L - 1,
L + 1 is the head, and MTP visits follow where drafts are laid. Names alone tell the two apart, so whatever people read
is named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.report.manifest import collective_kind
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpxsched.timetable.build import Build

EMBEDDING, HEAD, MTP = "embedding", "head", "MTP"
# Runs of layers that are told one by one.
MOST_RUNS = 3


def head_of(results: Mapping[str, Any]) -> int:
    """Return the number of the head from a manifest's results; NONE where numbers are the model's own."""
    return int(results["layers"]) + 1 if "visits" in results else NONE


def layer_key(number: int, head: int) -> str:
    """Return one layer without a noun: ``3``, ``embedding``; equal for the same layer of any build of the model."""
    if head == NONE:
        return str(number)
    return {0: EMBEDDING, head: HEAD}.get(number) or (f"{MTP} {number - head}" if number > head else str(number - 1))


def layer_name(number: int, head: int) -> str:
    """Return one layer with its noun: ``layer 3``, ``embedding``."""
    key = layer_key(number, head)
    return f"layer {key}" if key.isdigit() else key


def in_model_order(keys: Iterable[str]) -> list[str]:
    """Return keys of layers as a step meets them: embedding, layers, head, drafts; see `layer_key`."""
    return sorted(keys, key=lambda key: (key.startswith(MTP), key == HEAD, key != EMBEDDING, len(key), key))


def number_ranges(numbers: Iterable[int]) -> str:
    """Return sorted numbers as people write them: ``0-3, 5``; of many runs the first two, the last and the number."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    if len(told) <= MOST_RUNS:
        return ", ".join(told)
    return f"{told[0]}, {told[1]}, .. {told[-1]} ({sum(last - first + 1 for first, last in runs)})"


def layer_ranges(layers: Iterable[int], head: int) -> str:
    """Return layers without a noun: ``0-3, 5``, ``embedding, 0-35, head``."""
    return _between_ends(layers, head, "", "")


def keys_ranged(keys: Sequence[str]) -> str:
    """Return keys of layers in the order of the model with their noun: ``embedding, layers 0-35, head``."""
    return _joined(keys, "layer ", "layers ")


def layers_named(layers: Iterable[int], head: int) -> str:
    """Return layers with their noun: ``layer 3``, ``layers 0-35``, ``embedding, layers 0-35, head``."""
    return _between_ends(layers, head, "layer ", "layers ")


def segment_name(build: Build, layers: Sequence[int]) -> str:
    """Return what a segment that holds the layers is called."""
    if "visits" in build.manifest.results:
        return "the whole model"
    return collective_kind(build) or layers_named(layers, NONE)


def _between_ends(layers: Iterable[int], head: int, one: str, many: str) -> str:
    return _joined([layer_key(number, head) for number in sorted(layers)], one, many)


def _joined(keys: Sequence[str], one: str, many: str) -> str:
    own = [int(key) for key in keys if key.isdigit()]
    after = [int(key.removeprefix(MTP)) for key in keys if key.startswith(MTP)]
    parts = (EMBEDDING * (EMBEDDING in keys), _noun(own, one, many), HEAD * (HEAD in keys))
    return ", ".join(part for part in (*parts, _noun(after, f"{MTP} ", f"{MTP} ")) if part)


def _noun(numbers: list[int], one: str, many: str) -> str:
    return f"{one if len(numbers) == 1 else many}{number_ranges(numbers)}" if numbers else ""
