"""Tests of ``lpxsched topology`` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.cli.main import run
from tests.fabric.examples import change_shipped, write_topology

if TYPE_CHECKING:
    from pathlib import Path


def facts(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return the JSON object that the command prints, and nothing else."""
    assert run(["topology", *arguments, "--json"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    record: dict[str, Any] = json.loads(output.out)
    return record


def test_json_of_a_rack(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the keys that scripts rely on, and the rates as NVIDIA counts them."""
    rack = facts(capsys, "lpx-rack")
    assert (rack["chips"], rack["shape"], rack["hosts"], rack["diameter"]) == (256, [16, 16], 32, 2)
    # 256 x 60 in trays + 256 x 30 in the spine + 480 between FPGAs + 512 between chips and FPGAs
    assert rack["links"] == 256 * 90 + 480 + 512
    assert (rack["per_chip_links"], rack["ports"]) == (91, 96)
    assert (rack["symmetric"], rack["translations"], rack["orbits"]) == (True, [[1, 16], [16, 16]], 1)
    # 64 pairs of trays, 16 positions, 2 lanes of 100 Gb/s
    assert rack["bisection_gbps"] == 64 * 16 * 2 * 100
    # 90 lanes x 112 Gb/s x 2 directions / 8 bits, and 256 chips
    assert rack["capacity"] == {"line_tb_per_s_per_chip": 2.52, "line_tb_per_s": 645.12}
    assert (rack["down_links"], rack["down_chips"]) == (0, 0)
    assert rack["classes"][0] == {
        "name": "tray",
        "links": 15360,
        "per_chip": 60,
        "gbps": 100.0,
        "line_gbps": 112.0,
        "hop_cycles": 350,
        "hop_ns": 350.0,
    }


def test_text_of_a_node(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a person reads sizes, classes, distances and symmetry."""
    assert run(["topology", "tsp-node"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("tsp-node, tsp: 8 chips, 1 host, 72 directed links")
    # 650 cycles of 900 MHz
    assert ["local", "56", "7", "100", "100", "650", "722.2"] in [line.split() for line in text.splitlines()]
    assert "diameter        1 hop\n" in text
    assert "translations Z8, one orbit" in text
    assert "host.hop_ns" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lpx-rack", "translations Z16 x Z16, one orbit"),
        ("dragonfly-20", "translations Z5, 4 orbits"),
        ("mesh-4x4", "no translations found"),
    ],
)
def test_symmetry_in_words(name: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the group and its orbits stand in words."""
    assert run(["topology", name]) == 0
    assert f"symmetry        {words}\n" in capsys.readouterr().out


def test_assumed_values_have_their_source(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that every value tagged assumed is listed under its key, and no published one."""
    assumed = facts(capsys, "lpx-rack")["assumed"]
    host = {"host.hop_ns", "host.gbps", "host.host_timing"}
    assert set(assumed) == {"wire_bytes", "hac_latency_ns", "guard_in_hop", *host}
    assert assumed["wire_bytes"]["value"] == 328
    assert assumed["wire_bytes"]["source"].startswith("8-byte flits")


def test_explicit_topology(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that an explicit ring of one way has no bisection, is symmetric, and that nothing is assumed."""
    ring = facts(capsys, write_topology(tmp_path, "src,dst\n0,1\n1,2\n2,3\n3,0\n"))
    assert (ring["chips"], ring["links"], ring["diameter"]) == (4, 4, 3)
    assert ring["bisection_gbps"] is None
    assert (ring["symmetric"], ring["translations"]) == (True, [[1, 4]])
    assert ring["assumed"] == {}
    assert run(["topology", str(tmp_path / "toy.yaml")]) == 0
    assert "bisection       unknown" in capsys.readouterr().out


def test_one_chip_has_neither_links_nor_halves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that no empty table is printed, and no cut through what cannot be cut."""
    assert run(["topology", write_topology(tmp_path, "src,dst\n", chips=1)]) == 0
    text = capsys.readouterr().out
    assert "No link is in service\n" in text
    assert "bisection       none: one chip has no halves\n" in text


def test_chips_that_are_listed_in_any_order_are_numbered_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests a one-way ring 0 -> 1 -> 3 -> 2 -> 4: no shift of these numbers is a turn, a turn is found all the same."""
    path = write_topology(tmp_path, "src,dst\n0,1\n1,3\n3,2\n2,4\n4,0\n", chips=5)
    ring = facts(capsys, path)
    assert (ring["symmetric"], ring["translations"], ring["numbered_anew"]) == (True, [[1, 5]], True)
    assert run(["topology", path]) == 0
    assert "translations Z5 of chips numbered anew, one orbit" in capsys.readouterr().out


def test_what_is_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a chip out of service takes its links along: 7 to and 7 from others, one to and from the host."""
    path = change_shipped(tmp_path, "topology", "tsp-node", {"down": {"chips": [3], "links": [[0, 1]]}})
    node = facts(capsys, path)
    assert (node["chips"], node["links"]) == (8, 72)
    assert (node["down_chips"], node["down_links"]) == (1, 16 + 1)
    assert sum(of_class["links"] for of_class in node["classes"]) == 72 - 17
    assert node["symmetric"] is False
    assert run(["topology", path]) == 0
    assert "out of service  1 chip (3), 17 links\n" in capsys.readouterr().out


def test_pictures_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that both files are written and that nothing else is left."""
    svg, png = tmp_path / "a.svg", tmp_path / "a.png"
    assert facts(capsys, "ring-8", "--svg", str(svg), "--png", str(png))["chips"] == 8
    assert svg.read_bytes().startswith(b"<?xml")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument 'NAME|FILE'"),
        (["lpx-rakc"], "no topology of this name and no such file; did you mean lpx-rack"),
        (["lpx-rakc.yaml"], "no topology of this name and no such file; did you mean lpx-rack"),
        (["xyz"], "no topology of this name and no such file; shipped: boardfly, dragonfly-20, "),
        (["ring-8", "--svg", "a.png"], "a.png: --svg: must end in .svg"),
        (["ring-8", "--svg", "nowhere/a.svg"], "there is no folder nowhere"),
        (["ring-8", "--png", "."], "is a folder; name a file"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a wrong name or target is told in one line with exit code 2."""
    assert run(["topology", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert words in output.err


def test_a_wrong_file_is_refused_and_draws_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a fault of the file is told at its line, and no picture is left."""
    path = change_shipped(tmp_path, "topology", "ring-8", {"chips": -1})
    assert run(["topology", path, "--svg", str(tmp_path / "a.svg")]) == 2
    assert "chips: " in capsys.readouterr().err
    assert not (tmp_path / "a.svg").exists()


def test_text_alone_needs_no_drawing() -> None:
    """Tests that matplotlib is not imported without --svg and --png."""
    code = """
import sys
from lpxsched.cli.main import run
run(["topology", "ring-8"])
print("matplotlib" in sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "False"
