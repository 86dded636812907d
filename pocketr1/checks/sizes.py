"""Checks of the exercises that count: what a cache holds, and why one is smaller than another.

The configurations are small and their numbers distinct, so that a count tells which of them went into it.
"""

import math
from collections.abc import Callable

from ..configuration import Dense, Experts, Heads, Latent, ModelConfig
from .specification import Case, Check, Mistake

Attention = Heads | Latent

# cache_elements


def _counted(heads: Callable[[Heads], int], latent: Callable[[Latent], int]) -> Callable[..., int]:
    """Numbers a token and layer, by the kind of attention, times the layers."""

    def count(layers: int, attention: Attention) -> int:
        return layers * (latent(attention) if isinstance(attention, Latent) else heads(attention))

    return count


def _of_heads(shape: Heads) -> int:
    return 2 * shape.key_heads * shape.head_dim


def _of_latent(shape: Latent) -> int:
    return shape.latent_dim + shape.rope_dim


_expected_elements = _counted(_of_heads, _of_latent)


def _made(shape: Latent) -> int:
    return shape.heads * (shape.content_dim + shape.rope_dim + shape.value_dim)


CACHE_ELEMENTS = Check(
    expected=_expected_elements,
    gradients=False,
    cases=(
        Case("one layer, one head of 4 numbers", lambda: (1, Heads(1, 1, 4))),
        Case("two layers, 8 heads that share 4 key heads, of 8 numbers", lambda: (2, Heads(8, 4, 8))),
        Case("three layers, each head with keys of its own", lambda: (3, Heads(5, 5, 6))),
        Case("one layer of latent attention", lambda: (1, Latent(1, 16, 12, 8, 4, 10))),
        Case("three layers of latent attention with 6 heads", lambda: (3, Latent(6, 16, 12, 8, 4, 10))),
        Case("latent attention whose queries have no latent", lambda: (5, Latent(2, 24, None, 14, 6, 9))),
        Case(
            "DeepSeek-V3's sizes",
            lambda: (61, Latent(128, 512, 1536, 128, 64, 128)),
        ),
        Case("DeepSeek 67B's sizes", lambda: (95, Heads(64, 8, 128))),
    ),
    mistakes=(
        Mistake(
            "keys_alone",
            "with `Heads` a key and a value are kept, so the count is twice as large",
            _counted(lambda s: s.key_heads * s.head_dim, _of_latent),
        ),
        Mistake(
            "latent_doubled",
            "the latent is counted twice: keys and values are both made from the one latent, and the key of"
            " `rope_dim` numbers has no value beside it",
            _counted(_of_heads, lambda s: 2 * (s.latent_dim + s.rope_dim)),
        ),
        Mistake(
            "one_latent_each",
            "two latents are counted, one for keys and one for values; both are made from the same one",
            _counted(_of_heads, lambda s: 2 * s.latent_dim + s.rope_dim),
        ),
        Mistake(
            "rope_key_per_head",
            "the key of `rope_dim` numbers is counted once for each head; all heads share one",
            _counted(_of_heads, lambda s: s.latent_dim + s.heads * s.rope_dim),
        ),
        Mistake(
            "latent_per_head",
            "the latent is counted once for each head; all heads share one",
            _counted(_of_heads, lambda s: s.heads * (s.latent_dim + s.rope_dim)),
        ),
        Mistake(
            "rope_key_lost",
            "the key with position is not counted: `rope_dim` numbers beside the latent",
            _counted(_of_heads, lambda s: s.latent_dim),
        ),
        Mistake(
            "rope_key_of_one_layer",
            "the key with position is counted once for all layers; each layer keeps one: are there brackets"
            " around the sum?",
            lambda layers, attention: (
                layers * attention.latent_dim + attention.rope_dim
                if isinstance(attention, Latent)
                else _expected_elements(layers, attention)
            ),
        ),
        Mistake(
            "query_counted",
            "the queries' latent is counted; a query is used once, by its own token, and never kept",
            _counted(_of_heads, lambda s: s.latent_dim + s.rope_dim + (s.query_dim or 0)),
        ),
        Mistake(
            "keys_and_values_made",
            "with `Latent` all heads' keys and values are counted; they are made from the latent when they"
            " are needed, and not kept",
            _counted(_of_heads, _made),
        ),
        Mistake(
            "query_heads",
            "with `Heads` a key and a value are counted for each query head; there is one for each of the"
            " `key_heads`, which share them",
            _counted(lambda s: 2 * s.heads * s.head_dim, _of_latent),
        ),
        Mistake(
            "one_key_head",
            "with `Heads` one key and one value are counted; each of the `key_heads` has one of each",
            _counted(lambda s: 2 * s.head_dim, _of_latent),
        ),
        Mistake(
            "one_layer",
            "one layer is counted; each layer has a cache of its own",
            lambda layers, attention: _expected_elements(1, attention),
        ),
        Mistake(
            "bytes",
            "these are bytes, at two for each number; numbers are asked for, since their size is another"
            " question",
            lambda layers, attention: 2 * _expected_elements(layers, attention),
        ),
    ),
    why="Heads that share keys save by sharing, and a latent saves by compressing: its count has no number of"
    " heads in it at all.",
)


