"""The same weights in the models of the `transformers` package.

Our RoPE turns neighbours (0 and 1, 2 and 3), as DeepSeek's own code does. Llama in `transformers` turns
element i with element i + dim / 2, so the rows of its query and key matrices stand in another order.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM, LlamaConfig, LlamaForCausalLM

from pocketr1.configuration import Dense, Experts, Heads, Latent, ModelConfig
from pocketr1.deepseekmoe import DeepSeekMoE
from pocketr1.latent import LatentAttention
from pocketr1.model import LanguageModel
from pocketr1.transformer import FeedForward, GroupedQueryAttention

PADDING, END = 0, 1
LONGEST = 256
VOCAB = 64

DENSE = ModelConfig(VOCAB, 96, 3, Heads(4, 4, 24), Dense(256))
LATENT_EXPERTS = ModelConfig(
    VOCAB,
    96,
    3,
    Latent(heads=4, latent_dim=32, query_dim=48, content_dim=24, rope_dim=8, value_dim=24),
    Experts(8, 2, 64, shared=1, scale=2.5, dense_layers=1, dense_width=256, balance="bias"),
)


def lively(config: ModelConfig, seed: int = 0) -> LanguageModel:
    """A model with weights so large that greedy writing does not repeat one token for ever."""
    model = LanguageModel(config, seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.mul_(4)
    return model


def twin(model: LanguageModel) -> nn.Module:
    """The same model in `transformers`, with the same weights."""
    peer = _llama(model.config) if isinstance(model.config.attention, Heads) else _deepseek(model.config)
    peer.load_state_dict({name: weight.detach().clone() for name, weight in _weights(model).items()})
    return peer.eval()


def _common(config: ModelConfig) -> dict[str, Any]:
    return {
        "vocab_size": config.vocab,
        "hidden_size": config.dim,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.attention.heads,
        "max_position_embeddings": LONGEST,
        "rms_norm_eps": config.eps,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": END,
        "pad_token_id": PADDING,
    }


def _llama(config: ModelConfig) -> nn.Module:
    shape, dense = cast(Heads, config.attention), cast(Dense, config.feed_forward)
    return LlamaForCausalLM(
        LlamaConfig(**_common(config), intermediate_size=dense.width, num_key_value_heads=shape.key_heads)
    )


def _deepseek(config: ModelConfig) -> nn.Module:
    shape, experts = cast(Latent, config.attention), cast(Experts, config.feed_forward)
    theirs = DeepseekV3Config(
        **_common(config),
        intermediate_size=experts.dense_width,
        num_key_value_heads=shape.heads,
        q_lora_rank=shape.query_dim,
        kv_lora_rank=shape.latent_dim,
        qk_rope_head_dim=shape.rope_dim,
        qk_nope_head_dim=shape.content_dim,
        v_head_dim=shape.value_dim,
        first_k_dense_replace=experts.dense_layers,
        **expert_settings(experts),
    )
    theirs._experts_implementation = "grouped_mm"  # the fastest of theirs
    return DeepseekV3ForCausalLM(theirs)


def expert_settings(experts: Experts) -> dict[str, Any]:
    """The part of a `DeepseekV3Config` that speaks of experts."""
    return {
        "n_routed_experts": experts.experts,
        "num_experts_per_tok": experts.active,
        "moe_intermediate_size": experts.width,
        "n_shared_experts": experts.shared,
        "routed_scaling_factor": experts.scale,
        "n_group": experts.groups,
        "topk_group": experts.kept_groups,
        "norm_topk_prob": True,
    }


def _weights(model: LanguageModel) -> dict[str, Tensor]:
    weights = {
        "model.embed_tokens.weight": model.embedding.weight,
        "model.norm.weight": model.norm.gain,
        "lm_head.weight": model.head.weight,
    }
    for number, block in enumerate(model.blocks):
        layer = f"model.layers.{number}"
        weights[f"{layer}.input_layernorm.weight"] = block.attention_norm.gain
        weights[f"{layer}.post_attention_layernorm.weight"] = block.feed_forward_norm.gain
        for name, weight in (_attention(block.attention) | _feed_forward(block.feed_forward)).items():
            weights[f"{layer}.{name}"] = weight
    return weights


def _attention(ours: GroupedQueryAttention | LatentAttention) -> dict[str, Tensor]:
    if isinstance(ours, LatentAttention):
        return {f"self_attn.{name}": weight for name, weight in latent_weights(ours).items()}
    return {
        "self_attn.q_proj.weight": _halves_apart(ours.query.weight, ours.heads),
        "self_attn.k_proj.weight": _halves_apart(ours.key.weight, ours.key_heads),
        "self_attn.v_proj.weight": ours.value.weight,
        "self_attn.o_proj.weight": ours.output.weight,
    }


def latent_weights(ours: LatentAttention) -> dict[str, Tensor]:
    """Our latent attention's weights under the names of `DeepseekV3Attention`."""
    if ours.query_norm is None:
        queries = {"q_proj.weight": ours.query.weight}
    else:
        queries = {
            "q_a_proj.weight": ours.query_down.weight,
            "q_a_layernorm.weight": ours.query_norm.gain,
            "q_b_proj.weight": ours.query.weight,
        }
    return queries | {
        "kv_a_proj_with_mqa.weight": torch.cat([ours.down.weight, ours.rope_key.weight]),
        "kv_a_layernorm.weight": ours.norm.gain,
        "kv_b_proj.weight": torch.cat([ours.up_key, ours.up_value], dim=1).flatten(0, 1),
        "o_proj.weight": ours.output.weight,
    }


def _feed_forward(ours: FeedForward | DeepSeekMoE) -> dict[str, Tensor]:
    named = expert_weights(ours) if isinstance(ours, DeepSeekMoE) else _swiglu(ours)
    return {f"mlp.{name}": weight for name, weight in named.items()}


def expert_weights(ours: DeepSeekMoE) -> dict[str, Tensor]:
    """Our layer's weights under the names of `DeepseekV3MoE`."""
    weights = {
        "gate.weight": ours.router,
        "gate.e_score_correction_bias": ours.bias,
        "experts.gate_up_proj": torch.cat([ours.experts.gate, ours.experts.up], dim=1),
        "experts.down_proj": ours.experts.down,
    }
    return weights | {f"shared_experts.{name}": weight for name, weight in _swiglu(ours.shared).items()}


def _swiglu(ours: nn.Module) -> dict[str, Tensor]:
    return {f"{name}_proj.weight": getattr(ours, name).weight for name in ("gate", "up", "down")}


def _halves_apart(weight: Tensor, heads: int) -> Tensor:
    """Rows (0, 1), (2, 3), ... of each head -> 0, 2, ... and then 1, 3, ..."""
    return weight.unflatten(0, (heads, -1, 2)).transpose(1, 2).reshape(weight.shape)
