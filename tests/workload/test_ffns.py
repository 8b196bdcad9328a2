"""Tests of what of a model lies on the chips."""

from __future__ import annotations

from typing import Any

import pytest

from lpxsched.errors import InputError
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffns import FfnLayer, ffn_model, gpu_notes, published_weights
from lpxsched.workload.model import Experts, Ffn
from lpxsched.workload.policy import SHARDED, Policy
from tests.workload.config.examples import DENSE, model


def test_each_layer_with_an_ffn_is_taken() -> None:
    """Tests a dense layer, one of experts, and that a layer without an FFN is left to the GPUs and this is said."""
    routed = FfnLayer(8, experts=Experts(4, 2, 3, 3))
    assert ffn_model(model()).layers == (routed, routed)
    assert ffn_model(model(first_k_dense_replace=1)).layers == (FfnLayer(8, dense=Ffn(5, 3)), routed)
    hybrid = model(hybrid_override_pattern="*E*", num_hidden_layers=3)
    assert ffn_model(hybrid).layers == (routed,)
    assert gpu_notes(hybrid) == ("2 of 3 layers have no FFN: their mixers run on GPUs, and only 1 layer is laid",)
    assert gpu_notes(model()) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"zero_expert_num": 2, "moe_latent_size": 4}, "zero_expert_num: experts without weights give rows themselves"),
        (DENSE | {"hybrid_override_pattern": "**"}, "hybrid_override_pattern: no layer has an FFN"),
    ],
)
def test_others_are_refused_at_the_key_that_says_so(changes: dict[str, Any], expected: str) -> None:
    """Tests the key of each part that is not supported."""
    with pytest.raises(InputError) as caught:
        ffn_model(model(**changes))
    assert expected in str(caught.value)


def test_several_ffns_are_several_visits() -> None:
    """Tests two mixers with a dense FFN each beside one set of experts: the experts come with the first of them."""
    double = model(zero_expert_num=2, num_hidden_layers=1)
    experts = Experts(4, 2, 3, 3, idle=2)
    assert ffn_model(double).layers == (FfnLayer(8, Ffn(5, 3), experts), FfnLayer(8, Ffn(5, 3)))
    assert "1 of 1 layer visits the chips more than once" in gpu_notes(double)[0]


def test_a_policy_is_for_experts() -> None:
    """Tests that it lies with layers of experts alone, and is refused for a model that has none."""
    whole, by_gpu = Policy(moe="whole"), Policy(router="gpu")
    dense, routed = ffn_model(model(first_k_dense_replace=1), whole).layers
    assert (dense.policy, routed.policy) == (SHARDED, whole)
    for policy, option in ((whole, "--moe"), (by_gpu, "--router")):
        with pytest.raises(InputError) as caught:
            ffn_model(model(**DENSE), policy)
        assert f"lpxsched compile: {option}: " in str(caught.value)


def test_parts_of_another_type_keep_it() -> None:
    """Tests fp8 but for the experts of layer 0, and that a type that the user names is that of all."""
    mixed = model(quantization_config={"quant_method": "fp8", "ignore": ["model.layers.0*"]})
    assert published_weights(mixed) == "bf16"  # two layers of equal size; the first name of those with the most
    assert [layer.types for layer in ffn_model(mixed).layers] == [(), (("experts", "fp8"),)]
    assert [layer.types for layer in ffn_model(mixed, weights="int8").layers] == [(), ()]
    first, second = ffn_model(mixed).layers
    precision = Precision("bf16", "fp8", "bf16")
    assert (first.precision("experts", precision), second.precision("experts", precision).weights) == (precision, "fp8")


def test_the_type_of_the_weights() -> None:
    """Tests that one that chips hold is taken, and others must be named."""
    assert published_weights(model(quantization_config={"quant_method": "mxfp4"})) == "mxfp4"
    mixers = {"quant_method": "fp8", "ignore": ["self_attn"]}
    assert published_weights(model(quantization_config=mixers)) == "fp8"
    for scheme, told in (
        ({"quant_method": "gptq", "bits": 4, "group_size": 64}, "FFNs are stored as int4-64; name one of fp8, bf16"),
        ({"quant_method": "secret"}, "quantization_config: FFNs are stored as unknown; name one of fp8, bf16"),
    ):
        with pytest.raises(InputError) as caught:
            published_weights(model(quantization_config=scheme))
        assert told in str(caught.value)
    with pytest.raises(InputError, match="dtype: FFNs are stored as fp32; name one of fp8, bf16"):
        published_weights(model(dtype="float32"))


def test_ffns_of_modules_that_guess_drafts_come_last() -> None:
    """Tests a dense and a routed layer, and two drafts, each of a module like the last layer, in the type it has."""
    changes = {"first_k_dense_replace": 1, "num_nextn_predict_layers": 2}
    dense, routed = ffn_model(model(**changes)).layers
    assert ffn_model(model(**changes), drafts=2).layers == (dense, routed, routed, routed)
    assert ffn_model(model(**changes), drafts=3).layers == (dense, routed)
    # Two layers are numbered 0 and 1, the module 2.
    plain = {"quant_method": "fp8", "modules_to_not_convert": ["model.layers.2.*"]}
    published = model(**changes | {"quantization_config": plain})
    assert [layer.types for layer in ffn_model(published, drafts=1).layers] == [(), (), (("experts", "bf16"),)]
    with pytest.raises(InputError, match="FFNs are stored as fp32 and fp8"):
        ffn_model(model(**changes | {"quantization_config": plain, "dtype": "float32"}), drafts=1)
    assert len(ffn_model(model(**changes | {"quantization_config": plain, "dtype": "float32"})).layers) == 2