# explain_93

Factors = tuple[float, float, float]


def _factors(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Factors:
    kept = [_expected_elements(1, config.attention) for config in (new, old)]
    return kept[0] / kept[1], new.layers / old.layers, new_bits / old_bits


def _with(change: Callable[[Factors], object]) -> Callable[..., object]:
    """The three factors, changed."""
    return lambda old, new, old_bits, new_bits: change(_factors(old, new, old_bits, new_bits))


def _many_headed(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Factors:
    assert isinstance(old.attention, Heads)
    kept = 2 * old.attention.heads * old.attention.head_dim
    per_layer, layers, bits = _factors(old, new, old_bits, new_bits)
    return per_layer * _of_heads(old.attention) / kept, layers, bits


def _layers_twice(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Factors:
    per_layer, layers, bits = _factors(old, new, old_bits, new_bits)
    return per_layer * layers, layers, bits


def _config(layers: int, attention: Attention) -> ModelConfig:
    return ModelConfig(10, 8, layers, attention, Dense(16))


_OLD, _NEW = _config(4, Heads(8, 2, 10)), _config(3, Latent(8, 10, None, 6, 2, 6))

EXPLAIN_93 = Check(
    expected=_factors,
    gradients=False,
    cases=(
        Case("40 numbers a layer before and 12 after, 4 layers and 3", lambda: (_OLD, _NEW, 16, 16)),
        Case("half the bits and the same model", lambda: (_OLD, _OLD, 16, 8)),
        Case("6 bits for 16", lambda: (_OLD, _NEW, 16, 6)),
        Case(
            "more layers than before, and a new model of grouped heads",
            lambda: (_config(2, Heads(6, 6, 4)), _config(5, Heads(6, 3, 4)), 32, 8),
        ),
        Case(
            "DeepSeek 67B and DeepSeek-V2",
            lambda: (
                _config(95, Heads(64, 8, 128)),
                _config(60, Latent(128, 512, 1536, 128, 64, 128)),
                16,
                6,
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "upside_down",
            "each factor is the old model's figure divided by the new one's; what is left is the new one's"
            " divided by the old one's",
            _with(lambda f: tuple(1 / part for part in f)),
        ),
        Mistake(
            "savings",
            "these are the shares that are saved; savings can neither be multiplied nor added, what is left"
            " can be multiplied",
            _with(lambda f: tuple(1 - part for part in f)),
        ),
        Mistake(
            "percentages",
            "these are percentages; factors are asked for, 0.5 and not 50",
            _with(lambda f: tuple(100 * part for part in f)),
        ),
        Mistake(
            "many_heads_before",
            "the old model is counted as if each query head had keys of its own; it has `key_heads` of them",
            _many_headed,
        ),
        Mistake(
            "all_to_attention",
            "everything is put down to attention; the new model has other layers and other bits too",
            _with(lambda f: (math.prod(f), 1.0, 1.0)),
        ),
        Mistake(
            "figures_written_out",
            "the figures of DeepSeek-V2 and 67B are written into it; take them from `old`, `new` and the"
            " bits",
            lambda old, new, old_bits, new_bits: (576 / 2048, 60 / 95, 6 / 16),
        ),
        Mistake(
            "layers_twice",
            "the layers are in the first factor too, so they count twice: compare one layer with one layer",
            _layers_twice,
        ),
        Mistake(
            "bits_forgotten",
            "the bits are not compared: the third factor is always 1",
            _with(lambda f: (f[0], f[1], 1.0)),
        ),
        Mistake(
            "layers_forgotten",
            "the layers are not compared: the second factor is always 1",
            _with(lambda f: (f[0], 1.0, f[2])),
        ),
        Mistake(
            "one_number",
            "the three are multiplied already; return them one by one, so that one sees where it comes from",
            _with(math.prod),
        ),
        Mistake(
            "running_product",
            "these are what is left after one cause, after two and after three; each cause is asked for by"
            " itself",
            _with(lambda f: (f[0], f[0] * f[1], math.prod(f))),
        ),
    ),
    why="What is left is a product, so each cause can be seen by itself, and none takes the credit of the"
    " others.",
)


# count_params

Parts = dict[str, int]


def _parts(config: ModelConfig) -> Parts:
    """What a model is made of, counted over all layers."""
    dim, shape = config.dim, config.feed_forward
    sparse = config.layers - config.dense_layers
    experts = shape if isinstance(shape, Experts) else Experts(1, 1, 0)
    dense_width = shape.dense_width if isinstance(shape, Experts) else shape.width
    expert = 3 * dim * experts.width
    return {
        "embedding": config.vocab * dim,
        "head": config.vocab * dim,
        "last norm": dim,
        "norms": config.layers * 2 * dim,
        "attention": config.layers * _attention(dim, config.attention),
        "dense": config.dense_layers * 3 * dim * dense_width,
        "router": sparse * dim * experts.experts if _has_router(config) else 0,
        "shared": sparse * experts.shared * expert,
        "active": sparse * experts.active * expert,
        "idle": sparse * (experts.experts - experts.active) * expert,
    }


def _has_router(config: ModelConfig) -> bool:
    return isinstance(config.feed_forward, Experts) and config.feed_forward.router != "hash"


def _attention(dim: int, shape: Attention) -> int:
    if isinstance(shape, Heads):
        return dim * shape.head_dim * (2 * shape.heads + 2 * shape.key_heads)
    head = shape.content_dim + shape.rope_dim
    query = dim * shape.heads * head
    if shape.query_dim is not None:
        query = (dim + 1 + shape.heads * head) * shape.query_dim
    keys = dim * (shape.latent_dim + shape.rope_dim) + shape.latent_dim
    up = shape.latent_dim * shape.heads * (shape.content_dim + shape.value_dim)
    return query + keys + up + shape.heads * shape.value_dim * dim


def _counts(
    change: Callable[[Parts, ModelConfig], Parts] = lambda parts, config: {},
    in_active: Callable[[Parts, ModelConfig], Parts] = lambda parts, config: {},
) -> Callable[[ModelConfig], tuple[int, int]]:
    """(total, active) with some parts changed: in both, or in what is active alone."""

    def count(config: ModelConfig) -> tuple[int, int]:
        parts = _parts(config)
        parts |= change(parts, config)
        working = parts | {"idle": 0} | in_active(parts, config)
        return sum(parts.values()), sum(working.values())

    return count


def _chosen_share(config: ModelConfig) -> tuple[int, int]:
    """Chosen experts and all experts; 1 of 1 in a dense model."""
    shape = config.feed_forward
    return (shape.active, shape.experts) if isinstance(shape, Experts) else (1, 1)


def _as_if_chosen(names: tuple[str, ...]) -> Callable[[Parts, ModelConfig], Parts]:
    """These parts, counted as if only the share of the chosen experts of them worked."""

    def change(parts: Parts, config: ModelConfig) -> Parts:
        chosen, experts = _chosen_share(config)
        return {name: parts[name] * chosen // experts for name in names}

    return change


def _all_layers_sparse(parts: Parts, config: ModelConfig) -> Parts:
    sparse = config.layers - config.dense_layers
    if isinstance(config.feed_forward, Dense):
        return {}
    names = ("router", "shared", "active", "idle")
    return {"dense": 0} | {name: parts[name] * config.layers // sparse for name in names}


def _experts_everywhere(parts: Parts, config: ModelConfig) -> Parts:
    return _all_layers_sparse(parts, config) | {"dense": parts["dense"]}


def _layers_without_brackets(config: ModelConfig) -> tuple[int, int]:
    """`layers - dense_layers * experts` for `(layers - dense_layers) * experts`."""
    sparse = ("router", "shared", "active", "idle")
    parts, count = _parts(config), config.layers - config.dense_layers
    everywhere = sum(number for name, number in parts.items() if name not in sparse) + config.layers
    each = {name: parts[name] // max(1, count) for name in sparse}
    total = config.dense_layers * sum(each.values())
    return everywhere - total, everywhere - total + config.dense_layers * each["idle"]


def _dense_layers_of_an_experts_width(parts: Parts, config: ModelConfig) -> Parts:
    return {"dense": config.dense_layers * 3 * config.dim * config.feed_forward.width}


def _one_layer(parts: Parts, config: ModelConfig) -> Parts:
    sparse = max(1, config.layers - config.dense_layers)
    return {name: parts[name] // sparse for name in ("router", "shared", "active", "idle")}


def _router_of_hash(config: ModelConfig) -> int:
    shape = config.feed_forward
    sparse = config.layers - config.dense_layers
    return sparse * config.dim * shape.experts if isinstance(shape, Experts) else 0


def _two_matrices(parts: Parts, config: ModelConfig) -> Parts:
    return {name: parts[name] * 2 // 3 for name in ("dense", "shared", "active", "idle")}


def _lost(*names: str) -> Callable[[Parts, ModelConfig], Parts]:
    return lambda parts, config: dict.fromkeys(names, 0)


_EVERYTHING = ("embedding", "head", "last norm", "norms", "attention", "dense", "router", "shared", "active")

COUNT_PARAMS = Check(
    expected=_counts(),
    gradients=False,
    cases=(
        Case(
            "a dense model of one layer, of which everything works",
            lambda: (ModelConfig(10, 8, 1, Heads(2, 2, 4), Dense(12)),),
        ),
        Case(
            "one layer with four experts, one of them active",
            lambda: (ModelConfig(10, 8, 1, Heads(2, 2, 4), Experts(4, 1, 24, router="softmax")),),
        ),
        Case(
            "three layers with eight experts, two active, and shared keys in the attention",
            lambda: (ModelConfig(30, 16, 3, Heads(4, 2, 6), Experts(8, 2, 12, router="softmax")),),
        ),
        Case(
            "a shared expert",
            lambda: (ModelConfig(30, 16, 2, Heads(4, 2, 6), Experts(8, 2, 12, shared=1)),),
        ),
        Case(
            "four layers, of which the first has no experts",
            lambda: (
                ModelConfig(
                    30, 16, 4, Heads(4, 2, 6), Experts(8, 2, 12, shared=2, dense_layers=1, dense_width=36)
                ),
            ),
        ),
        Case(
            "latent attention, as in DeepSeek-V3",
            lambda: (ModelConfig(30, 16, 2, Latent(4, 8, 12, 6, 4, 6), Experts(8, 2, 12)),),
        ),
        Case(
            "a hash router, which goes by the word and has no parameters",
            lambda: (ModelConfig(30, 16, 3, Heads(4, 2, 6), Experts(8, 2, 12, router="hash")),),
        ),
    ),
    mistakes=(
        Mistake(
            "share_of_everything",
            "the active parameters are a share, active / experts, of all parameters; but embedding, head,"
            " attention, norms and router work on every token",
            _counts(in_active=lambda parts, config: _whole_share(parts, config)),
        ),
        Mistake(
            "experts_alone",
            "only the chosen experts count as active; attention, norms, router, embedding and head work on"
            " every token too",
            _counts(in_active=_lost(*_EVERYTHING[:-2])),
        ),
        Mistake(
            "all_active",
            "all parameters count as active; of the experts, only the chosen ones work on a token",
            _counts(in_active=lambda parts, config: {"idle": parts["idle"]}),
        ),
        Mistake(
            "one_expert_active",
            "one expert counts as active; a token visits `active` of them",
            _counts(in_active=lambda parts, config: {"active": parts["active"] // _chosen_share(config)[0]}),
        ),
        Mistake(
            "router_lost",
            "the router is not counted: it has a vector of dim for each expert, in each layer with experts",
            _counts(_lost("router")),
        ),
        Mistake(
            "hash_router_counted",
            "a router is counted where there is none: a hash router goes by the word, and has no parameters;"
            " `experts_params` knows that",
            _counts(lambda parts, config: {"router": parts["router"] or _router_of_hash(config)}),
        ),
        Mistake(
            "router_of_chosen",
            "only the chosen experts' part of the router counts as active; it scores all experts for every"
            " token",
            _counts(in_active=_as_if_chosen(("router",))),
        ),
        Mistake(
            "shared_not_active",
            "the shared experts do not count as active; every token visits them",
            _counts(in_active=_lost("shared")),
        ),
        Mistake(
            "embedding_or_head_lost",
            "embedding and head are counted as one matrix; here they are two (some models share one)",
            _counts(_lost("head")),
        ),
        Mistake(
            "embedding_not_active",
            "the embedding does not count as active: another convention, as it is a look-up of one row; here"
            " embedding and head count whole",
            _counts(in_active=_lost("embedding")),
        ),
        Mistake(
            "embeddings_lost",
            "embedding and head are not counted: vocab x dim each",
            _counts(_lost("embedding", "head")),
        ),
        Mistake(
            "attention_lost",
            "the attention is not counted: `attention_params` in each layer",
            _counts(_lost("attention")),
        ),
        Mistake(
            "norms_lost",
            "the norms are not counted: two of dim in each block, and the last one",
            _counts(_lost("norms", "last norm")),
        ),
        Mistake(
            "last_norm_lost",
            "the norm after the last block is not counted: dim more",
            _counts(_lost("last norm")),
        ),
        Mistake(
            "every_layer_has_experts",
            "every layer is counted with experts; the first `dense_layers` have a feed-forward of"
            " `dense_width` instead",
            _counts(_all_layers_sparse),
        ),
        Mistake(
            "dense_layers_not_subtracted",
            "every layer is counted with experts, the dense ones too: only `layers - dense_layers` have them",
            _counts(_experts_everywhere),
        ),
        Mistake(
            "brackets_around_layers_lost",
            "the dense layers are multiplied, and the layers stand alone: a multiplication comes before a"
            " subtraction. Put brackets around `layers - dense_layers`",
            _layers_without_brackets,
        ),
        Mistake(
            "norms_of_one_layer",
            "the norms are counted once, not in each layer: a multiplication comes before a sum. Put brackets"
            " around what each layer has, its attention and two norms",
            _counts(lambda parts, config: {"norms": 2 * config.dim}),
        ),
        Mistake(
            "billions",
            "the counts are divided by a billion; the counts themselves are asked for, as whole numbers",
            lambda config: tuple(count / 1e9 for count in _counts()(config)),
        ),
        Mistake(
            "dense_layers_lost",
            "the feed-forward of the dense layers is not counted",
            _counts(_lost("dense")),
        ),
        Mistake(
            "dense_width",
            "the dense layers are counted with the width of an expert; theirs is `dense_width`",
            _counts(_dense_layers_of_an_experts_width),
        ),
        Mistake(
            "one_layer",
            "the experts of one layer are counted; there are as many layers with experts as are not dense",
            _counts(_one_layer),
        ),
        Mistake(
            "two_matrices",
            "a feed-forward is counted with two matrices; SwiGLU has three: gate, up and down",
            _counts(_two_matrices),
        ),
        Mistake(
            "swapped",
            "the two counts have changed places: all parameters first, then the active ones",
            lambda config: _counts()(config)[::-1],
        ),
    ),
    why="The experts hold most of the parameters, and a token visits few of them. All else works on every"
    " token. So memory grows with the first count, and work with the second.",
)


def _whole_share(parts: Parts, config: ModelConfig) -> Parts:
    """A share of the sum of all parts, put down to one of them."""
    chosen, experts = _chosen_share(config)
    whole = sum(parts.values()) * chosen // experts
    return dict.fromkeys(_EVERYTHING, 0) | {"active": whole}


CHECKS = {"cache_elements": CACHE_ELEMENTS, "explain_93": EXPLAIN_93, "count_params": COUNT_PARAMS}
