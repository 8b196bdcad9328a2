"""Tests that the wheel carries what the program needs, in any folder."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_topologies_and_models(wheel: Path) -> None:
    """Tests that every shipped file of the checkout is inside the wheel."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    shipped = [
        p.relative_to(ROOT) for kind in ("topologies", "models") for p in (ROOT / kind).rglob("*") if p.is_file()
    ]
    assert shipped
    assert {f"lpxsched/shipped/{path}" for path in shipped} <= inside


@pytest.mark.slow
def test_the_wheel_carries_what_pages_are_made_of(wheel: Path) -> None:
    """Tests that every script and style of the report's page is inside the wheel."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    parts = list((ROOT / "lpxsched" / "report" / "page" / "static").iterdir())
    assert {path.suffix for path in parts} == {".js", ".css"}
    assert {str(path.relative_to(ROOT)) for path in parts} <= inside


@pytest.mark.slow
def test_an_installed_wheel_compiles_by_name_in_any_folder(wheel: Path, tmp_path: Path) -> None:
    """Tests the main job from an unpacked wheel, far from the checkout, with the dependencies of this environment."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # -P and the path put the unpacked wheel before the editable checkout.
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import lpxsched.cli.entry as program; "
        "print(program.__file__, file=sys.stderr); program.main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "compile", "gpt-oss-120b", "lpx-rack", "--effort", "1", "--json"],
        cwd=elsewhere,
        check=True,
        capture_output=True,
        text=True,
    )
    assert str(site) in done.stderr
    assert json.loads(done.stdout)["layers"] == 36
    assert (elsewhere / "build" / "gpt-oss-120b" / "manifest.json").is_file()
