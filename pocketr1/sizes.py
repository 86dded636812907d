"""What a model weighs and what its cache weighs, counted from the configuration alone, without building it.

Counts are exact: a test compares them with the parameters and the cache of built models. DeepSeek-V3's
published configuration gives its published 671 billion parameters, of which 37 billion work on each token.
"""

from .configuration import Dense, Experts, Heads, Latent, ModelConfig

DEEPSEEK_V3 = ModelConfig(
    vocab=129_280,
    dim=7168,
    layers=61,
    attention=Latent(heads=128, latent_dim=512, query_dim=1536, content_dim=128, rope_dim=64, value_dim=128),
    feed_forward=Experts(
        experts=256,
        active=8,
        width=2048,
        shared=1,
        router="sigmoid",
        scale=2.5,
        groups=8,
        kept_groups=4,
        dense_layers=3,
        dense_width=18_432,
        balance="bias",
    ),  # fmt: skip
)
"""DeepSeek-V3 and R1: config_671B.json in the inference folder of the DeepSeek-V3 repository."""

DEEPSEEK_V2 = ModelConfig(
    vocab=102_400,
    dim=5120,
    layers=60,
    attention=Latent(heads=128, latent_dim=512, query_dim=1536, content_dim=128, rope_dim=64, value_dim=128),
    feed_forward=Experts(
        experts=160,
        active=6,
        width=1536,
        shared=2,
        router="softmax",
        scale=16.0,
        dense_layers=1,
        dense_width=12_288,
    ),  # fmt: skip
)
"""DeepSeek-V2: arXiv 2405.04434, section 3.1.2, and its published config.json. (Its router also limits
groups, and does not renormalise: neither changes a count.)"""

DEEPSEEK_67B = ModelConfig(102_400, 8192, 95, Heads(heads=64, key_heads=8, head_dim=128), Dense(22_016))
"""DeepSeek LLM 67B: arXiv 2401.02954, table 2; the baseline of V2's 93.3 %."""

MIXTRAL_8X7B = ModelConfig(
    32_000, 4096, 32, Heads(heads=32, key_heads=8, head_dim=128), Experts(8, 2, 14_336, router="softmax")
)
"""Mixtral 8x7B: arXiv 2401.04088, table 1."""

QWEN3_235B = ModelConfig(
    151_936, 4096, 94, Heads(heads=64, key_heads=4, head_dim=128), Experts(128, 8, 1536, router="softmax")
)
"""Qwen3-235B-A22B: arXiv 2505.09388, and its published config.json. (Its queries and keys have norms, 24
thousand numbers in all, which are not counted here.)"""


def cache_elements(layers: int, attention: Heads | Latent) -> int:
    """How many numbers the cache holds for one token, in all layers together. (Numbers, not bytes.)

    Multi-head and grouped-query attention keep a key and a value of `head_dim` for each of the `key_heads`.
    Latent attention keeps what `latent.latent` returns.

    2 layers with 4 key heads of 8: 128.
    Source: DeepSeek-V2 (arXiv 2405.04434), table 1.
    """
    if isinstance(attention, Latent):
        return layers * (attention.latent_dim + attention.rope_dim)
    return layers * 2 * attention.key_heads * attention.head_dim


def explain_93() -> tuple[float, float, float]:
    """DeepSeek-V2's cache against DeepSeek 67B's: three factors, per layer, layers, and bits a number.

    V2's abstract says that it "reduces the KV cache by 93.3 %". Each factor is V2's figure divided by 67B's;
    their product is what is left. V2 as deployed keeps 6 bits a number, 67B 16. The configurations are
    `DEEPSEEK_V2` and `DEEPSEEK_67B`.

    Source: DeepSeek-V2 (arXiv 2405.04434), abstract and section 3.2.3.
    """
    per_layer = cache_elements(1, DEEPSEEK_V2.attention) / cache_elements(1, DEEPSEEK_67B.attention)
    return per_layer, DEEPSEEK_V2.layers / DEEPSEEK_67B.layers, 6 / 16


def attention_params(config: ModelConfig) -> int:
    """The parameters of one layer's attention, its latents' norms included."""
    dim, shape = config.dim, config.attention
    if isinstance(shape, Heads):
        return 2 * dim * shape.head_dim * (shape.heads + shape.key_heads)
    query_width = shape.heads * (shape.content_dim + shape.rope_dim)
    query = dim * query_width if shape.query_dim is None else shape.query_dim * (dim + 1 + query_width)
    kept = dim * (shape.latent_dim + shape.rope_dim) + shape.latent_dim
    up = shape.heads * (shape.content_dim + shape.value_dim) * shape.latent_dim
    return query + kept + up + shape.heads * shape.value_dim * dim


def experts_params(dim: int, experts: Experts) -> tuple[int, int]:
    """The parameters of one mixture of experts: (all of them, those that work on one token).

    An expert is a SwiGLU of three matrices between `dim` and the experts' `width`. Shared experts work on
    every token. The router has a vector of `dim` an expert, and scores all experts for every token; a hash
    router has none. (The balancing bias, one number an expert, is not learnt by gradient and not counted.)

    8 experts of width 16, 2 active, dim 10: an expert has 480; 3,840 + 80 in all, 960 + 80 active.
    """
    expert = 3 * dim * experts.width
    router = 0 if experts.router == "hash" else dim * experts.experts
    everywhere = router + experts.shared * expert
    return everywhere + experts.experts * expert, everywhere + experts.active * expert


def count_params(config: ModelConfig) -> tuple[int, int]:
    """The parameters of a whole model: (total, active). Active are those that work on one token.

    A model has an embedding and a head of vocab x dim each, `layers` blocks, and a last norm of dim. A block
    has its attention (`attention_params`), two norms of dim, and a feed-forward: three matrices of dim x
    width in a dense layer, `experts_params` in the others. Embedding and head count as active, whole. All of
    a model, not only its active part, must be in memory.

    Mixtral 8x7B: 46.7 billion, 12.9 active.
    """
    shape = config.feed_forward
    width = shape.width if isinstance(shape, Dense) else shape.dense_width
    everywhere = 2 * config.vocab * config.dim + config.dim
    everywhere += config.layers * (attention_params(config) + 2 * config.dim)
    everywhere += config.dense_layers * 3 * config.dim * width
    total, active = (0, 0) if isinstance(shape, Dense) else experts_params(config.dim, shape)
    sparse_layers = config.layers - config.dense_layers
    return everywhere + sparse_layers * total, everywhere + sparse_layers * active


def v3_params() -> tuple[float, float, float]:
    """DeepSeek-V3's parameters in billions: (total, active, active without the embedding).

    Counted from its published configuration, `DEEPSEEK_V3`. The embedding is a look-up of one row, so one may
    say that it does no work. The module for multi-token prediction, 14 billion more in the published files,
    is not counted.

    Source: DeepSeek-V3 (arXiv 2412.19437), section 4.2: 671B parameters, of which 37B are activated for each
    token.
    """
    total, active = count_params(DEEPSEEK_V3)
    embedding = DEEPSEEK_V3.vocab * DEEPSEEK_V3.dim
    return total / 1e9, active / 1e9, (active - embedding) / 1e9
