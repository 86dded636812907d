import dataclasses

import pytest

from pocketr1 import sizes
from pocketr1.configuration import Dense, Experts, Heads, Latent, ModelConfig
from pocketr1.model import LanguageModel

HEADS, LATENT = Heads(4, 2, 6), Latent(2, 8, None, 6, 4, 10)
MIXED = Experts(8, 2, 16, shared=2, dense_layers=1, dense_width=40, balance="bias")
CONFIGS = [
    ModelConfig(11, 16, 3, HEADS, Dense(20)),
    ModelConfig(11, 16, 3, LATENT, MIXED),
    ModelConfig(11, 16, 3, dataclasses.replace(LATENT, query_dim=12), MIXED),
    ModelConfig(11, 16, 2, HEADS, Experts(4, 1, 8, router="hash")),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_counts_are_those_of_the_built_model(config):
    total, active = sizes.count_params(config)
    model = LanguageModel(config)
    assert total == sum(parameter.numel() for parameter in model.parameters())
    idle = 0
    if isinstance(config.feed_forward, Experts):
        shape = config.feed_forward
        idle = (
            (config.layers - config.dense_layers)
            * (shape.experts - shape.active)
            * 3
            * config.dim
            * shape.width
        )
    assert active == total - idle


@pytest.mark.parametrize("config", CONFIGS)
def test_cache_elements_are_those_of_the_built_cache(config):
    cache = LanguageModel(config).room(batch=3, capacity=5)
    kept = sum(room.numel() for layer in cache.layers for room in layer.rooms)
    assert kept == 3 * 5 * sizes.cache_elements(config.layers, config.attention)


def test_cache_elements_by_hand():
    assert sizes.cache_elements(2, Heads(8, 4, 8)) == 128
    v3 = sizes.DEEPSEEK_V3
    assert sizes.cache_elements(v3.layers, v3.attention) == 61 * 576
    assert sizes.cache_elements(1, Heads(128, 128, 128)) == 32_768


@pytest.mark.parametrize(
    ("config", "total", "active"),
    [
        (sizes.DEEPSEEK_V2, 236, 21),
        (sizes.DEEPSEEK_67B, 67, 67),
        (sizes.LLAMA_405B, 406, 406),
        (sizes.QWEN25_72B, 73, 73),
        (sizes.MIXTRAL_8X7B, 47, 13),
        (sizes.QWEN3_235B, 235, 22),
    ],
)
def test_published_sizes(config, total, active):
    counted = [round(count / 1e9) for count in sizes.count_params(config)]
    assert counted == [total, active]


@pytest.mark.parametrize(
    ("config", "kilobytes"), [(sizes.DEEPSEEK_V3, 70.3), (sizes.QWEN25_72B, 327.7), (sizes.LLAMA_405B, 516.1)]
)
def test_published_caches_at_two_bytes_a_number(config, kilobytes):
    """As in DeepSeek-V3's hardware paper, arXiv 2505.09343, table 1."""
    kept = 2 * sizes.cache_elements(config.layers, config.attention)
    assert round(kept / 1000, 1) == kilobytes


def test_the_93_percent_taken_apart():
    per_layer, layers, bits = sizes.explain_93(sizes.DEEPSEEK_67B, sizes.DEEPSEEK_V2, 16, 6)
    assert (per_layer, layers, bits) == pytest.approx((576 / 2048, 60 / 95, 6 / 16))
    assert 1 - per_layer * layers * bits == pytest.approx(0.933, abs=5e-4)
    assert 1 - per_layer * layers == pytest.approx(0.822, abs=5e-4)


def test_experts_by_hand():
    assert sizes.experts_params(10, Experts(8, 2, 16)) == (3840 + 80, 960 + 80)
    assert sizes.experts_params(10, Experts(8, 2, 16, shared=1)) == (3840 + 80 + 480, 960 + 80 + 480)
