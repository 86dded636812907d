"""Answers to the exercises that count: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch

from pocketr1.configuration import Dense, Experts, Heads, Latent, ModelConfig
from pocketr1.model import LanguageModel
from pocketr1.sizes import attention_params, experts_params

Attention = Heads | Latent

# cache_elements


def by_matching(layers: int, attention: Attention) -> int:
    match attention:
        case Heads(key_heads=key_heads, head_dim=head_dim):
            return layers * (key_heads * head_dim + key_heads * head_dim)
        case Latent(latent_dim=latent_dim, rope_dim=rope_dim):
            return layers * latent_dim + layers * rope_dim


def by_attribute(layers: int, attention: Any) -> int:
    if hasattr(attention, "latent_dim"):
        return sum(attention.latent_dim + attention.rope_dim for _ in range(layers))
    keys = values = attention.key_heads * attention.head_dim
    return (keys + values) * layers


def by_name(layers: int, attention: Any) -> int:
    kept = {"Heads": ("key_heads", "head_dim"), "Latent": ("latent_dim", "rope_dim")}
    first, second = (getattr(attention, name) for name in kept[type(attention).__name__])
    return layers * (2 * first * second if isinstance(attention, Heads) else first + second)


def heads(shape: Heads) -> int:
    return 2 * shape.key_heads * shape.head_dim


def latent(shape: Latent) -> int:
    return shape.latent_dim + shape.rope_dim


def counts(of_heads: Any = heads, of_latent: Any = latent) -> Any:
    """Counts by the kind of attention, one after the other, layer by layer."""

    def count(layers: int, attention: Attention) -> int:
        total = 0
        for _ in range(layers):
            total += of_latent(attention) if isinstance(attention, Latent) else of_heads(attention)
        return total

    return count


def keys_alone(layers: int, attention: Attention) -> int:
    if isinstance(attention, Latent):
        return latent(attention) * layers
    return layers * attention.head_dim * attention.key_heads


def latent_doubled(layers: int, attention: Attention) -> int:
    each = latent(attention) if isinstance(attention, Latent) else attention.key_heads * attention.head_dim
    return 2 * layers * each


def rope_key_lost(layers: int, attention: Attention) -> int:
    if isinstance(attention, Heads):
        return 2 * layers * attention.key_heads * attention.head_dim
    return layers * attention.latent_dim


def query_heads(layers: int, attention: Attention) -> int:
    if isinstance(attention, Latent):
        return latent(attention) * layers
    return 2 * layers * attention.heads * attention.head_dim


# explain_93


def factors_by_hand(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Any:
    def one_layer(attention: Any) -> int:
        if isinstance(attention, Latent):
            return attention.latent_dim + attention.rope_dim
        return 2 * attention.key_heads * attention.head_dim

    attention = one_layer(new.attention) / one_layer(old.attention)
    return attention, new.layers / old.layers, new_bits / old_bits


def factors_as_list(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Any:
    pairs = [
        (by_matching(1, new.attention), by_matching(1, old.attention)),
        (new.layers, old.layers),
        (new_bits, old_bits),
    ]
    return [after / before for after, before in pairs]


def factors_from_totals(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Any:
    total = by_attribute(new.layers, new.attention) / by_attribute(old.layers, old.attention)
    layers = new.layers / old.layers
    return total / layers, layers, (new_bits / 8) / (old_bits / 8)


def many_heads_before(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Any:
    kept = 2 * old.attention.heads * old.attention.head_dim  # type: ignore[union-attr]
    return by_matching(1, new.attention) / kept, new.layers / old.layers, new_bits / old_bits


def layers_twice(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Any:
    per_token = by_matching(new.layers, new.attention) / by_matching(old.layers, old.attention)
    return per_token, new.layers / old.layers, new_bits / old_bits


def everything_first(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Any:
    kept = [new_bits * by_name(new.layers, new.attention), old_bits * by_name(old.layers, old.attention)]
    return kept[0] / kept[1], 1.0, 1.0


def running(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Any:
    left, found = 1.0, []
    for factor in factors_by_hand(old, new, old_bits, new_bits):
        left *= factor
        found.append(left)
    return tuple(found)


def upside_down(old: ModelConfig, new: ModelConfig, old_bits: float, new_bits: float) -> Any:
    return factors_by_hand(new, old, new_bits, old_bits)


# count_params, right


def params_by_helpers(config: ModelConfig) -> tuple[int, int]:
    shape, dim = config.feed_forward, config.dim
    block = attention_params(config) + 2 * dim
    if isinstance(shape, Dense):
        whole = 2 * config.vocab * dim + config.layers * (block + 3 * dim * shape.width) + dim
        return whole, whole
    all_of_them, working = experts_params(dim, shape)
    rest = 2 * config.vocab * dim + config.layers * block + dim
    rest += shape.dense_layers * 3 * dim * shape.dense_width
    sparse = config.layers - shape.dense_layers
    return rest + sparse * all_of_them, rest + sparse * working


def params_layer_by_layer(config: ModelConfig) -> tuple[int, int]:
    total = active = 2 * config.vocab * config.dim + config.dim
    for layer in range(config.layers):
        both = attention_params(config) + 2 * config.dim
        shape = config.feed_forward
        if isinstance(shape, Dense):
            one = other = 3 * config.dim * shape.width
        elif layer < shape.dense_layers:
            one = other = 3 * config.dim * shape.dense_width
        else:
            one, other = experts_params(config.dim, shape)
        total, active = total + both + one, active + both + other
    return total, active


def params_by_building(config: ModelConfig) -> tuple[int, int]:
    """Built and counted; the idle experts subtracted."""
    with torch.random.fork_rng():
        total = sum(parameter.numel() for parameter in LanguageModel(config).parameters())
    shape = config.feed_forward
    if isinstance(shape, Dense):
        return total, total
    idle = (config.layers - shape.dense_layers) * (shape.experts - shape.active)
    return total, total - idle * 3 * config.dim * shape.width


def params_by_hand(config: ModelConfig) -> tuple[int, int]:
    """Without the helper for experts."""
    dim, shape = config.dim, config.feed_forward
    everywhere = dim * (2 * config.vocab + 1)
    everywhere += config.layers * (2 * dim + attention_params(config))
    if isinstance(shape, Dense):
        everywhere += config.layers * 3 * dim * shape.width
        return everywhere, everywhere
    sparse = config.layers - shape.dense_layers
    everywhere += shape.dense_layers * 3 * dim * shape.dense_width
    router = 0 if shape.router == "hash" else shape.experts
    everywhere += sparse * dim * (router + 3 * shape.shared * shape.width)
    expert = sparse * 3 * dim * shape.width
    return everywhere + shape.experts * expert, everywhere + shape.active * expert


# count_params, wrong


def params_with(change):
    """The right counts (total, active), changed by what `change(config, total, active)` returns."""
    return lambda config: change(config, *params_by_helpers(config))


def params_as_if(of):
    """The right counts of another configuration."""
    return lambda config: params_by_helpers(of(config))


def moe(count):
    """A number for a model with experts, 0 for a dense one."""
    return lambda config: (
        count(config.feed_forward, config) if isinstance(config.feed_forward, Experts) else 0
    )


sparse_layers = moe(lambda shape, config: config.layers - shape.dense_layers)
router_rows = moe(lambda shape, config: sparse_layers(config) * config.dim * shape.experts)
routers = moe(lambda shape, config: 0 if shape.router == "hash" else router_rows(config))
shared = moe(lambda shape, config: sparse_layers(config) * 3 * config.dim * shape.shared * shape.width)
one_expert = moe(lambda shape, config: sparse_layers(config) * 3 * config.dim * shape.width)
working = moe(lambda shape, config: shape.active * one_expert(config))
dense = moe(lambda shape, config: shape.dense_layers * 3 * config.dim * shape.dense_width)


dense_layers = moe(lambda shape, config: shape.dense_layers)


def experts_in_layers(count):
    """All experts, in `count(config)` layers; the dense layers besides."""

    def params(config: ModelConfig) -> tuple[int, int]:
        shape = config.feed_forward
        if isinstance(shape, Dense):
            return params_by_hand(config)
        everywhere = params_by_hand(replace(config, feed_forward=replace(shape, experts=1, active=1)))[0]
        everywhere -= (
            sparse_layers(config) * experts_params(config.dim, replace(shape, experts=1, active=1))[0]
        )
        total, active = experts_params(config.dim, shape)
        return everywhere + count(config) * total, everywhere + count(config) * active

    return params


def layers_without_brackets(config: ModelConfig) -> tuple[int, int]:
    everywhere, layers, dense = (
        experts_in_layers(lambda config: 0)(config)[0],
        config.layers,
        config.dense_layers,
    )
    if isinstance(config.feed_forward, Dense):
        return everywhere + layers, everywhere + layers
    total, active = experts_params(config.dim, config.feed_forward)
    return everywhere + layers - dense * total, everywhere + layers - dense * active


def layers_without_brackets_by_difference(config: ModelConfig) -> tuple[int, int]:
    counts = experts_in_layers(lambda config: -config.feed_forward.dense_layers)(config)
    return counts[0] + config.layers, counts[1] + config.layers


def feed_forwards(config: ModelConfig) -> int:
    """All dense feed-forward networks."""
    if isinstance(config.feed_forward, Dense):
        return config.layers * 3 * config.dim * config.feed_forward.width
    return dense(config)


def share_of_everything(config: ModelConfig) -> tuple[int, int]:
    total, _ = params_by_helpers(config)
    shape = config.feed_forward
    if isinstance(shape, Dense):
        return total, total
    return total, int(total * shape.active / shape.experts)


def every_layer_sparse(config: ModelConfig) -> tuple[int, int]:
    if isinstance(config.feed_forward, Dense):
        return params_by_hand(config)
    return params_by_hand(replace(config, feed_forward=replace(config.feed_forward, dense_layers=0)))


def every_layer_sparse_by_helper(config: ModelConfig) -> tuple[int, int]:
    shape, dim = config.feed_forward, config.dim
    rest = 2 * config.vocab * dim + dim + config.layers * (attention_params(config) + 2 * dim)
    if isinstance(shape, Dense):
        return (rest + config.layers * 3 * dim * shape.width,) * 2
    return tuple(rest + config.layers * count for count in experts_params(dim, shape))


def dense_width_of_an_expert(config: ModelConfig) -> tuple[int, int]:
    shape = config.feed_forward
    if isinstance(shape, Experts) and shape.dense_layers:
        config = replace(config, feed_forward=replace(shape, dense_width=shape.width))
    return params_layer_by_layer(config)


def dense_width_of_an_expert_by_difference(config: ModelConfig) -> tuple[int, int]:
    total, active = params_by_hand(config)
    wrong = moe(lambda shape, _: shape.dense_layers * 3 * config.dim * (shape.dense_width - shape.width))
    return total - wrong(config), active - wrong(config)


def one_layer_of_experts(config: ModelConfig) -> tuple[int, int]:
    shape, dim = config.feed_forward, config.dim
    rest = 2 * config.vocab * dim + dim + config.layers * (attention_params(config) + 2 * dim)
    rest += feed_forwards(config)
    total, active = (0, 0) if isinstance(shape, Dense) else experts_params(dim, shape)
    return rest + total, rest + active


def two_matrices(config: ModelConfig) -> tuple[int, int]:
    total, active = params_by_helpers(config)
    idle = total - active
    less = (feed_forwards(config) + shared(config) + working(config)) // 3
    return total - less - idle // 3, active - less


def both(amount):
    """The right counts, less an amount in both."""
    return params_with(lambda config, total, active: (total - amount(config), active - amount(config)))


def only_active(amount):
    """The right counts, less an amount in what is active."""
    return params_with(lambda config, total, active: (total, active - amount(config)))


def both_by_loop(amount):
    def count(config: ModelConfig) -> tuple[int, int]:
        total, active = params_layer_by_layer(config)
        return total - amount(config), active - amount(config)

    return count


def only_active_by_loop(amount):
    def count(config: ModelConfig) -> tuple[int, int]:
        total, active = params_layer_by_layer(config)
        return total, active - amount(config)

    return count


def embedding(config: ModelConfig) -> int:
    return config.vocab * config.dim


def norms(config: ModelConfig) -> int:
    return (2 * config.layers + 1) * config.dim


def without_the_experts(config: ModelConfig) -> int:
    """All that is active and neither a shared nor a chosen expert."""
    return params_by_helpers(config)[1] - shared(config) - working(config)


def idle_router(config: ModelConfig) -> int:
    shape = config.feed_forward
    if isinstance(shape, Dense):
        return 0
    return routers(config) - routers(config) * shape.active // shape.experts


RIGHT = {
    "count_params": [params_by_helpers, params_layer_by_layer, params_by_building, params_by_hand],
    "cache_elements": [by_matching, by_attribute, by_name],
    "explain_93": [factors_by_hand, factors_as_list, factors_from_totals],
}

WRONG = {
    "count_params": {
        "share_of_everything": [
            share_of_everything,
            params_with(
                lambda config, total, active: (
                    total,
                    total
                    if isinstance(config.feed_forward, Dense)
                    else total // config.feed_forward.experts * config.feed_forward.active,
                )
            ),
        ],
        "experts_alone": [only_active(without_the_experts), only_active_by_loop(without_the_experts)],
        "all_active": [
            params_with(lambda config, total, active: (total, total)),
            lambda config: (params_by_building(config)[0],) * 2,
        ],
        "one_expert_active": [
            only_active(lambda config: working(config) - one_expert(config)),
            only_active_by_loop(moe(lambda shape, config: (shape.active - 1) * one_expert(config))),
        ],
        "router_lost": [both(routers), both_by_loop(routers)],
        "hash_router_counted": [
            both(lambda config: routers(config) - router_rows(config)),
            params_as_if(
                lambda config: (
                    config
                    if isinstance(config.feed_forward, Dense)
                    else replace(config, feed_forward=replace(config.feed_forward, router="softmax"))
                )
            ),
        ],
        "router_of_chosen": [only_active(idle_router), only_active_by_loop(idle_router)],
        "shared_not_active": [only_active(shared), only_active_by_loop(shared)],
        "embedding_or_head_lost": [both(embedding), both_by_loop(embedding)],
        "embedding_not_active": [only_active(embedding), only_active_by_loop(embedding)],
        "embeddings_lost": [
            both(lambda config: 2 * embedding(config)),
            params_as_if(lambda config: replace(config, vocab=0)),
        ],
        "attention_lost": [
            both(lambda config: config.layers * attention_params(config)),
            both_by_loop(lambda config: config.layers * attention_params(config)),
        ],
        "norms_lost": [both(norms), both_by_loop(norms)],
        "last_norm_lost": [both(lambda config: config.dim), both_by_loop(lambda config: config.dim)],
        "every_layer_has_experts": [every_layer_sparse, every_layer_sparse_by_helper],
        "dense_layers_not_subtracted": [
            experts_in_layers(lambda config: config.layers),
            experts_in_layers(lambda config: sparse_layers(config) + dense_layers(config)),
        ],
        "brackets_around_layers_lost": [layers_without_brackets, layers_without_brackets_by_difference],
        "norms_of_one_layer": [
            both(lambda config: 2 * config.dim * (config.layers - 1)),
            both_by_loop(lambda config: 2 * config.dim * (config.layers - 1)),
        ],
        "billions": [
            params_with(lambda config, total, active: (total / 1e9, active / 1e9)),
            params_with(lambda config, total, active: (total / 10**9, active / 10**9)),
        ],
        "dense_layers_lost": [both(feed_forwards), both_by_loop(feed_forwards)],
        "dense_width": [dense_width_of_an_expert, dense_width_of_an_expert_by_difference],
        "one_layer": [
            one_layer_of_experts,
            params_with(
                lambda config, total, active: (
                    (total, active)
                    if isinstance(config.feed_forward, Dense)
                    else tuple(
                        count - (sparse_layers(config) - 1) * part
                        for count, part in zip(
                            (total, active), experts_params(config.dim, config.feed_forward), strict=True
                        )
                    )
                )
            ),
        ],
        "two_matrices": [
            two_matrices,
            params_as_if(
                lambda config: replace(
                    config,
                    feed_forward=replace(
                        config.feed_forward,
                        width=config.feed_forward.width * 2 // 3,
                        **(
                            {}
                            if isinstance(config.feed_forward, Dense)
                            else {"dense_width": config.feed_forward.dense_width * 2 // 3}
                        ),
                    ),
                )
            ),
        ],
        "swapped": [
            params_with(lambda config, total, active: (active, total)),
            lambda config: params_by_hand(config)[::-1],
        ],
    },
    "cache_elements": {
        "keys_alone": [keys_alone, counts(of_heads=lambda s: s.key_heads * s.head_dim)],
        "latent_doubled": [latent_doubled, counts(of_latent=lambda s: 2 * s.latent_dim + 2 * s.rope_dim)],
        "one_latent_each": [
            counts(of_latent=lambda s: 2 * s.latent_dim + s.rope_dim),
            lambda layers, attention: (
                by_matching(layers, attention) + layers * getattr(attention, "latent_dim", 0)
            ),
        ],
        "rope_key_per_head": [
            counts(of_latent=lambda s: s.latent_dim + s.heads * s.rope_dim),
            lambda layers, attention: (
                layers * (attention.latent_dim + attention.heads * attention.rope_dim)
                if isinstance(attention, Latent)
                else by_matching(layers, attention)
            ),
        ],
        "latent_per_head": [
            counts(of_latent=lambda s: s.heads * s.latent_dim + s.heads * s.rope_dim),
            lambda layers, attention: (
                by_attribute(layers, attention) * (attention.heads if isinstance(attention, Latent) else 1)
            ),
        ],
        "rope_key_lost": [rope_key_lost, counts(of_latent=lambda s: s.latent_dim)],
        "rope_key_of_one_layer": [
            lambda layers, attention: (
                layers * attention.latent_dim + attention.rope_dim
                if isinstance(attention, Latent)
                else by_name(layers, attention)
            ),
            lambda layers, attention: (
                by_matching(layers, attention) - (layers - 1) * getattr(attention, "rope_dim", 0)
            ),
        ],
        "query_counted": [
            counts(of_latent=lambda s: s.latent_dim + s.rope_dim + (s.query_dim or 0)),
            lambda layers, attention: (
                by_name(layers, attention) + layers * (getattr(attention, "query_dim", 0) or 0)
            ),
        ],
        "keys_and_values_made": [
            counts(of_latent=lambda s: s.heads * (s.content_dim + s.rope_dim) + s.heads * s.value_dim),
            lambda layers, attention: (
                layers * attention.heads * (attention.content_dim + attention.rope_dim + attention.value_dim)
                if isinstance(attention, Latent)
                else by_name(layers, attention)
            ),
        ],
        "query_heads": [query_heads, counts(of_heads=lambda s: 2 * s.heads * s.head_dim)],
        "one_key_head": [
            counts(of_heads=lambda s: 2 * s.head_dim),
            lambda layers, attention: by_name(layers, attention) // getattr(attention, "key_heads", 1),
        ],
        "one_layer": [
            lambda layers, attention: by_name(1, attention),
            lambda layers, attention: by_attribute(layers, attention) // layers,
        ],
        "bytes": [
            lambda layers, attention: by_matching(layers, attention) * 2,
            lambda layers, attention: by_attribute(layers, attention) * 16 // 8,
        ],
    },
    "explain_93": {
        "upside_down": [upside_down],
        "savings": [lambda *given: tuple(1 - factor for factor in factors_as_list(*given))],
        "percentages": [lambda *given: tuple(100 * factor for factor in factors_as_list(*given))],
        "many_heads_before": [many_heads_before],
        "all_to_attention": [everything_first],
        "figures_written_out": [lambda old, new, old_bits, new_bits: [0.28125, 60 / 95, 0.375]],
        "layers_twice": [layers_twice],
        "bits_forgotten": [lambda *given: (*factors_by_hand(*given)[:2], 1.0)],
        "layers_forgotten": [lambda *given: (factors_by_hand(*given)[0], 1.0, factors_by_hand(*given)[2])],
        "one_number": [lambda *given: math.prod(factors_as_list(*given))],
        "running_product": [running],
    },
}
