"""Tests of assumptions, and of files in which one has another value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.assembly.manifest import input_files
from lpxsched.exploring.sensitivity.assumptions import altered_choices, assumptions_in
from lpxsched.fabric.profile import load_fabric
from lpxsched.files.document import read_yaml
from lpxsched.files.shipped import find_file
from lpxsched.options import CompileOptions
from tests.toy import toy_model

if TYPE_CHECKING:
    from lpxsched.exploring.sensitivity.assumptions import Assumption

TAGGED = """
name: mine
plain: 3
known: {value: 1, tag: published, range: [0, 2]}
number: {value: 1, tag: assumed, range: [0, 2], source: a guess}
at_an_end: {value: 0, tag: assumed, range: [0, 2]}
flag: {value: true, tag: assumed, range: [false, true]}
word: {value: a, tag: assumed, range: [a, b, c]}
unknown: {value: 5, tag: assumed}
axes: [{gbps: {value: 1, tag: assumed, range: [1, 2]}}]
by_class: {link 0.5 ns: {value: 1, tag: assumed, range: [1, 3]}, link: {value: 1, tag: assumed, range: [1, 4]}}
"""


def found_in(folder: Path) -> tuple[dict[str, Assumption], list[str], dict[str, Path]]:
    """Return the assumptions of a file that has some of each kind."""
    file = folder / "mine.yaml"
    file.write_text(TAGGED)
    found, without = assumptions_in({"clock": file})
    return {one.key: one for one in found}, without, {"clock": file}


def test_assumptions_are_found_by_their_tags(tmp_path: Path) -> None:
    """Tests both ends of a number, the end that is not the value, and the other values of a flag and of a word."""
    found, without, _ = found_in(tmp_path)
    assert {key: one.others for key, one in found.items()} == {
        "number": (0, 2),
        "at_an_end": (2,),
        "flag": (False,),
        "word": ("b", "c"),
        "axes.0.gbps": (2,),
        "by_class.link 0.5 ns": (3,),
        "by_class.link": (4,),
    }
    assert without == ["clock.unknown"]
    assert (found["number"].name, found["number"].source) == ("clock.number", "a guess")


@pytest.mark.parametrize(
    ("key", "path", "written"),
    [
        ("number", ["number"], {"value": 2, "range": [2, 2]}),
        ("axes.0.gbps", ["axes", 0, "gbps"], {"value": 2, "range": [2, 2]}),
        ("by_class.link 0.5 ns", ["by_class", "link 0.5 ns"], {"value": 3, "range": [3, 3]}),
        ("by_class.link", ["by_class", "link"], {"value": 4, "range": [4, 4]}),
        ("flag", ["flag"], {"value": False, "range": [False]}),
    ],
)
def test_another_value_is_written_as_if_it_were_known(
    tmp_path: Path, key: str, path: list[Any], written: dict[str, Any]
) -> None:
    """Tests that nothing else of a file changes, in a list and under a name with dots too."""
    found, _, files = found_in(tmp_path)
    expected = read_yaml(files["clock"]).data
    tagged = expected
    for part in path:
        tagged = tagged[part]
    tagged |= written
    (name,) = altered_choices(files, found[key], found[key].others[-1], tmp_path / "altered").values()
    assert read_yaml(Path(name)).data == expected


def test_a_chip_is_altered_through_its_topology(tmp_path: Path) -> None:
    """Tests half the rate of the SRAM, and that a build calls neither file by another name."""
    files = input_files(CompileOptions(model=toy_model(tmp_path), topology="tsp-node"))
    found = {one.name: one for one in assumptions_in(files)[0]}
    choices = altered_choices(files, found["chip.sram_efficiency"], 0.5, tmp_path / "half")
    assert [(kind, Path(name).name) for kind, name in choices.items()] == [("topology", "tsp-node.yaml")]
    assert float(load_fabric(choices["topology"]).chip.sram_efficiency) == 0.5
    assert load_fabric("tsp-node").chip.sram_efficiency == 1


def test_links_and_chip_of_a_topology_are_found_from_elsewhere(tmp_path: Path) -> None:
    """Tests a list of links beside the file, and a chip of the same name as the topology."""
    chip = tmp_path / "chips" / "own.yaml"
    chip.parent.mkdir()
    chip.write_text(find_file("chip", "tsp").read_text())
    (tmp_path / "links.csv").write_text("src,dst,lanes\n0,1,1\n1,0,1\n")
    own = tmp_path / "own.yaml"
    own.write_text(
        f"name: own\nkind: explicit\nwire: pipelined\nchip: {chip}\nchips: 2\nclock_mhz: 900\nvector_bytes: 320\n"
        "turnaround_cycles: {value: 1, tag: assumed, range: [0, 1]}\n"
        "link: {latency_ns: 10, gbps: 100}\nlinks: links.csv\n"
    )
    files = input_files(CompileOptions(model=toy_model(tmp_path), topology=str(own)))
    found = {one.name: one for one in assumptions_in(files)[0]}
    turned = altered_choices(files, found["topology.turnaround_cycles"], 0, tmp_path / "turned")
    assert (load_fabric(turned["topology"]).turnaround_cycles, load_fabric(turned["topology"]).links) == (0, 2)
    chips = altered_choices(files, found["chip.sram_efficiency"], 0.25, tmp_path / "chip")
    assert load_fabric(chips["topology"]).chip.sram_efficiency == load_fabric(str(own)).chip.sram_efficiency / 4
