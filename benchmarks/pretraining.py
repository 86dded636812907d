"""A step of pretraining beside the machine's roofline, and where the rest of it goes."""

from collections.abc import Callable, Iterator

import torch

from pocketr1.configuration import Dense, Heads, ModelConfig
from pocketr1.model import LanguageModel
from pocketr1.training import make_optimizer, update
from pocketr1.transformer import next_token_loss

from .ratios import best_seconds, matrix_product, roofline

VOCAB, DOCUMENTS, LENGTH = 64, 24, 43  # about a thousand tokens, as the base model's batches
CONFIG = ModelConfig(VOCAB, 96, 3, Heads(4, 4, 24), Dense(256))


def measure() -> Iterator[str]:
    """The share of the roofline of a whole step, and the parts of its time."""
    generator = torch.Generator().manual_seed(0)
    model = LanguageModel(CONFIG, 0)
    tokens = torch.randint(2, VOCAB, (DOCUMENTS, LENGTH), generator=generator)
    seconds = best_seconds(_parts(model, tokens) | {"product": matrix_product()}, rounds=20)
    weights = sum(p.numel() for p in model.parameters()) - model.embedding.weight.numel()
    flops = 6 * weights * tokens.numel()
    share = flops / seconds["step"] / roofline(seconds["product"])
    forward, both, whole = (seconds[name] / seconds["step"] for name in ("forward", "gradients", "step"))
    yield (
        f"a step of {tokens.numel()} tokens: {share:.0%} of the roofline; of its time "
        f"{forward:.0%} forward and loss, {both - forward:.0%} backward, {whole - both:.0%} clip and AdamW"
    )


def _parts(model: LanguageModel, tokens: torch.Tensor) -> dict[str, Callable[[], object]]:
    optimizer = make_optimizer(model, 1e-4)
    mask = torch.ones(tokens.shape, dtype=torch.bool)

    def loss() -> torch.Tensor:
        return next_token_loss(model(tokens), tokens, mask)

    def gradients() -> None:
        loss().backward()
        optimizer.zero_grad()

    def step() -> None:
        update(model, optimizer, [loss()], 1.0, 0)

    return {"forward": loss, "gradients": gradients, "step": step}
