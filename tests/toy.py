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


def slow_handover(folder: Path, one_way_ns: float) -> str:
    """Write a hand-over of a time one way, whatever the bytes, into a folder and return its file."""
    file = folder / "slow.yaml"
    file.write_text(f"name: slow\none_way_ns: {one_way_ns}\nhost_gbps: 1000000000.0\nframe_bytes: 4096\n")
    return str(file)


def toy_model(folder: Path, **changes: object) -> str:
    """Write a model's config.json into a folder named ``toy`` and return that folder."""
    model = folder / "toy"
    model.mkdir(exist_ok=True)
    (model / "config.json").write_text(json.dumps(CONFIG | changes))
    return str(model)
