"""Tests of results that are kept on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.program.mapping.memo import cache_folder, kept_values

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lpxsched.program.mapping.memo import Values


def test_what_is_kept_is_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a second look finds nothing anew, and that another key does."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found: list[str] = []

    def find(key: str) -> Values:
        return kept_values(key, lambda: [len(found), *(found.append(key) or [key])])

    assert find("a") == find("a") == [0, "a"]
    assert find("b") == [1, "b"]
    assert found == ["a", "b"]


def test_a_file_that_is_not_whole_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests half a file, another object and one of another key."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept_values("a", lambda: [1, ""])
    (file,) = [path for path in cache_folder().rglob("*") if path.is_file()]
    for text in (file.read_text()[:9], "[]", '{"key": "b", "value": [9]}', "\ud800".encode("utf-8", "surrogatepass")):
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        assert kept_values("a", lambda: [2, ""]) == [2, ""]


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a file in the place of the folder."""
    (tmp_path / "lpxsched").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_values("a", lambda: [1, ""]) == [1, ""]
    assert kept_values("a", lambda: [2, ""]) == [2, ""]
