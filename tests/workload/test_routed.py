"""Tests of which models can be laid over a fabric."""

from __future__ import annotations

from typing import Any

import pytest

from lpxsched.errors import InputError
from lpxsched.workload.routed import RoutedModel, published_weights, routed_model
from tests.workload.config.examples import DENSE, model


def test_equal_layers_of_experts_can() -> None:
    """Tests what is taken."""
    assert routed_model(model()) == RoutedModel("small", 2, 8, 3, 4, 2, expert_biases=False)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (DENSE, "intermediate_size: a dense FFN cannot"),
        ({"first_k_dense_replace": 1}, "first_k_dense_replace: a dense FFN cannot"),
        ({"n_shared_experts": 1}, "n_shared_experts: a shared expert cannot"),
        ({"shared_expert_intermediate_size": 7}, "shared_expert_intermediate_size: a shared expert cannot"),
        ({"hidden_act": "relu2"}, "hidden_act: an expert without a gate cannot"),
        ({"moe_latent_size": 2}, "moe_latent_size: a latent expert cannot"),
        ({"zero_expert_num": 2, "intermediate_size": ...}, "zero_expert_num: an expert without weights cannot"),
        ({"hybrid_override_pattern": "*E"}, "hybrid_override_pattern: a layer without an FFN cannot"),
    ],
)
def test_others_are_refused_at_the_key_that_says_so(changes: dict[str, Any], expected: str) -> None:
    """Tests the key of each part that is not supported."""
    with pytest.raises(InputError) as caught:
        routed_model(model(**changes))
    assert expected in str(caught.value)


def test_the_type_of_the_weights() -> None:
    """Tests that one that chips hold is taken, and others must be named."""
    assert published_weights(model(quantization_config={"quant_method": "mxfp4"})) == "mxfp4"
    for scheme, told in (
        ({"quant_method": "gptq", "bits": 4, "group_size": 64}, "experts are stored as int4-64; name one of fp8, bf16"),
        ({"quant_method": "secret"}, "quantization_config: experts are stored as unknown; name one of fp8, bf16"),
        ({"quant_method": "fp8", "ignore": ["model.layers.0*"]}, "experts are stored as bf16 and fp8; name one of"),
    ):
        with pytest.raises(InputError) as caught:
            published_weights(model(quantization_config=scheme))
        assert told in str(caught.value)
