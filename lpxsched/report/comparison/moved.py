"""Which layers of two builds lie on other chips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.report.layers import EMBEDDING, HEAD, head_of, in_model_order, layer_key
from lpxsched.report.manifest import collective_kind
from lpxsched.report.mapping import mapping
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.timetable.build import Build

COLLECTIVE = "collective"


@dataclass(frozen=True, slots=True)
class Moved:
    """The chips of a layer, of embedding, head or a collective, in two builds; empty where one has none."""

    layer: str
    first: str
    second: str

    @property
    def moves(self) -> bool:
        """Whether both builds have the layer, on different chips."""
        return bool(self.first and self.second) and self.first != self.second


def moved_layers(first: Build, second: Build) -> list[Moved]:
    """Return the chips of each layer in both builds."""
    places = [_places(build) for build in (first, second)]
    return [Moved(layer, *(of.get(layer, "") for of in places)) for layer in in_model_order({*places[0], *places[1]})]


def moved_sentence(moved: Sequence[Moved]) -> str:
    """Return how many layers lie on other chips, and how many only one of two builds has."""
    both, noun = [each for each in moved if each.first and each.second], noun_of(moved)
    other = sum(each.moves for each in both)
    only = {"A": sum(not each.second for each in moved), "B": sum(not each.first for each in moved)}
    told = [f"{other} of {counted(len(both), noun)} on other chips"] if other else []
    if both and not other:
        told = ["All on the same chips" if len(both) == len(moved) else f"{counted(len(both), noun)} on the same"]
    return "; ".join([*told, *(f"{counted(number, noun)} only in {name}" for name, number in only.items() if number)])


def noun_of(moved: Sequence[Moved]) -> str:
    """Return what they are: embedding and head are visits, and a collective has no layers."""
    if all(each.layer == COLLECTIVE for each in moved):
        return COLLECTIVE
    return "visit" if any(each.layer in (COLLECTIVE, EMBEDDING, HEAD) for each in moved) else "layer"


def _places(build: Build) -> dict[str, str]:
    """Return the chips of each layer, or of a collective, by what it is called."""
    head, kind = head_of(build.manifest.results), collective_kind(build)
    return {
        COLLECTIVE if kind else layer_key(layer, head): held.chips for held in mapping(build) for layer in held.layers
    }
