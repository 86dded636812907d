"""What a model is made of, as data: one frozen configuration, put together from parts.

Attention is either `Heads` (multi-head, grouped-query or multi-query, by the number of key heads) or `Latent`
(DeepSeek-V2's multi-head latent attention). The feed-forward is `Dense`, or `Experts` after some dense
layers. A configuration is plain data: it can be compared, written to JSON beside the weights, and read back.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

RouterKind = Literal["softmax", "sigmoid", "hash"]
BalanceKind = Literal["none", "sequence", "batch", "bias"]

PADDING = 0
"""The token that fills rows up, in every vocabulary of the course. It is never predicted, and no load counts
it."""


@dataclass(frozen=True)
class Heads:
    """Attention with `heads` query heads that share `key_heads` keys and values, each `head_dim` long.

    As many key heads as heads: multi-head attention. Fewer: grouped-query. One: multi-query.
    """

    heads: int
    key_heads: int
    head_dim: int

    def __post_init__(self) -> None:
        _require(
            self.heads % self.key_heads == 0,
            f"{self.heads} heads cannot share {self.key_heads} key heads equally",
        )
        _require(self.head_dim % 2 == 0, f"RoPE turns pairs: head_dim must be even, not {self.head_dim}")


@dataclass(frozen=True)
class Latent:
    """Multi-head latent attention. Names as in DeepSeek-V2's paper, with V3's sizes.

    `latent_dim` (d_c, 512): what is kept of each token for keys and values. `query_dim` (d'_c, 1536): the
    same for queries, kept for nothing but fewer parameters; None projects queries directly. `content_dim`
    (d_h, 128): the part of each head's query and key without position. `rope_dim` (d_R, 64): the part with
    position; its key is shared by all heads. `value_dim` (128): the length of each head's value.
    """

    heads: int
    latent_dim: int
    query_dim: int | None
    content_dim: int
    rope_dim: int
    value_dim: int

    def __post_init__(self) -> None:
        _require(self.rope_dim % 2 == 0, f"RoPE turns pairs: rope_dim must be even, not {self.rope_dim}")


@dataclass(frozen=True)
class Dense:
    """A SwiGLU feed-forward of inner width `width` in every layer."""

    width: int


@dataclass(frozen=True)
class Experts:
    """A mixture of experts: each token visits `active` of `experts` SwiGLU networks of inner width `width`.

    `shared`: experts that every token visits besides (V3: 1). `router`: how scores are made ("softmax": V2
    and Mixtral; "sigmoid": V3; "hash": by the token's number alone, for comparison). `scale` multiplies the
    normalised weights (V3: 2.5). `groups`, `kept_groups`: only experts of the best groups may be chosen (V3:
    8 and 4). `dense_layers`: so many first layers have a dense feed-forward of inner width `dense_width` (V3:
    3 of 18,432). `balance`: what keeps the load even: an auxiliary loss of weight `alpha` over each
    "sequence" or over the whole "batch", or a "bias" that only selects and moves by `bias_speed` a step.
    """

    experts: int
    active: int
    width: int
    shared: int = 0
    router: RouterKind = "sigmoid"
    scale: float = 1.0
    groups: int = 1
    kept_groups: int = 1
    dense_layers: int = 0
    dense_width: int = 0
    balance: BalanceKind = "none"
    alpha: float = 1e-4
    bias_speed: float = 1e-3

    def __post_init__(self) -> None:
        _require(
            self.experts % self.groups == 0, f"{self.experts} experts do not fill {self.groups} equal groups"
        )
        _require(
            1 <= self.kept_groups <= self.groups, f"{self.kept_groups} of {self.groups} groups cannot be kept"
        )
        choice = self.experts // self.groups * self.kept_groups
        _require(1 <= self.active <= choice, f"{self.active} experts cannot be chosen from {choice}")
        _require(self.dense_layers == 0 or self.dense_width > 0, "dense layers need a dense_width")
        by_sigmoid = self.router == "sigmoid"
        _require(by_sigmoid or self.balance != "bias", "a bias balances sigmoid routers only")
        _require(by_sigmoid or self.kept_groups == self.groups, "only sigmoid routers are limited to groups")
        _require(
            self.router != "hash" or self.balance == "none",
            "a hash router learns nothing, so nothing balances it",
        )


@dataclass(frozen=True)
class ModelConfig:
    """A language model: `layers` pre-norm blocks on vectors of length `dim`, over `vocab` tokens.

    `rope_base` is RoPE's base, `eps` the small number in every RMSNorm. The embedding and the head are two
    matrices.
    """

    vocab: int
    dim: int
    layers: int
    attention: Heads | Latent
    feed_forward: Dense | Experts
    rope_base: float = 10_000.0
    eps: float = 1e-6

    @property
    def dense_layers(self) -> int:
        """How many layers, counted from the first, have a dense feed-forward."""
        return self.layers if isinstance(self.feed_forward, Dense) else self.feed_forward.dense_layers

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; each part says its kind. `config_from` reads it back."""
        plain = asdict(self)
        for name in ("attention", "feed_forward"):
            plain[name] = {"kind": type(getattr(self, name)).__name__, **plain[name]}
        return plain


PARTS: dict[str, type] = {"Heads": Heads, "Latent": Latent, "Dense": Dense, "Experts": Experts}


def config_from(plain: dict[str, Any]) -> ModelConfig:
    """The configuration that `as_dict` wrote. Raises ValueError naming what does not belong there."""
    parts = {name: _part_from(plain.get(name)) for name in ("attention", "feed_forward")}
    try:
        return ModelConfig(**{**plain, **parts})
    except TypeError as error:
        raise ValueError(f"this is not a configuration of a model: {error}") from error


def _part_from(plain: Any) -> Any:
    if not isinstance(plain, dict) or plain.get("kind") not in PARTS:
        raise ValueError(
            f"a part of a configuration names its kind, one of {', '.join(PARTS)}; this has {plain!r}"
        )
    fields = {name: value for name, value in plain.items() if name != "kind"}
    try:
        return PARTS[plain["kind"]](**fields)
    except TypeError as error:
        raise ValueError(f"this is not a configuration of {plain['kind']}: {error}") from error


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
