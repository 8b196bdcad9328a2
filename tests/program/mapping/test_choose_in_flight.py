"""Tests of the mapping of several micro-batches in flight."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode, NothingFoundError, TooManyInFlightError
from lpxsched.program.mapping.choose import Baseline, Mapping
from lpxsched.program.mapping.choose_in_flight import mapping_in_flight
from lpxsched.traffic.group import Group
from tests.toy import toy_model

if TYPE_CHECKING:
    from pathlib import Path

SHARED, APART = (Group(0, (0, 1), (2, 2)), Group(1, (0, 1), (2, 2))), (Group(0, (0,), (2,)), Group(1, (1,), (2,)))
SHORTEST = Mapping(SHARED, bound_cycles=7, baselines={"disjoint": Baseline(APART), "whole": Baseline(SHARED)})


@pytest.mark.parametrize(("fits", "chosen"), [((2, 5), "disjoint"), ((5, 2), "auto"), ((3, 3), "auto")])
def test_where_neither_has_enough_windows_the_most_are_taken(fits: tuple[int, int], chosen: str) -> None:
    """Tests refusals of both; nothing that holds for one micro-batch at a time is told."""

    def refuse(groups: tuple[Group, ...]) -> Any:
        raise TooManyInFlightError(9, fits[groups == APART], "few windows")

    mapping = mapping_in_flight(SHORTEST, refuse)
    assert (mapping.chosen, mapping.groups) == (chosen, APART if chosen == "disjoint" else SHARED)
    assert mapping.baselines is mapping.bound_cycles is None


def test_a_mapping_without_chips_apart_is_not_tried() -> None:
    """Tests that nothing is laid where groups of their own do not fit."""

    def refuse(groups: tuple[Group, ...]) -> Any:
        raise NothingFoundError(f"{groups} are laid", remedy="")

    alone = Mapping(SHARED, baselines={"disjoint": Baseline(missing="does not fit")})
    assert mapping_in_flight(alone, refuse).groups == SHARED


def test_auto_is_no_worse_than_chips_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests three layers, three in flight: the longest step, within the 2 % in which a nominal step decides."""
    model, told = toy_model(tmp_path, num_hidden_layers=3), {}
    for partition in ("auto", "disjoint"):
        options = ["--in-flight", "3", "--partition", partition, "-o", str(tmp_path / "out"), "--json"]
        assert run(["compile", model, "tsp-node", *options]) == ExitCode.DONE
        told[partition] = json.loads(capsys.readouterr().out)
    assert told["auto"]["longest_step_ns"] <= 1.02 * told["disjoint"]["longest_step_ns"]
    assert told["auto"]["mapping_gap"] is None
