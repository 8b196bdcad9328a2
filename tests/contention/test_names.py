"""Tests of what contend calls a build."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.contention.text import build_name
from tests.verify.collectives import LAID, build_of


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"kind": "gather", "topology": "ring-8"}, "gather on ring-8"),
        ({"model": "toy", "topology": "lpx-rack", "batch": 8}, "toy on lpx-rack, batch 8"),
        ({}, "build"),
    ],
)
def test_a_build_has_the_name_that_its_options_give(options: dict[str, object], name: str) -> None:
    """Tests a collective, a model, and a build by hand whose options tell nothing."""
    build = build_of(LAID["gather"])
    manifest = build.manifest.model_copy(update={"options": options})
    assert build_name(replace(build, manifest=manifest)) == name
