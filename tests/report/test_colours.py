"""Tests of colours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.facts import fabric_facts
from lpxsched.report.colours import CLASS_COLOURS, KIND_COLOURS, OTHER_COLOURS, class_colours, colours_of
from lpxsched.report.figures.build_figure import render
from lpxsched.report.page.curves import slack_curve
from lpxsched.report.page.data import page_data
from lpxsched.report.slack import slack_by_class
from lpxsched.report.topology.figure import render_topology
from tests.builds import two_chip_build
from tests.fabric.examples import fabric_of
from tests.report.builds import renamed_class

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def with_kinds(*kinds: str) -> Build:
    """Return a build whose operators on units are of these kinds, in turn."""
    build = two_chip_build()
    named = [kinds[row % len(kinds)] for row in range(len(build.operators))]
    on_unit = np.full(len(named), "vector")
    return replace(build, operators=replace(build.operators, kind=np.array(named), unit=on_unit))


def test_operators_of_a_whole_model_are_told_apart() -> None:
    """Tests eleven kinds that have no colour of their own, besides one that has: twelve colours."""
    names = ["argmax", "embedding", "ffn_norm", "ffn_scale", "lm_head", "mixer_scale", "out", "qkv", "rotate"]
    names += ["sample", "scores", "experts"]
    classes, kinds = colours_of(with_kinds(*names))
    assert kinds.keys() == {*names}
    assert len({*kinds.values(), *classes.values()}) == len(names) + len(classes)
    assert not {*OTHER_COLOURS} & {*KIND_COLOURS.values(), *CLASS_COLOURS.values()}


def test_what_is_counted_on_has_the_colour_of_the_first() -> None:
    """Tests a known kind, another one, and two names without a first."""
    _, found = colours_of(with_kinds("combine_2", "out", "out_2", "wire_1", "wire_2"))
    assert found["combine_2"] == KIND_COLOURS["combine"]
    assert found["out_2"] == found["out"]
    assert len({found["out"], found["wire_1"], found["wire_2"]}) == 3


def test_colours_of_classes_do_not_hang_on_their_order() -> None:
    """Tests two names that are nowhere known, with one that is, in every order."""
    found = class_colours(["copper", "tray", "optics"])
    assert found == class_colours(["optics", "copper", "tray"])
    assert found["tray"] == CLASS_COLOURS["tray"]
    assert len(set(found.values())) == 3


def test_a_class_and_a_kind_of_one_name_have_colours_of_their_own() -> None:
    """Tests a class that is called like an operator, and a kind whose first spare colour a class has taken."""
    classes, kinds = colours_of(renamed_class(with_kinds("router", "sort"), "host", "router"))
    assert kinds["router"] == KIND_COLOURS["router"]
    assert len({*classes.values(), *kinds.values()}) == 4


def test_a_class_has_one_colour_in_all_pictures() -> None:
    """Tests page, slack curve, still picture and topology, where the curve shows one of two classes not known."""
    build = renamed_class(renamed_class(two_chip_build(), "tray", "optics"), "host", "copper")
    palette = class_colours(["copper", "optics"])
    assert page_data(build)[0]["colours"]["classes"] == palette
    slack = slack_by_class(build)
    assert not isinstance(slack, str)
    only = tuple(of for of in slack if of.link_class == "optics")
    assert only
    curve, picture = slack_curve(only, palette).lower(), render(build, ["svg"])["svg"].decode().lower()
    assert palette["optics"].lower() in curve
    assert palette["copper"].lower() not in curve
    assert all(colour.lower() in picture for colour in palette.values())
    fabric = fabric_of([(0, 1), (1, 0)], grid=(1, 2))
    fabric = replace(fabric, link_classes=(replace(fabric.link_classes[0], name="optics"),))
    drawn = render_topology(fabric, fabric_facts(fabric), ["svg"])["svg"].decode().lower()
    assert class_colours(["optics"])["optics"].lower() in drawn
