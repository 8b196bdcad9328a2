"""A model that fits on one TSP node and compiles in a fraction of a second."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {
    "model_type": "mixtral",
    "hidden_size": 640,
    "num_hidden_layers": 2,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "intermediate_size": 320,
}


def toy_model(folder: Path, **changes: object) -> str:
    """Write a model's config.json into a folder named ``toy`` and return that folder."""
    model = folder / "toy"
    model.mkdir(exist_ok=True)
    (model / "config.json").write_text(json.dumps(CONFIG | changes))
    return str(model)
