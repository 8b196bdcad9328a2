"""A config small enough to be counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.errors import InputError
from lpxsched.files.document import Document
from lpxsched.workload.config.keys import read_keys
from lpxsched.workload.config.load import read_model

if TYPE_CHECKING:
    from lpxsched.workload.config.keys import Keys
    from lpxsched.workload.model import Model

CONFIG: dict[str, Any] = {
    "num_hidden_layers": 2,
    "hidden_size": 8,
    "vocab_size": 10,
    "tie_word_embeddings": False,
    "dtype": "bfloat16",
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 4,
    "hidden_act": "silu",
    "intermediate_size": 5,
    "moe_intermediate_size": 3,
    "num_experts": 4,
    "num_experts_per_tok": 2,
}
DENSE = dict.fromkeys(("num_experts", "num_experts_per_tok", "moe_intermediate_size"), ...)


def document(**changes: Any) -> Document:
    """Return the config with keys changed, or left out where they are changed to ``...``."""
    return Document("c.json", {key: value for key, value in (CONFIG | changes).items() if value is not ...}, {})


def keys(**changes: Any) -> Keys:
    """Return the keys of the config with some changed."""
    return read_keys(document(**changes))


def model(**changes: Any) -> Model:
    """Return the model of the config with some keys changed."""
    return read_model(document(**changes), "small")


def refused(**changes: Any) -> str:
    """Return with what words the config is refused."""
    with pytest.raises(InputError) as caught:
        model(**changes)
    assert len(str(caught.value)) < 400
    return str(caught.value)
