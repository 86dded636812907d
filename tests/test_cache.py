import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketr1.cache import Cache, LayerCache, cached_step, positions_and_mask
from pocketr1.configuration import Dense, Experts, Heads, Latent, ModelConfig
from pocketr1.model import LanguageModel


def test_positions_and_mask_by_hand():
    positions, mask = positions_and_mask(torch.tensor([2, 0]), seen=3, new=1)
    assert positions.tolist() == [[1], [3]]
    assert mask.tolist() == [[[[False, False, True, True]]], [[[True, True, True, True]]]]


def test_a_padding_token_sees_itself_alone():
    positions, mask = positions_and_mask(torch.tensor([2]), seen=0, new=3)
    assert positions.tolist() == [[-2, -1, 0]]
    assert mask[0, 0].tolist() == [[True, False, False], [False, True, False], [False, False, True]]


def test_without_padding_one_mask_serves_all_rows():
    positions, mask = positions_and_mask(None, seen=2, new=2)
    assert positions.tolist() == [2, 3]
    assert mask.tolist() == [[True, True, True, False], [True, True, True, True]]


@given(
    padding=st.lists(st.integers(0, 4), min_size=1, max_size=4), seen=st.integers(0, 5), new=st.integers(1, 4)
)
@settings(max_examples=60, deadline=None)
def test_every_token_sees_itself_and_real_tokens_before_it(padding, seen, new):
    positions, mask = positions_and_mask(torch.tensor(padding), seen, new)
    for row, pad in enumerate(padding):
        for query in range(new):
            column = seen + query
            assert positions[row, query] == column - pad
            expected = [key == column or pad <= key < column for key in range(seen + new)]
            assert mask[row, 0, query].tolist() == expected


def test_append_returns_all_there_is():
    cache = LayerCache(torch.zeros(2, 3, 5, 4), torch.zeros(2, 5, 1))
    first, second = torch.randn(2, 3, 2, 4), torch.randn(2, 3, 1, 4)
    cache.append(first, torch.ones(2, 2, 1))
    keys, others = cache.append(second, torch.full((2, 1, 1), 2.0))
    assert torch.equal(keys, torch.cat([first, second], dim=2))
    assert others[1].flatten().tolist() == [1, 1, 2]
    assert cache.length == 3


def test_dropped_rows_leave_no_gap():
    room = torch.arange(5.0).reshape(5, 1, 1).repeat(1, 4, 1)
    layer = LayerCache(room)
    layer.length = 2
    cache = Cache([layer])
    order = cache.drop(torch.tensor([True, False, True, False, False]))
    (kept,) = layer.append(torch.full((3, 1, 1), 9.0))
    assert sorted(order.tolist()) == [1, 3, 4]
    assert kept[:, 0, 0].tolist() == order.tolist()
    assert kept[:, 1, 0].tolist() == order.tolist()
    assert kept[:, 2, 0].tolist() == [9, 9, 9]


def test_all_rows_may_be_dropped():
    layer = LayerCache(torch.zeros(2, 4, 1))
    layer.length = 1
    assert Cache([layer]).drop(torch.tensor([True, True])).tolist() == []


@pytest.mark.parametrize("padding", [None, [0, 0], [0, 3]])
@pytest.mark.parametrize("attention", [Heads(4, 4, 4), Heads(4, 2, 4), Latent(4, 8, 6, 4, 2, 5)])
@pytest.mark.parametrize("feed_forward", [Dense(24), Experts(4, 2, 8, shared=1)])
def test_cached_steps_equal_the_whole_model(padding, attention, feed_forward):
    config = ModelConfig(11, 16, 2, attention, feed_forward)
    model = LanguageModel(config, seed=1)
    tokens = torch.randint(11, (2, 9), generator=torch.Generator().manual_seed(0))
    padding = None if padding is None else torch.tensor(padding)
    whole = model(tokens, padding)
    cache = model.room(2, 9)
    with torch.no_grad():
        steps = [cached_step(model, tokens[:, :5], cache, padding)]
        steps += [cached_step(model, tokens[:, [t]], cache, padding) for t in range(5, 9)]
    torch.testing.assert_close(torch.stack(steps, 1), whole[:, 4:], rtol=0, atol=1e-5)
