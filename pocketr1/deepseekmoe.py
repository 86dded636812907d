"""DeepSeekMoE: more and smaller experts, some shared by all, kept busy evenly by a bias that only selects.

    scores  = sigmoid(router(x))                    one a token and expert, independent of each other
    chosen  = the best by scores + bias             the bias is moved after each step, never by gradient
    weights = scores of the chosen / their sum * scale
    y       = shared(x) + sum of weight * expert(x)

Sources: DeepSeekMoE (arXiv 2401.06066), DeepSeek-V3 (arXiv 2412.19437, equations 12-20, and `Gate` in its
model.py), loss-free balancing (arXiv 2408.15664).
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from .configuration import PADDING, Experts
from .moe import ExpertBank, aux_loss, hash_route, load, max_vio, route
from .transformer import FeedForward


def combinations(experts: int, active: int) -> int:
    """In how many ways a token's experts can be chosen, when their order does not matter.

    16 experts, 2 active: 120.
    Source: DeepSeekMoE (arXiv 2401.06066), section 3.1.
    """
    return math.comb(experts, active)


def split(experts: Experts, pieces: int) -> Experts:
    """Cut every routed expert into `pieces` smaller ones: the same parameters, the same work for a token.

    Raises ValueError where the width cannot be cut into equal pieces. Shared experts are not cut: they are
    taken as they are, so an `experts` with shared ones is refused.

    16 experts of width 256, 2 active, in 4 pieces: 64 of width 64, 8 active.
    Source: DeepSeekMoE (arXiv 2401.06066), section 3.1, fine-grained expert segmentation.
    """
    if experts.shared:
        raise ValueError("shared experts have the width of the routed ones: split first, then share")
    if experts.width % pieces:
        raise ValueError(f"a width of {experts.width} cannot be cut into {pieces} equal pieces")
    return replace(
        experts,
        experts=experts.experts * pieces,
        active=experts.active * pieces,
        width=experts.width // pieces,
    )


def group_limit(selecting: Tensor, groups: int, kept: int) -> Tensor:
    """Let only experts of the `kept` best groups be chosen, so that a token is sent to few machines.

    `selecting` [tokens, experts]: scores with the bias added; experts next to each other form `groups` equal
    groups. A group is as good as the sum of its two best experts. Returns [tokens, experts]: minus infinity
    outside the kept groups, the rest as it was.

    (1, 9, 6, 5) in two groups, one kept: the second, as 6 + 5 > 1 + 9.

    Source: DeepSeek-V3 (arXiv
    2412.19437), section 2.1.2, node-limited routing; model.py. V2 took the group's best.
    """
    if kept == groups:
        return selecting
    grouped = selecting.unflatten(-1, (groups, -1))
    best = grouped.topk(min(2, grouped.shape[-1]), dim=-1).values.sum(dim=-1).topk(kept, dim=-1).indices
    outside = torch.ones_like(grouped[..., 0], dtype=torch.bool).scatter(-1, best, False)
    return grouped.masked_fill(outside.unsqueeze(-1), -math.inf).flatten(-2)


def sigmoid_gate(
    logits: Tensor, bias: Tensor, active: int, scale: float = 1.0, groups: int = 1, kept_groups: int = 1
) -> tuple[Tensor, Tensor]:
    """DeepSeek-V3's gate: choose by score plus bias, weigh by score alone.

    `logits` [tokens, experts] from the router, whose scores are their sigmoids; `bias` [experts].
    `group_limit` goes over what the choice is made by. Returns (weights [tokens, active], chosen [tokens,
    active]), the best first: the weights are the chosen experts' scores without bias, divided by their sum,
    times `scale`.

    Logits (0, 0, 0), bias (0.2, 0, 0.1), two active: experts 0 and 2, with weights 0.5 and 0.5.
    Source: DeepSeek-V3 (arXiv 2412.19437), equations 13-16; the scale, 2.5, is in its configuration.
    """
    scores = logits.sigmoid()
    chosen = group_limit(scores + bias, groups, kept_groups).topk(active, dim=-1).indices
    weights = scores.gather(-1, chosen)
    return weights / weights.sum(dim=-1, keepdim=True) * scale, chosen


def update_bias(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    """The bias after one step: more for experts with less than the mean load, less for those with more.

    `bias` [experts]; `load` [experts], how many tokens each got in the step. The size of the move is `speed`
    for every expert, however far it is from the mean; at the mean it stays. Returns [experts].

    Load (3, 1, 2), speed 0.001: (-0.001, +0.001, 0) is added.
    Source: Wang et al. 2024 (arXiv 2408.15664), algorithm 1; DeepSeek-V3, section 2.1.2, with 0.001.
    """
    return bias + speed * torch.sign(load.double().mean() - load).to(bias.dtype)


def shared_expert(x: Tensor, routed: Tensor, shared: Callable[[Tensor], Tensor]) -> Tensor:
    """Add the expert that every token visits: x [tokens, dim], routed [tokens, dim] -> [tokens, dim].

    `routed` is what the chosen experts gave together, weights and scale applied. The shared expert has
    neither.
    Source: DeepSeek-V3 (arXiv 2412.19437), equation 12.
    """
    return routed + shared(x)


class DeepSeekMoE(nn.Module):
    """A mixture of experts as a layer, with any router and any balancing that `Experts` names.

    While it trains, it counts the load since the last `balance()`, which training calls after every step, and
    keeps `auxiliary`, the balancing loss of the last batch. The bias is a buffer: it is saved with the
    weights, and no gradient reaches it. Padding is routed like any token, and not counted.
    """

    bias: Tensor
    counts: Tensor

    def __init__(self, dim: int, shape: Experts) -> None:
        super().__init__()
        self.shape = shape
        self.router = nn.Parameter(torch.empty(shape.experts, dim)) if shape.router != "hash" else None
        self.experts = ExpertBank(dim, shape.experts, shape.width)
        self.shared = FeedForward(dim, shape.shared * shape.width) if shape.shared else None
        self.register_buffer("bias", torch.zeros(shape.experts), persistent=shape.balance == "bias")
        self.register_buffer("counts", torch.zeros(shape.experts, dtype=torch.long), persistent=False)
        self.auxiliary: Tensor | None = None
        self.tokens: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """[batch, seq, dim] -> [batch, seq, dim]."""
        flat = x.flatten(0, -2)
        logits = None if self.router is None else flat @ self.router.T
        weights, chosen = self.route(logits)
        if self.training and torch.is_grad_enabled():
            self._observe(logits, chosen, x.shape[:-1])
        y = self.experts(flat, weights, chosen)
        if self.shared is not None:
            y = shared_expert(flat, y, self.shared)
        return y.reshape(x.shape)

    def route(self, logits: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits [tokens, experts], or None with hash routing -> (weights, chosen), both [tokens, active]."""
        shape = self.shape
        if logits is None:
            assert self.tokens is not None, "a hash router needs to see the tokens first"
            return hash_route(self.tokens.flatten(), shape.experts, shape.active)
        if shape.router == "softmax":
            weights, chosen = route(logits, shape.active)
            return weights * shape.scale, chosen
        return sigmoid_gate(logits, self.bias, shape.active, shape.scale, shape.groups, shape.kept_groups)

    def see(self, tokens: Tensor) -> None:
        """The ids [batch, seq] of the tokens that come next: hash routing and the load need them."""
        self.tokens = tokens

    @torch.no_grad()
    def balance(self) -> None:
        """After a training step: move the bias against the load counted since the last call; count anew."""
        if self.shape.balance == "bias":
            self.bias.copy_(update_bias(self.bias, self.counts, self.shape.bias_speed))
        self.counts.zero_()
        self.auxiliary = None

    @property
    def max_vio(self) -> float:
        """MaxVio of the load counted since the last `balance()`; 0 when nothing was."""
        return max_vio(self.counts).item() if self.counts.any() else 0.0

    def __getstate__(self) -> dict[str, Any]:
        """What a copy of the layer gets: everything but what the last batch left behind."""
        return {**super().__getstate__(), "auxiliary": None, "tokens": None}

    def _observe(self, logits: Tensor | None, chosen: Tensor, shape: torch.Size) -> None:
        tokens = torch.ones(shape) if self.tokens is None else self.tokens
        real = tokens != PADDING
        self.counts += load(chosen[real.flatten()], self.shape.experts)
        if logits is None or self.shape.balance not in ("sequence", "batch"):
            return
        scores = logits.softmax(dim=-1) if self.shape.router == "softmax" else logits.sigmoid()
        group = (-1, shape[-1]) if self.shape.balance == "sequence" else (1, -1)
        scores, chosen = scores.unflatten(0, group), chosen.unflatten(0, group)
        self.auxiliary = aux_loss(scores, chosen, self.shape.alpha, real.reshape(scores.shape[:-1]))


def balance_loss(model: nn.Module) -> Tensor:
    """What the mixtures of experts add to the loss of the last batch: the sum of their auxiliary losses."""
    losses = [
        part.auxiliary
        for part in model.modules()
        if isinstance(part, DeepSeekMoE) and part.auxiliary is not None
    ]
    return torch.stack(losses).sum() if losses else torch.zeros(())
