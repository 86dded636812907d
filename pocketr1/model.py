"""The language model: put together by one configuration from the parts of the other modules.

    tokens -> embedding -> blocks -> norm -> head -> logits

`LanguageModel(config, seed)` starts from the same weights on every machine. Matrices start at random with a
standard deviation of 0.02, so that all tokens are about equally likely at first, and the loss is about
ln(vocab).
"""

from typing import cast

import torch
from torch import Tensor, nn

from .cache import Cache, positions_and_mask
from .configuration import Dense, Heads, Latent, ModelConfig
from .deepseekmoe import DeepSeekMoE
from .latent import LatentAttention
from .transformer import Block, FeedForward, GroupedQueryAttention, RMSNorm, rotations

INITIAL_STD = 0.02


class LanguageModel(nn.Module):
    """A decoder-only language model. `model(tokens, padding)` gives the logits of each next token."""

    def __init__(self, config: ModelConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab, config.dim)
        self.blocks = nn.ModuleList(_block(config, layer) for layer in range(config.layers))
        self.norm = RMSNorm(config.dim, config.eps)
        self.head = nn.Linear(config.dim, config.vocab, bias=False)
        initialise(self, seed)

    def forward(self, tokens: Tensor, padding: Tensor | None = None) -> Tensor:
        """`tokens` [batch, seq] -> logits [batch, seq, vocab].

        The logits at one position speak of the token at the next.
        `padding` [batch]: how many columns at the left of each row are padding. Padding at the right needs no
        word: no token looks ahead.
        """
        return self.run(tokens, *positions_and_mask(padding, 0, tokens.shape[1]))

    def run(
        self, tokens: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache | None = None
    ) -> Tensor:
        """The model on tokens that stand at `positions` and may look where `mask` is True.

        Both are as in `positions_and_mask`; returns logits [batch, new, vocab].
        With a cache, the tokens come after those in it, and are added.
        """
        rotation = rotations(positions, self.rope_dim, self.config.rope_base)
        if positions.ndim == 2:
            rotation = rotation.unsqueeze(1)  # [batch, head, new, dim / 2]: the same for all heads
        x = self.embedding(tokens)
        for number, block in enumerate(self.blocks):
            if isinstance(block.feed_forward, DeepSeekMoE):
                block.feed_forward.see(tokens)
            x = block(x, rotation, mask, cache.layers[number] if cache else None)
        return self.head(self.norm(x))

    def room(self, batch: int, capacity: int) -> Cache:
        """An empty cache for `capacity` tokens of `batch` sequences."""
        attentions = [cast(GroupedQueryAttention | LatentAttention, block.attention) for block in self.blocks]
        return Cache([attention.room(batch, capacity) for attention in attentions])

    @property
    def rope_dim(self) -> int:
        """The length of the part of a head's query that RoPE turns."""
        attention = self.config.attention
        return attention.head_dim if isinstance(attention, Heads) else attention.rope_dim


def initialise(model: nn.Module, seed: int) -> None:
    """Set all matrices to normal numbers of standard deviation 0.02, drawn from `seed`; vectors stay."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.normal_(0.0, INITIAL_STD, generator=generator)


def _block(config: ModelConfig, layer: int) -> Block:
    return Block(config.dim, _attention(config), _feed_forward(config, layer), config.eps)


def _attention(config: ModelConfig) -> nn.Module:
    if isinstance(config.attention, Latent):
        return LatentAttention(config.dim, config.attention, config.eps)
    return GroupedQueryAttention(config.dim, config.attention)


def _feed_forward(config: ModelConfig, layer: int) -> nn.Module:
    shape = config.feed_forward
    if isinstance(shape, Dense):
        return FeedForward(config.dim, shape.width)
    if layer < shape.dense_layers:
        return FeedForward(config.dim, shape.dense_width)
    return DeepSeekMoE(config.dim, shape)
