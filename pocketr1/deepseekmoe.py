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

from .configuration import PADDING, Experts, ModelConfig
from .moe import ExpertBank, aux_loss, hash_route, load, max_vio, route
from .sizes import attention_params
from .transformer import FeedForward


def combinations(experts: int, active: int) -> int:
    """In how many ways a token's experts can be chosen, when their order does not matter.

    `active` different ones of `experts`. Returns a whole number.

    16 experts, 2 active: 120.
    Source: DeepSeekMoE (arXiv 2401.06066), section 3.1.
    """
    return math.comb(experts, active)


def split(experts: Experts, pieces: int) -> Experts:
    """Cut every expert into `pieces` smaller ones: the same parameters, the same work for a token.

    Returns a new `Experts`. An expert's parameters grow with its width, so a piece has its share of the
    width. A token visits all pieces of as many experts as before. Shared experts are cut like the others.
    All other fields stay as they are. Raises ValueError where the width cannot be cut into equal pieces.

    16 experts of width 256, 2 active, in 4 pieces: 64 of width 64, 8 active.
    Source: DeepSeekMoE (arXiv 2401.06066), section 3.1, fine-grained expert segmentation.
    """
    if experts.width % pieces:
        raise ValueError(f"a width of {experts.width} cannot be cut into {pieces} equal pieces")
    return replace(
        experts,
        experts=experts.experts * pieces,
        active=experts.active * pieces,
        width=experts.width // pieces,
        shared=experts.shared * pieces,
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


def sigmoid_gate(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """DeepSeek-V3's gate: choose by score plus bias, weigh by score alone.

    `logits` [tokens, experts] from the router; an expert's score is the sigmoid of its logit. `bias`
    [experts], or [tokens, experts] where each token has its own.

    Returns (weights [tokens, active], chosen [tokens, active], int64). `chosen`: the `active` experts with
    the largest score plus bias, the largest first. `weights`: the scores of these experts, without bias,
    divided by their sum, then times `scale`. A gradient flows through them back to the logits.

    Logits (0, 0, 0), bias (0.2, 0, 0.1), two active: experts 0 and 2, with weights 0.5 and 0.5.
    Source: DeepSeek-V3 (arXiv 2412.19437), equations 13-16; the scale, 2.5, is in its configuration.
    """
    scores = logits.sigmoid()
    chosen = (scores + bias).topk(active, dim=-1).indices
    weights = scores.gather(-1, chosen)
    return weights / weights.sum(dim=-1, keepdim=True) * scale, chosen


def update_bias(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    """The bias after one step: more for experts with less than the mean load, less for those with more.

    `bias` [experts]; `load` [experts], whole numbers: how many tokens each expert got in the step. Every bias
    moves by `speed`, however far the load is from the mean; where it is the mean, the bias stays. Returns a
    new tensor [experts], and leaves the old one as it was.

    Load (3, 1, 2), speed 0.001: (-0.001, +0.001, 0) is added.
    Source: Wang et al. 2024 (arXiv 2408.15664), algorithm 1; DeepSeek-V3, section 2.1.2.
    """
    return bias + speed * torch.sign(load.double().mean() - load).to(bias.dtype)


def shared_expert(
    x: Tensor,
    weights: Tensor,
    chosen: Tensor,
    routed: Callable[[Tensor, Tensor, Tensor], Tensor],
    shared: Callable[[Tensor], Tensor],
) -> Tensor:
    """What the layer answers: the routed experts, and the expert that every token visits besides.

    `x` [tokens, dim]; `weights` and `chosen` [tokens, active] as from `sigmoid_gate`, the scale applied.
    `routed(x, weights, chosen)` is the weighted sum of the chosen experts, [tokens, dim]. `shared(x)` is what
    the shared expert says, [tokens, dim]: no router chooses it, and nothing weighs it. Returns [tokens, dim].

    The routed experts say 3 and the shared one says 10: together 13.
    Source: DeepSeek-V3 (arXiv 2412.19437), equation 12.
    """
    return shared(x) + routed(x, weights, chosen)


def specialisation(visits: Tensor) -> float:
    """What a visit tells about who sent it, in bits: 0 if all kinds of sender use the experts alike.

    `visits` [kinds, experts]: how often a token of a kind (a skill, or a word) visited an expert. Returns the
    mutual information of kind and expert: the sum over all pairs of

        p * log2(p / (p of the kind * p of the expert))

    with p the pair's share of all visits, and the other two the totals of its row and of its column. A pair
    that never occurred adds nothing. There is at least one visit.

    Two kinds, of which each uses one expert of its own: ((5, 0), (0, 5)) gives 1 bit.
    Source: Shannon 1948, A mathematical theory of communication.
    """
    p = visits.double() / visits.sum()
    apart = p.sum(dim=1, keepdim=True) * p.sum(dim=0, keepdim=True)
    return float(torch.where(p > 0, p * (p / apart).log2(), 0.0).sum())


def v3_params(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """Where the parameters of a model like DeepSeek-V3 are: by part, (all of them, those that are active).

    The parts, by the names under which they are returned:

    "embedding" and "head": vocab x dim each. "norms": of dim, two in each layer, and one at the end.
    "attention": `attention_params(config)` in each layer.
    "dense layers": the first `config.dense_layers` layers have three matrices of dim x `dense_width`.
    "routed experts", "shared experts", "routers": the other layers. An expert has three matrices of dim x
    `width`; a router has a vector of dim for each routed expert.

    Of `config` are `vocab`, `dim`, `layers`, `dense_layers`; of `config.feed_forward`: `experts`, `active`,
    `shared`, `width`, `dense_width`. Active is what works on one token: of the routed experts `active` in
    each layer, of all else everything. (The embedding too, though it is a look-up of one row.) Not counted:
    the balancing bias, and V3's module for predicting one more token.

    Source: DeepSeek-V3 (arXiv 2412.19437), section 4.2: 671B, of which 37B are activated for each token.
    """
    dim, shape = config.dim, config.feed_forward
    assert isinstance(shape, Experts), "a model like DeepSeek-V3 has experts"
    expert, sparse_layers = 3 * dim * shape.width, config.layers - shape.dense_layers
    everywhere = {
        "embedding": config.vocab * dim,
        "head": config.vocab * dim,
        "norms": (2 * config.layers + 1) * dim,
        "attention": config.layers * attention_params(config),
        "dense layers": shape.dense_layers * 3 * dim * shape.dense_width,
        "shared experts": sparse_layers * shape.shared * expert,
        "routers": sparse_layers * shape.experts * dim,
    }
    routed = (sparse_layers * shape.experts * expert, sparse_layers * shape.active * expert)
    return {"routed experts": routed, **{name: (count, count) for name, count in everywhere.items()}}


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
        if self.shared is None:
            y = self.experts(flat, weights, chosen)
        else:
            y = shared_expert(flat, weights, chosen, self.experts, self.shared)
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
        bias = self.bias
        if shape.kept_groups < shape.groups:
            selecting = group_limit(logits.sigmoid() + bias, shape.groups, shape.kept_groups)
            bias = bias.expand_as(logits).masked_fill(selecting.isinf(), -math.inf)
        return sigmoid_gate(logits, bias, shape.active, shape.scale)

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
