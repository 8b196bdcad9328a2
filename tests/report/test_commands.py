"""Tests of ``lpxsched report`` and ``lpxsched export`` as a user runs them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode
from lpxsched.timetable.reader import read_build
from lpxsched.timetable.writer import write_build
from tests.report.builds import repeated_build
from tests.report.test_collectives import told
from tests.verify.collectives import LAID

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a build folder of four layers."""
    build = repeated_build(4)
    write_build(tmp_path / "build", build)
    return tmp_path / "build"


def test_report_prints_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the report is on stdout and nothing on stderr."""
    assert run(["report", str(folder)]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("Compute limits the step: 0.168 us (32.8 %) of its 0.512 us, then wire")
    assert "4 layers, makespan 512 cycles" in output.out
    assert output.err == ""


def test_report_prints_one_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the keys and the numbers of the JSON object."""
    assert run(["report", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["layer_count"], report["makespan_cycles"], report["makespan_ns"]) == (4, 512, 512.0)
    tray = report["classes"][0]
    assert (tray["class"], tray["links"], tray["vectors"], tray["busy_cycles"]) == ("tray", 8, 32, 80)
    assert tray["busy_share_while_running"] == 20 / 256
    assert tray["busy_share_of_token"] == 80 / (8 * 512)
    (layers,) = report["layers"]
    assert layers["layers"] == [0, 1, 2, 3]
    assert sum(layers["parts"].values()) == layers["makespan_cycles"] == 128
    # Four layers of 40 on host links and 40.5 in the tray.
    assert report["critical_path_by_class"] == {"host": 160, "tray": 162}
    assert (layers["chips"], layers["lower_bound_cycles"], layers["gap"]) == ([2, 2], 128, 1.0)
    # A router of 11 cycles in front of no link, and of each layer 10 + 12 cycles of latency on two host links.
    assert {"part": "compute_router", "link_class": None, "cycles": 11} in layers["critical_path"]
    assert {"part": "latency", "link_class": "host", "cycles": 4 * 22} in report["critical_path"]
    assert sum(cell["cycles"] for cell in report["critical_path"]) == 512
    assert report["limit"].startswith("Compute limits the step: 0.168 us")
    assert [(link["link_class"], link["alike"], link["layers"]) for link in report["busiest_links_alike"]] == [
        ("tray", 8, [0, 1, 2, 3]),
        ("host", 16, [0, 1, 2, 3]),
    ]
    (chips,) = report["busiest_chips"]["alike"]
    assert (chips["position"], chips["alike"], chips["layers"]) == ("0.0", 8, [0, 1, 2, 3])
    assert len(report["busiest_links"]) == 5
    assert len(report["busiest_chips"]["by_unit"]) == len(report["busiest_chips"]["by_vectors"]) == 5


def test_report_of_no_build(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a missing folder is one line on stderr and exit code 2."""
    assert run(["report", str(tmp_path / "none")]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1


def test_export_writes_both_files(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that both files are written, named in the JSON object, and that nothing else is left."""
    svg, png = tmp_path / "a.svg", tmp_path / "a.png"
    png.write_text("replaced")
    assert run(["export", str(folder), "--svg", str(svg), "--png", str(png), "--layers", "1:3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(svg), str(png)]}
    assert svg.read_bytes().startswith(b"<?xml")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg", "build"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("2", "'2' is not A:B, two whole numbers; 0:4 means all layers"),
        ("a:b", "'a:b' is not A:B, two whole numbers; 0:4 means all layers"),
        ("-1:2", "'-1:2' is not A:B, two whole numbers; 0:4 means all layers"),
        ("2:2", "'2:2' is empty, since B is excluded; 0:4 means all layers"),
        ("3:5", "'3:5' is not inside the build; 0:4 means all layers"),
    ],
)
def test_export_of_wrong_layers(
    folder: Path, tmp_path: Path, layers: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that a wrong range says what would be right and writes nothing."""
    assert run(["export", str(folder), "--svg", str(tmp_path / "a.svg"), "--layers", layers]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.svg").exists()


def test_export_asks_for_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that an export to nowhere is a usage error."""
    assert run(["export", str(folder)]) == 2
    assert "--svg, --png, --perfetto, --vcd or --csv FILE" in capsys.readouterr().err


def test_export_refuses_what_is_no_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that folders, devices and files in missing folders are bad input."""
    assert run(["export", str(folder), "--png", str(tmp_path)]) == 2
    assert "is a folder; name a file" in capsys.readouterr().err
    assert run(["export", str(folder), "--png", str(tmp_path / "none" / "a.png")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert run(["export", str(folder), "--png", "/dev/null"]) == 2
    assert "is no regular file" in capsys.readouterr().err


def test_export_says_when_the_disk_refuses(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a name too long for the disk is bad input, not a fault of ours."""
    assert run(["export", str(folder), "--svg", str(tmp_path / f"{'a' * 250}.svg")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_help_names_the_range(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the help of export explains A:B."""
    assert run(["export", "--help"]) == 0
    assert "A:B" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["report"], ["simulate"], ["export", "--svg", "a.svg"]])
def test_a_folder_that_was_changed_is_refused(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that nothing is told of tables that the manifest was not signed for."""
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"content_sha256": "', '"content_sha256": "0'))
    assert run([command[0], str(folder), *command[1:]]) == 2
    assert "content_sha256: does not match the tables" in capsys.readouterr().err


@pytest.mark.parametrize("others", [["first"], []])
def test_results_of_other_types_are_refused_in_their_folder(
    folder: Path, others: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests the second of two builds, and one alone."""
    first = folder.parent / "first"
    write_build(first, read_build(folder))
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["results"]["problems"] = [3]
    path.write_text(json.dumps(manifest))
    named = [str(folder.parent / other) for other in others]
    assert run(["report", *named, str(folder)]) == ExitCode.BAD_INPUT
    assert f"{path}: results.problems.0: must be a mapping" in capsys.readouterr().err


def test_a_manifest_that_does_not_follow_from_the_timetable_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests a makespan of four layers of 128 cycles told a cycle longer: the report stands, with one line beside."""
    assert run(["report", str(folder)]) == 0
    assert capsys.readouterr().err == ""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["results"]["makespan_cycles"] = 513
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert run(["report", str(folder), "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["makespan_cycles"] == 512
    told = "manifest.json: results makespan_cycles is 513, the segments sum to 512; lpxsched check tells more"
    assert output.err == f"note: {folder}: {told}\n"


@pytest.mark.parametrize(
    ("users", "what"), [(9, "is 9, options batch is 8"), (None, "is None, must be a whole number")]
)
def test_users_that_are_not_those_of_the_build_are_told(
    small_build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str], users: object, what: str
) -> None:
    """Tests users outside of the fabric that are no number of users, or another one than the build was made for."""
    described = small_build.manifest.outside | {"users": users}
    manifest = small_build.manifest.model_copy(update={"outside": described})
    write_build(tmp_path / "build", replace(small_build, manifest=manifest))
    assert run(["report", str(tmp_path / "build")]) == 0
    told = f"manifest.json: outside users {what}; lpxsched check tells more"
    assert capsys.readouterr().err == f"note: {tmp_path / 'build'}: {told}\n"


def test_export_never_writes_into_a_build(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a build folder stays one: it may be replaced only while it holds nothing else."""
    assert run(["export", str(folder), "--svg", str(folder / "a.svg")]) == 2
    assert "lies inside the build folder" in capsys.readouterr().err
    assert not (folder / "a.svg").exists()


def test_a_page_is_html(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a picture is not asked of the report, which would write a page into it."""
    assert run(["report", str(folder), "-o", str(tmp_path / "a.png")]) == 2
    assert "a.png: --output: must end in .html or .htm" in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_chips_are_chosen_by_position_too(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that the names that pictures show choose what their numbers do, and one of nobody is told."""
    names = [str(tmp_path / f"{name}.csv") for name in ("number", "position")]
    assert run(["export", str(folder), "--csv", names[0], "--chips", "3"]) == 0
    position = read_build(folder).chips.position[3]
    assert run(["export", str(folder), "--csv", names[1], "--chips", position]) == 0
    assert not position.isdigit()
    assert Path(names[0]).read_bytes() == Path(names[1]).read_bytes()
    assert run(["export", str(folder), "--csv", names[1], "--chips", "9.9"]) == 2
    assert "there is no position 9.9" in capsys.readouterr().err


def test_which_windows_are_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests an all-gather that begins anew every 6 cycles: told on stderr, and within the waveform."""
    write_build(tmp_path / "build", told(LAID["all-gather"], "all-gather", period=6))
    assert run(["export", str(tmp_path / "build"), "--vcd", str(tmp_path / "a.vcd")]) == 0
    assert "windows 0 to 2 of what repeats every 6 cycles; --cycles selects others" in capsys.readouterr().err
    assert "$comment windows 0 to 2 of what repeats every 6 cycles $end" in (tmp_path / "a.vcd").read_text()
