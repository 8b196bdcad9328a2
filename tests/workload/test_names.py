"""Tests that models are read by their keys."""

from __future__ import annotations

import re

import pytest

from lpxsched.files.shipped import PACKAGE, shipped_files
from tests.workload.config.examples import model

FAMILIES = (
    *("gpt.?oss", "mixtral", "mistral", "qwen", "deepseek", "kimi", "glm", "gemma", "llama", "longcat"),
    *("minimax(?! theorem)", "nemotron", "dbrx"),
    *("ernie", "jamba", "granite", "falcon", "phi.?moe", "step.?3", "hunyuan", "bamba", "grok"),
)
NAMES = re.compile("|".join([*FAMILIES, *map(re.escape, shipped_files("model"))]), re.IGNORECASE)


def test_no_name_of_a_model_occurs_in_the_package() -> None:
    """Tests every source file, comments too; the words are found in a text that has them."""
    assert NAMES.search("for GPT-OSS-20b and Qwen3")
    sources = sorted(PACKAGE.rglob("*.py"))
    assert len(sources) > 100
    assert [path.name for path in sources if NAMES.search(path.read_text())] == []


@pytest.mark.parametrize("key", ["model_type", "architectures", "_name_or_path"])
def test_the_name_that_a_config_gives_itself_changes_nothing(key: str) -> None:
    """Tests that any other name, and none, gives the same model."""
    assert model(**{key: "gpt_oss"}) == model(**{key: "unheard_of"}) == model()
