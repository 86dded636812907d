import json

import pytest

from pocketr1.configuration import Dense, Experts, Heads, Latent, ModelConfig, config_from

DENSE = ModelConfig(vocab=20, dim=16, layers=2, attention=Heads(4, 2, 8), feed_forward=Dense(32))
LATENT = ModelConfig(
    20, 16, 3, Latent(2, 8, None, 8, 4, 8), Experts(8, 2, 16, shared=1, dense_layers=1, dense_width=32)
)


@pytest.mark.parametrize("config", [DENSE, LATENT])
def test_a_configuration_survives_json(config):
    assert config_from(json.loads(json.dumps(config.as_dict()))) == config


def test_dense_layers_come_first():
    assert DENSE.dense_layers == 2
    assert LATENT.dense_layers == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": 3}, "colour"),
        ({"attention": {"kind": "Sparse"}}, "Sparse"),
        ({"attention": {"kind": "Heads", "arms": 2}}, "Heads.*arms"),
        ({"feed_forward": None}, "None"),
    ],
)
def test_a_foreign_configuration_is_refused_by_name(change, says):
    with pytest.raises(ValueError, match=says):
        config_from(DENSE.as_dict() | change)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Heads(4, 3, 8), "4 heads cannot share 3"),
        (lambda: Heads(4, 4, 7), "even, not 7"),
        (lambda: Latent(2, 8, None, 8, 3, 8), "even, not 3"),
        (lambda: Experts(8, 2, 16, groups=3), "8 experts do not fill 3"),
        (lambda: Experts(8, 3, 16, groups=4, kept_groups=1), "3 experts cannot be chosen from 2"),
        (lambda: Experts(8, 9, 16, groups=2, kept_groups=3), "3 of 2 groups cannot be kept"),
        (lambda: Experts(8, 2, 16, dense_layers=1), "dense_width"),
        (lambda: Experts(8, 2, 16, router="softmax", balance="bias"), "sigmoid routers only"),
        (lambda: Experts(8, 2, 16, router="softmax", groups=2, kept_groups=1), "limited to groups"),
        (lambda: Experts(8, 2, 16, router="hash", balance="batch"), "learns nothing"),
    ],
)
def test_impossible_shapes_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
