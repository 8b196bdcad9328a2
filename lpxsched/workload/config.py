"""The facts of a mixture-of-experts model that decide its traffic, from a Hugging Face ``config.json`` or YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lpxsched.files.document import Document, read_json, read_yaml
from lpxsched.files.schema import mapping, short
from lpxsched.files.shipped import find_file, name_of
from lpxsched.workload.datatypes import WEIGHT_TYPES, WeightType

if TYPE_CHECKING:
    from pathlib import Path

# Key names of the same fact in different families; the first that is there counts.
LAYERS = ("num_hidden_layers",)
HIDDEN = ("hidden_size",)
EXPERT_COLUMNS = ("moe_intermediate_size", "intermediate_size")
EXPERTS = ("num_local_experts", "num_experts")
EXPERTS_PER_TOKEN = ("num_experts_per_tok", "experts_per_token")
# Families in which every layer is a gated mixture of experts without shared experts; whether experts have biases.
FAMILIES = {"gpt_oss": True, "mixtral": False, "qwen3_moe": False}
# Keys that take the experts out of some layers, and the value with which they do not.
DENSE_LAYERS: dict[str, Any] = {"mlp_only_layers": [], "decoder_sparse_step": 1}
# Products of these (bytes, multiply-accumulates of a batch) stay below 2**63; each layer needs a chip of its own.
LARGEST = 1_000_000
MOST_LAYERS = 20_000


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A model of equal layers of gated experts (gate, up and down matrices).

    Attributes
    ----------
    name : str
    layers, hidden, expert_columns, experts, experts_per_token : int
        Numbers of layers, columns of a row, columns inside an expert, experts a layer, experts that a row meets.
    expert_biases : bool
        Whether each matrix of an expert has a bias.
    weights : str
        The type of the expert weights as the model was published.
    """

    name: str
    layers: int
    hidden: int
    expert_columns: int
    experts: int
    experts_per_token: int
    expert_biases: bool
    weights: WeightType


def model_file(name: str) -> Path:
    """Return the file of a shipped model's name, a folder or a path."""
    return find_file("model", name)


def load_model(name: str) -> ModelConfig:
    """Return the model of a shipped name, a folder with a ``config.json``, or a file.

    Raises
    ------
    InputError
        When a key is missing, is no positive whole number, or the family is not supported.
    """
    path = model_file(name)
    document = read_json(path) if path.suffix == ".json" else read_yaml(path)
    family = mapping(document).get("model_type")
    if not isinstance(family, str) or family not in FAMILIES:
        problem = f"must be one of {', '.join(FAMILIES)} (each layer a mixture of experts), got {short(family)}"
        raise document.error(("model_type",), problem)
    config = ModelConfig(
        name=name_of(path),
        layers=_count(document, LAYERS, MOST_LAYERS),
        hidden=_count(document, HIDDEN),
        expert_columns=_count(document, EXPERT_COLUMNS),
        experts=_count(document, EXPERTS),
        experts_per_token=_count(document, EXPERTS_PER_TOKEN),
        expert_biases=FAMILIES[family],
        weights=_published_weights(document),
    )
    _refuse_dense_layers(document)
    if config.experts_per_token > config.experts:
        problem = f"a row cannot meet {config.experts_per_token} of {config.experts} experts"
        raise document.error((_given(document, EXPERTS_PER_TOKEN),), problem)
    return config


def _given(document: Document, names: tuple[str, ...]) -> str:
    return next((name for name in names if document.data.get(name) is not None), names[0])


def _count(document: Document, names: tuple[str, ...], highest: int = LARGEST) -> int:
    name = _given(document, names)
    value: Any = document.data.get(name)
    if value is None:
        raise document.error((name,), " or ".join(("this key is missing; add it", *names[1:])))
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
        raise document.error((name,), f"must be a whole number from 1 to {highest}, got {short(value)}")
    return value


def _refuse_dense_layers(document: Document) -> None:
    for key, harmless in DENSE_LAYERS.items():
        value = document.data.get(key)
        if value is not None and value != harmless:
            problem = f"layers without experts are not supported; must be {harmless}, got {short(value)}"
            raise document.error((key,), problem)


def _published_weights(document: Document) -> WeightType:
    quantization = document.data.get("quantization_config")
    if quantization is None:
        return "bf16"
    if not isinstance(quantization, dict):
        raise document.error(("quantization_config",), f"must be a mapping, got {short(quantization)}")
    method = quantization.get("quant_method")
    if method not in WEIGHT_TYPES:
        problem = f"must be one of {', '.join(WEIGHT_TYPES)}, got {short(method)}"
        raise document.error(("quantization_config", "quant_method"), problem)
    return cast("WeightType", method)
