"""One layer of experts, forward and backward, beside `transformers`' DeepseekV3MoE with grouped_mm."""

from collections.abc import Callable, Iterator

import torch
from torch import nn
from transformers.models.deepseek_v3 import DeepseekV3Config
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3MoE

from pocketr1.configuration import Experts
from pocketr1.deepseekmoe import DeepSeekMoE
from pocketr1.transformer import FeedForward

from .peers import expert_settings, expert_weights
from .ratios import best_seconds, matrix_product, roofline

TOKENS, DIM = 2048, 128
SHAPES = (
    Experts(8, 2, 128, shared=1, scale=2.5, balance="bias"),
    Experts(32, 4, 64, shared=1, scale=2.5, balance="bias"),
)
AIM = 0.85


def measure() -> Iterator[str]:
    """One line a shape: our time over theirs, that of a dense layer of the same work, and our share of what
    the machine can do."""
    for shape in SHAPES:
        ours, theirs = _pair(shape)
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(4, TOKENS // 4, DIM, generator=generator).requires_grad_()
        error = (ours(x) - theirs(x)).abs().max().item()
        layers = {"ours": ours, "theirs": theirs, "dense": _dense(shape)}
        rivals = {name: _step(layer, x) for name, layer in layers.items()}
        seconds = best_seconds(rivals | {"product": matrix_product()}, rounds=20)
        share = _flops(shape) / seconds["ours"] / roofline(seconds["product"])
        yield (
            f"{shape.experts} experts, {shape.active} active, width {shape.width}: "
            f"{seconds['ours'] / seconds['theirs']:.2f} x the time of transformers (aim {AIM} x), dense "
            f"{seconds['dense'] / seconds['theirs']:.2f} x; "
            f"{share:.0%} of the roofline; largest difference {error:.0e}"
        )


def _pair(shape: Experts) -> tuple[DeepSeekMoE, nn.Module]:
    ours = DeepSeekMoE(DIM, shape)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.normal_(0, 0.05, generator=generator)
    settings = DeepseekV3Config(hidden_size=DIM, **expert_settings(shape))
    settings._experts_implementation = "grouped_mm"
    theirs = DeepseekV3MoE(settings)
    theirs.load_state_dict({name: weight.detach().clone() for name, weight in expert_weights(ours).items()})
    return ours, theirs


def _dense(shape: Experts) -> FeedForward:
    """A layer without a choice, as wide as all that a token visits."""
    layer = FeedForward(DIM, (shape.active + shape.shared) * shape.width)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(0, 0.05, generator=generator)
    return layer


def _step(layer: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    weight = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))

    def run() -> None:
        layer(x).backward(weight)
        layer.zero_grad(set_to_none=True)
        x.grad = None

    return run


def _flops(shape: Experts) -> float:
    """Forward and backward: three times two operations a weight that a token meets."""
    met = 3 * (shape.active + shape.shared) * shape.width * DIM + shape.experts * DIM
    return 3 * 2 * TOKENS * met
