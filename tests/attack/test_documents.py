"""Files of a user, read by the command that reads them: 10,820 of them nearly right, or not at all."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import ExitCode
from lpxsched.files.shipped import shipped_files
from lpxsched.timetable.writer import write_build
from tests.attack.grammar import hostile
from tests.attack.limits import attacked
from tests.builds import two_chip_build
from tests.toy import CONFIG, toy_model

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

SMALL = ("ring-8", "torus-4x4", "mesh-4x4", "tsp-node", "hypercube-16", "dragonfly-20", "tsp-rack", "lpx-rack")
DOWN = "\ndown:\n  chips: [1]\n  links: [[2, 3], [3, 2, 0]]\n"
EXPLICIT = """kind: explicit
name: square
chip: lp30
clock_mhz: 1000
chips: 4
links: square.csv
wire: pipelined
vector_bytes: 320
turnaround_cycles: 0
link: {lanes: 1, latency_ns: 10.0, gbps: 100.0}
"""
LINKS = "src,dst,lanes,latency_ns,gbps\n0,1,2,10,50\n1,2,1,,\n2,3,1,5,\n3,0,1,,100\n"
QUANTIZATION = '{"quantization": {"quant_algo": "NVFP4", "group_size": 16, "exclude_modules": ["lm_head"]}}'
FAILED = ("links: [[0, 1]]\n", "links:\n- [1, 0, 0]\n- [0, 1]\n", "chips: [1]\n", "trays: [0]\nlinks: []\n")
TRACE = """request,agent,after,context_tokens,tokens_in,tokens_out,tool_s
a,main,,0,40,6,0
b,main,a,40,0,3,0.5
c,helper,a,40,7,2,1e-3
d,main,b c,60,1,1,0
"""
COMPILE = ("compile", "toy", "tsp-node", "-o", "output", "--solver", "greedy", "--effort", "1")


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of file: its name in the folder of the attack, sound texts, and the command that reads it."""

    file: str
    texts: tuple[str, ...]
    command: tuple[str, ...]
    slow_inputs: int


@cache
def targets() -> dict[str, Target]:
    """Return what is attacked."""
    fabrics = tuple(shipped_files("topology")[name].read_text() for name in SMALL)
    clocks, models = _shipped("clock"), (*_shipped("model"), json.dumps(CONFIG))
    return {
        "topology": Target("a.yaml", fabrics, ("topology", "a.yaml"), 1000),
        "down": Target("a.yaml", tuple(text + DOWN for text in fabrics[1:]), ("topology", "a.yaml"), 200),
        "explicit": Target("a.yaml", (EXPLICIT,), ("topology", "a.yaml"), 1400),
        "links": Target("square.csv", (LINKS,), ("topology", "square.yaml"), 2500),
        "chip": Target("chip.yaml", _shipped("chip"), ("topology", "chipped.yaml"), 300),
        "clock": Target("a.yaml", clocks, ("bound", "build", "--clock", "a.yaml"), 400),
        "machine": Target("a.yaml", clocks, ("simulate", "build", "--reference", "--clock", "a.yaml"), 140),
        "model": Target("a.json", models, ("model", "a.json"), 960),
        "quantization": Target("toy/hf_quant_config.json", (QUANTIZATION,), ("model", "toy"), 1900),
        "gpus": Target("a.yaml", _shipped("gpus"), (*COMPILE, "--gpus", "a.yaml"), 60),
        "handover": Target("a.yaml", _shipped("handover"), (*COMPILE, "--handover", "a.yaml"), 60),
        "partition": Target(
            "a.yaml", ("layers:\n- chips: '0-3'\n- chips: [4, 5, 6, 7]\n",), (*COMPILE, "--partition", "a.yaml"), 60
        ),
        "failed": Target("a.yaml", FAILED, ("reschedule", "model", "--down", "a.yaml", "-o", "output"), 400),
        "trace": Target("a.csv", (TRACE,), ("session", "a.csv", "model"), 1000),
        "prefill": Target("a.yaml", _shipped("prefill"), ("session", "trace.csv", "model", "--prefill", "a.yaml"), 200),
        "runtime": Target("a.yaml", _shipped("runtime"), ("contend", "model", "--runtime", "a.yaml"), 200),
        "whole": Target("toy/config.json", (json.dumps(CONFIG),), (*COMPILE, "--partition", "disjoint"), 40),
    }


