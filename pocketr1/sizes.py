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
    32_000,
    4096,
    32,
    Heads(heads=32, key_heads=8, head_dim=128),
    Experts(8, 2, 14_336, router="softmax"),
    rope_base=1_000_000.0,
)
"""Mixtral 8x7B: arXiv 2401.04088, table 1, and its published config.json."""

LLAMA_405B = ModelConfig(
    128_256, 16_384, 126, Heads(heads=128, key_heads=8, head_dim=128), Dense(53_248), rope_base=500_000.0
)
"""Llama 3.1 405B: arXiv 2407.21783, table 3."""

QWEN25_72B = ModelConfig(
    152_064, 8192, 80, Heads(heads=64, key_heads=8, head_dim=128), Dense(29_568), rope_base=1_000_000.0
)
"""Qwen2.5-72B: arXiv 2412.15115, table 1, and its published config.json. (Its queries, keys and values have
biases, 0.8 million numbers in all, which are not counted here.)"""

QWEN3_235B = ModelConfig(
    151_936,
    4096,
    94,
    Heads(heads=64, key_heads=4, head_dim=128),
    Experts(128, 8, 1536, router="softmax"),
    rope_base=1_000_000.0,
)
"""Qwen3-235B-A22B: arXiv 2505.09388, and its published config.json. (Its queries and keys have norms, 24
thousand numbers in all, which are not counted here.)"""


def cache_elements(layers: int, attention: Heads | Latent) -> int:
    """How many numbers the cache holds for one token, in all layers together. (Numbers, not bytes.)

    Where `attention` is `Heads`, each layer keeps a key and a value of `head_dim` numbers for each of its
    `key_heads`. Where it is `Latent`, each layer keeps one latent of `latent_dim` numbers and one key of
    `rope_dim` numbers, for all heads together. `isinstance(attention, Latent)` tells which it is.

    2 layers with 4 key heads of 8 numbers: 128.
    Source: DeepSeek-V2 (arXiv 2405.04434), table 1.
    """
    if isinstance(attention, Latent):
        return layers * (attention.latent_dim + attention.rope_dim)
    return layers * 2 * attention.key_heads * attention.head_dim


def explain_93(
    old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float
) -> tuple[float, float, float]:
    """Why a new model's cache is smaller than an old one's: three factors, whose product is what is left.

    Returns what the new model has, divided by what the old one has, three times: the numbers that a token
    leaves in one layer; the layers; the bits for each number. Factors, not percentages: 0.5 means that half
    is left.

    Named after DeepSeek-V2's "reduces the KV cache by 93.3 %": there the old model is `DEEPSEEK_67B` with 16
    bits, the new one is `DEEPSEEK_V2` with 6 bits on average.
    Source: DeepSeek-V2 (arXiv 2405.04434), abstract and section 3.2.3.
    """
    per_layer = cache_elements(1, new.attention) / cache_elements(1, old.attention)
    return per_layer, new.layers / old.layers, new_bits / old_bits


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
