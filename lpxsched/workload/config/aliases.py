"""The one table of what a fact is called in public configs, and the keys that decide no weight."""

from __future__ import annotations

import re

# Mappings inside a config whose keys are those of the language model.
LANGUAGE_PARTS = ("text_config", "llm_config", "language_config", "language_model_config", "thinker_config")
# Mappings that hold the keys of one part; public code gives them other keys of no meaning as well, so that only these
# facts are taken from them.
FACTS_INSIDE = {
    "ffn_config": (
        *("columns", "expert_columns", "experts", "experts_per_token", "shared_experts", "shared_columns"),
        *("activation",),
    ),
    "moe_config": (
        *("expert_columns", "experts", "experts_per_token", "shared_experts", "shared_columns", "latent_columns"),
        *("idle_experts", "moe_frequency"),
    ),
    "attn_config": ("heads", "kv_heads", "head_columns", "window"),
}
# Parts of a model that works on pictures or sound, and what quantises it.
OTHER_PARTS = re.compile(r"(vision|visual|vit|audio|image|video|speech|talker|token2wav|projector|encoder)\w*_config")
QUANTIZATION = "quantization_config"

ALIASES: dict[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layers", "num_layers", "n_layer"),
    "hidden": ("hidden_size", "d_model", "n_embd"),
    "vocabulary": ("vocab_size",),
    "tied": ("tie_word_embeddings",),
    "dtype": ("dtype", "torch_dtype"),
    # which layer is what
    "order": ("layer_types", "layers_block_type", "hybrid_override_pattern"),
    "ffn_order": ("mlp_layer_types",),
    "attention_order": ("attn_type_list",),
    "full_interval": ("full_attention_interval",),
    "first_dense": ("first_k_dense_replace",),
    "moe_frequency": ("moe_layer_freq",),
    "moe_layers": ("moe_layers",),
    "dense_list": ("mlp_only_layers",),
    "sparse_step": ("decoder_sparse_step",),
    "moe_step": ("interleave_moe_layer_step",),
    "moe_start": ("moe_layer_start_index",),
    "moe_end": ("moe_layer_end_index",),
    "moe_interval": ("moe_layer_interval",),
    "expert_period": ("expert_layer_period",),
    "expert_offset": ("expert_layer_offset",),
    # FFNs
    "experts": ("n_routed_experts", "num_experts", "num_local_experts", "moe_num_experts", "num_routed_experts"),
    "experts_per_token": (
        *("num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_k", "moe_topk", "moe_top_k"),
        *("top_k_experts",),
    ),
    "columns": ("intermediate_size", "ffn_hidden_size", "n_inner"),
    "mlp_columns": ("intermediate_size_mlp",),
    "expert_columns": ("moe_intermediate_size", "expert_ffn_hidden_size", "expert_intermediate_size"),
    "shared_experts": ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"),
    "shared_columns": (
        *("shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "shared_intermediate_size"),
    ),
    "latent_columns": ("moe_latent_size", "routed_expert_hidden_size"),
    "idle_experts": ("zero_expert_num",),
    "beside": ("enable_moe_block",),
    "scores": ("scoring_func", "moe_router_activation_func"),
    "activation": ("hidden_act", "mlp_hidden_act", "hidden_activation", "activation_function", "ffn_act_fn"),
    "clamped": ("swiglu_limit",),
    "ffn_biases": ("mlp_bias",),
    # mixers
    "heads": ("num_attention_heads", "n_heads", "n_head"),
    "kv_heads": ("num_key_value_heads", "kv_n_heads", "num_kv_heads"),
    "head_columns": ("head_dim",),
    "global_head_columns": ("global_head_dim",),
    "global_kv_heads": ("num_global_key_value_heads",),
    "keys_are_values": ("attention_k_eq_v",),
    "gated": ("attn_output_gate",),
    "attention_biases": ("attention_bias",),
    "window": ("sliding_window",),
    "windowed": ("use_sliding_window",),
    "window_start": ("max_window_layers",),
    "window_pattern": ("sliding_window_pattern",),
    "chunk": ("attention_chunk_size",),
    "query_rank": ("q_lora_rank",),
    "kv_rank": ("kv_lora_rank",),
    "plain_columns": ("qk_nope_head_dim",),
    "rotary_columns": ("qk_rope_head_dim",),
    "query_columns": ("qk_head_dim",),
    "value_columns": ("v_head_dim",),
    "index_heads": ("index_n_heads",),
    "index_columns": ("index_head_dim",),
    "linear_key_heads": ("linear_num_key_heads",),
    "linear_value_heads": ("linear_num_value_heads",),
    "linear_key_columns": ("linear_key_head_dim",),
    "linear_value_columns": ("linear_value_head_dim",),
    "linear_taps": ("linear_conv_kernel_dim",),
    "state_heads": ("mamba_num_heads", "mamba_n_heads"),
    "state_head_columns": ("mamba_head_dim", "mamba_d_head"),
    "state_groups": ("n_groups", "mamba_n_groups"),
    "state": ("ssm_state_size", "mamba_d_state"),
    "state_taps": ("conv_kernel", "mamba_d_conv"),
    "state_expand": ("expand", "mamba_expand"),
    "state_convolution_biases": ("use_conv_bias", "mamba_conv_bias"),
    "state_biases": ("mamba_proj_bias",),
    # layers that guess further tokens
    "mtp_layers": ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules"),
    "mtp_depth": ("mtp_transformer_layers",),
    "mtp_order": ("mtp_layers_block_type",),
}
# A key that was not read and names experts or layers would change what the model is.
SUSPECT = re.compile(r"expert|layer|moe", re.IGNORECASE)
# What such keys say when they change no width and no order: losses, norms, loading, and how the router weighs.
HARMLESS = {
    *("layer_norm_epsilon", "layer_norm_eps", "layernorm_epsilon", "layer_norm_type", "layerdrop", "max_window_layers"),
    *("moe_jitter_eps", "moe_loss_weight", "moe_normalize_expert_weights", "uniform_expert_assignment"),
    *("moe_shared_expert_overlap", "moe_router_activation_func", "moe_renormalize", "moe_aux_loss_coeff"),
    *("moe_router_enable_expert_bias", "moe_apply_router_weight_on_input", "moe_token_dropping"),
    *("moe_router_bias_update_rate", "moe_gate", "moe_norm_topk_prob", "moe_router_topk_scaling_factor"),
    *("expert_capacity", "expert_capacity_factor", "num_expert_group", "n_expert_group", "n_group", "topk_group"),
    *("vocab_size_per_layer_input", "zero_expert_type"),
    *("apply_residual_connection_post_layernorm", "use_parallel_layernorm", "layer_types_validation"),
}