def _shipped(kind: str) -> tuple[str, ...]:
    return tuple(path.read_text() for path in shipped_files(kind).values())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_build: Build) -> Path:
    """Return a folder with all that the commands read beside the hostile file, and work in it."""
    monkeypatch.chdir(tmp_path)
    toy_model(tmp_path)
    write_build(tmp_path / "build", two_chip_build())
    write_build(tmp_path / "model", small_build)
    (tmp_path / "trace.csv").write_text(TRACE)
    node = shipped_files("topology")["tsp-node"].read_text()
    (tmp_path / "chipped.yaml").write_text(node.replace("chip: tsp", "chip: chip.yaml"))
    (tmp_path / "square.yaml").write_text(EXPLICIT)
    (tmp_path / "square.csv").write_text(LINKS)
    return tmp_path


def attack_document(place: Path, kind: str, seeds: range) -> None:
    """Run the command of a kind on one hostile file a seed."""
    target = targets()[kind]
    for seed in seeds:
        dice = random.Random(f"{kind} {seed}")
        (place / target.file).write_bytes(hostile(dice, dice.choice(target.texts), target.file.rpartition(".")[2]))
        attacked([*target.command, "--json"], outside=place, output=place / "output")


@pytest.mark.parametrize("kind", targets())
def test_what_is_attacked_is_sound_at_first(place: Path, kind: str) -> None:
    """Tests that each command reads its file before somebody changes it."""
    target = targets()[kind]
    (place / target.file).write_text(target.texts[0])
    told = attacked([*target.command, "--json"], outside=place, output=place / "output")
    # A build for one clock need not hold on another.
    other = (ExitCode.VERIFICATION_FAILED,) if kind in ("clock", "machine") else ()
    assert told.code in (ExitCode.DONE, *other), told


@pytest.mark.parametrize("kind", targets())
def test_no_hostile_document_breaks_a_command(place: Path, kind: str) -> None:
    """Tests a few changes of each kind of file."""
    attack_document(place, kind, range(10))


@pytest.mark.slow
@pytest.mark.parametrize("kind", targets())
def test_no_hostile_document_of_many_breaks_a_command(place: Path, kind: str) -> None:
    """Tests 10,820 files in all."""
    attack_document(place, kind, range(1000, 1000 + targets()[kind].slow_inputs))


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/passwd", "link.csv", "fifo", "a/../../outside.csv", "."])
def test_links_outside_of_the_folder_are_refused(place: Path, name: str) -> None:
    """Tests that a topology reads no file elsewhere, by its path or through a link, and waits for no pipe."""
    (place / "deep").mkdir()
    (place / "outside.csv").write_text(LINKS)
    (place / "deep" / "link.csv").symlink_to("../outside.csv")
    os.mkfifo(place / "deep" / "fifo")
    (place / "deep" / "a.yaml").write_text(EXPLICIT.replace("square.csv", name))
    told = attacked(["topology", "deep/a.yaml"], outside=place)
    assert told.code == ExitCode.BAD_INPUT
    assert told.err.startswith("deep/a.yaml:6:1: links: ")
    assert "must be a file in the folder of the topology" in told.err


def attack_points(place: Path, seeds: range) -> None:
    """Change points that a sweep keeps beside its table, once a seed, and run it again."""
    quickly = ("--solver", "greedy", "--effort", "1", "--partition", "disjoint")
    sweep = ["sweep", "toy", "tsp-node", "--batch", "1,2", *quickly, "-o", "output/s.csv", "--json"]
    output = place / "output"
    output.mkdir()
    assert attacked(sweep, outside=place, output=output).code == ExitCode.DONE
    table, kept = (output / "s.csv").read_bytes(), sorted((output / "s.csv.points").glob("*/*.json"))
    assert len(kept) == 2
    sound = [path.read_bytes() for path in kept]
    for seed in seeds:
        dice = random.Random(f"points {seed}")
        number = dice.randrange(2)
        kept[number].write_bytes(hostile(dice, sound[number].decode(), "json"))
        assert attacked(sweep, outside=place, output=output).code == ExitCode.DONE
        assert (output / "s.csv").read_bytes() == table


def test_no_hostile_point_of_a_sweep_is_taken(place: Path) -> None:
    """Tests that a point which somebody changed is compiled again, and the table has the same bytes."""
    attack_points(place, range(3))


@pytest.mark.slow
def test_no_hostile_point_of_many_is_taken(place: Path) -> None:
    """Tests 25 of them."""
    attack_points(place, range(1000, 1025))
