"""Fixtures of all tests: golden files, and one small build that is compiled once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.timetable.small import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.timetable.build import Build

# Machines differ in speed: a slow example is no failure.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True, scope="session")
def cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what searches find in a folder of this run, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes golden files anew."""
    parser.addoption("--update-golden", action="store_true", help="write the files of tests/golden anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a function that compares a text with a golden file; a file that is missing fails."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing; write it with --update-golden and look at it"
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; if that is meant, use --update-golden"

    return compare


@pytest.fixture(scope="session")
def small_build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return the build of a toy model of two layers on a TSP node, four chips a layer."""
    return compiled(tmp_path_factory.mktemp("small"))
