"""Tests of what `collective` refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode, NothingFoundError
from lpxsched.files.shipped import shipped_files
from tests.cli.told import collective_json
from tests.fabric.examples import write_family, write_topology

if TYPE_CHECKING:
    from pathlib import Path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a wrong input gets."""
    assert run(["collective", *arguments]) == ExitCode.BAD_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    return printed.err.strip()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--chips", "3-1"], "--chips: '3-1' is neither a chip, nor a range of chips from low to high"),
        (["--chips", "0,9.9"], "--chips: there is no position 9.9"),
        (["--chips", "9.2-0"], "--chips: '9.2-0' is neither a chip, nor a range of chips from low to high, nor a pos"),
        (["--chips", ""], "--chips: '' is neither"),
        (["--chips", "0,,1"], "--chips: '' is neither"),
        (["--chips", "0-1-2"], "--chips: '0-1-2' is neither"),
        (["--chips", "-1,2"], "--chips: '-1' is neither"),
        (["--chips", "0-9999999999"], "--chips: '0-9999999999' is neither"),
        (["--chips", "0,4"], "--chips: there is no chip 4; toy has chips 0 to 3"),
        (["--chips", "0-2,1"], "--chips: chip 1 is listed 2 times; list each chip once"),
        (["--chips", "2"], "--chips: a collective needs 2 chips or more, got 1"),
        (["--root", "0"], "--root: all-gather has no root; leave it out"),
        (["--root", "-1"], "--root: '-1' is neither a chip, nor a range of chips from low to high, nor a position"),
        (["--root", "0-1"], "--root: '0-1' names 2 chips; name one"),
        (["--root", "9.9"], "--root: there is no position 9.9"),
        (["--vectors", "0"], "'0' is no whole number from 1 to 1,000,000"),
        (["--deadline", "0"], "'0' is no whole number"),
        (["--effort", "41"], "'41' is no whole number from 1 to 40"),
        (["--solver", "fast"], "'fast' is not one of 'auto', 'greedy', 'symmetric', 'cpsat'"),
        (["--clock", "sundial"], "sundial: no clock of this name and no such file"),
        (["--cyclic", "--clock", "common"], "--clock: must be none with --cyclic"),
    ],
)
def test_a_wrong_option_gets_one_line(
    ring: str, arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests exit code 2, the option's name, and what would be right."""
    assert problem in refused(["all-gather", ring, *arguments], capsys)


def test_a_wrong_kind_or_topology_gets_one_line(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests both arguments."""
    assert "'all-scatter' is not one of 'all-gather'" in refused(["all-scatter", ring], capsys)
    assert "no topology of this name" in refused(["all-gather", "ring-9"], capsys)


def test_a_flag_is_refused_without_its_value(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests --relays alone: that it is given is all that it says."""
    line = refused(["all-gather", ring, "--relays"], capsys)
    assert line.endswith("--relays: is for --chips: without it no chip is left that could relay")


def test_a_root_outside_of_the_chosen_chips_is_refused(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a chip of the fabric that takes no part."""
    line = refused(["gather", ring, "--chips", "0-2", "--root", "3"], capsys)
    assert line == "--root: must be a chip that takes part, one of 0-2; got 3"
    assert refused(["gather", ring, "--root", "4"], capsys) == (
        "--root: must be a chip that takes part, one of 0-3; got 4"
    )


def test_a_folder_of_somebody_else_is_refused_before_the_search(
    ring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests that no time is spent and the folder stays."""
    monkeypatch.setattr("lpxsched.collective_pipeline.compile_collective", lambda _: pytest.fail("searched in vain"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    assert "not a build folder" in refused(["all-gather", ring, "-o", str(tmp_path / "mine")], capsys)


def test_a_split_fabric_is_infeasible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests chips 0, 1 and 2, 3 without a link between the pairs: exit 3, the cause in JSON."""
    topology = write_topology(tmp_path, "src,dst\n0,1\n1,0\n2,3\n3,2\n")
    assert run(["collective", "all-gather", topology, "--json"]) == ExitCode.INFEASIBLE
    result = json.loads(capsys.readouterr().out)
    assert result["status"] == "infeasible"
    assert result["cause"] == (
        "infeasible: the fabric is split: there is no way from chip 0 to chip 2 over any of its chips; chip 0 reaches "
        "1 other"
    )


def test_chips_that_relays_would_join_are_told_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests both ends of a line of three, where `--relays` does what the line says, and of one with a gap."""
    line = write_topology(tmp_path, "src,dst\n0,1\n1,0\n1,2\n2,1\n")
    ends = ["collective", "all-gather", line, "--chips", "0,2"]
    assert run(ends) == ExitCode.INFEASIBLE
    told = capsys.readouterr().err
    assert told == (
        "infeasible: there is no way from chip 0 to chip 2 over the chips that take part; add --relays, which lets the "
        "others pass vectors on and joins them\n"
    )
    assert run([*ends, "--relays"]) == ExitCode.DONE
    capsys.readouterr()
    write_topology(tmp_path, "src,dst\n0,1\n1,0\n2,3\n3,2\n")
    for more in ([], ["--relays"]):
        assert run([*ends, *more]) == ExitCode.INFEASIBLE
        assert capsys.readouterr().err.endswith("over any of its chips; chip 0 reaches 1 other\n")


def test_a_search_without_a_result_is_unknown(
    ring: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tests exit 4 with what was tried and what may help, never told as infeasible."""

    def give_up(_: object) -> None:
        raise NothingFoundError("effort 3")

    monkeypatch.setattr("lpxsched.collective_pipeline.compile_collective", give_up)
    assert run(["collective", "all-gather", ring, "--json"]) == ExitCode.NOTHING_FOUND
    printed = capsys.readouterr()
    cause = "unknown: nothing found (effort 3); try a larger --effort"
    assert json.loads(printed.out) == {"status": "unknown", "cause": cause}
    assert printed.err.strip() == cause


def test_a_deadline_below_the_bound_is_infeasible(ring: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests exit 3 with one line, and that the makespan itself is a deadline that can be met."""
    assert run(["collective", "all-gather", ring, "--deadline", "1"]) == ExitCode.INFEASIBLE
    assert capsys.readouterr().err.startswith("infeasible: ")
    result = collective_json(["all-gather", ring], capsys)
    made = str(result["makespan_cycles"])
    assert collective_json(["all-gather", ring, "--deadline", made], capsys)["makespan_cycles"] == int(made)


def test_what_overflows_sram_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a reduction of 3 vectors on chips that hold these and little else: exit 4, chip, cycle, what lies there."""
    chip = shipped_files("chip")["tsp"].read_text().replace("value: 230686720", "value: 1000")
    (tmp_path / "small.yaml").write_text(chip)
    ring = write_family(tmp_path, "ring", chips=4, chip=str(tmp_path / "small.yaml"))
    out = tmp_path / "out"
    assert run(["collective", "reduce", ring, "--vectors", "3", "-o", str(out)]) == ExitCode.NOTHING_FOUND
    message = capsys.readouterr().err
    assert "bytes in cycle" in message
    assert "its SRAM has 1000; most of it data" in message
    assert "try fewer --vectors" in message
    assert not out.exists()
