"""Next-token training: a schedule, clipped gradients, records to watch, checkpoints to go on from.

Every step draws its batch from its own number and the seed, so a stage that was interrupted goes on from its
last checkpoint as if nothing had happened, bit for bit on the same machine. Training yields records and
prints nothing.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from . import checkpoints
from .configuration import PADDING
from .deepseekmoe import balance_loss
from .transformer import next_token_loss

Batch = tuple[Tensor, Tensor]
"""Tokens [batch, seq] and a mask [batch, seq], True at the tokens that are to be predicted."""

LossOf = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""What is to be made small: a scalar from the model, tokens and mask of a batch."""


@dataclass(frozen=True)
class Plan:
    """How long, how fast and how carefully to train."""

    steps: int
    learning_rate: float = 3e-3
    warmup: int = 50
    final_share: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0


@dataclass(frozen=True)
class Record:
    """One step: the loss before the update, the rate, the gradient's norm before clipping, and how many
    tokens were gone over, padding not counted."""

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int


class Diverged(RuntimeError):
    """The loss is not a number any more; the message says what to try."""


def learning_rate_at(step: int, plan: Plan) -> float:
    """Linear warm-up, then a cosine from the full learning rate down to `final_share` of it."""
    if step < plan.warmup:
        return plan.learning_rate * (step + 1) / plan.warmup
    progress = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    cosine = (1 + math.cos(math.pi * min(progress, 1.0))) / 2
    return plan.learning_rate * (plan.final_share + (1 - plan.final_share) * cosine)


def make_optimizer(model: nn.Module, learning_rate: float, weight_decay: float = 0.0) -> torch.optim.AdamW:
    """AdamW; matrices decay, gains and biases do not."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95), foreach=True)


def update(
    model: nn.Module, optimizer: torch.optim.Optimizer, losses: Iterable[Tensor], clip: float, step: int
) -> float:
    """One clipped step down the gradient of the sum of `losses`; returns the gradient's norm. A loss that is
    NaN stops the training. Experts that are balanced without a gradient are balanced then.

    Each loss is asked for after the gradient of the one before was added and its graph was given up. So a
    batch in portions takes the memory of one portion (gradient accumulation).
    """
    optimizer.zero_grad(set_to_none=True)
    for loss in losses:
        if not torch.isfinite(loss):
            raise Diverged(
                f"the loss is {loss.item()} at step {step}. Try a smaller learning rate, a longer warm-up, "
                "or look for a division by zero or a row that may look at nothing in what you wrote."
            )
        loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    _balance(model)
    return float(norm)


def of_next_tokens(model: nn.Module, tokens: Tensor, mask: Tensor) -> Tensor:
    """The usual loss: how surprised the model is by the next tokens."""
    return next_token_loss(model(tokens), tokens, mask)


def train(
    model: nn.Module,
    batch_at: Callable[[int], Batch],
    plan: Plan,
    checkpoint: Path | None = None,
    save_every: int = 200,
    loss_of: LossOf = of_next_tokens,
) -> Iterator[Record]:
    """Train `model` in place, on next tokens unless another loss is given; yields one record a step.

    `batch_at(step)` makes the batch of a step. With a `checkpoint`, the state is kept there every
    `save_every` steps and training goes on from it; one that belongs to another plan is refused. Raises
    Diverged when the loss is not finite.
    """
    optimizer = make_optimizer(model, plan.learning_rate, plan.weight_decay)
    start = _resume(checkpoint, model, optimizer, plan) if checkpoint and checkpoint.exists() else 0
    for step in range(start, plan.steps):
        rate = learning_rate_at(step, plan)
        for group in optimizer.param_groups:
            group["lr"] = rate
        tokens, mask = batch_at(step)
        loss = loss_of(model, tokens, mask)
        norm = update(model, optimizer, [loss + balance_loss(model)], plan.clip, step)
        yield Record(step, loss.item(), rate, norm, int((tokens != PADDING).sum()))
        if checkpoint and ((step + 1) % save_every == 0 or step + 1 == plan.steps):
            _keep(checkpoint, model, optimizer, plan, step + 1)


def _balance(model: nn.Module) -> None:
    """Let every part that balances its load without a gradient do so (see deepseekmoe)."""
    for part in model.modules():
        balance = getattr(part, "balance", None)
        if callable(balance):
            balance()


def _keep(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, plan: Plan, step: int) -> None:
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    for parameter, state in optimizer.state.items():
        tensors |= {f"optimizer.{key}.{names[parameter]}": value for key, value in state.items()}
    checkpoints.save(path, tensors, {"step": step, "plan": asdict(plan)})


def _resume(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, plan: Plan) -> int:
    tensors, about = checkpoints.load(path)
    if about.get("plan") != asdict(plan):
        raise checkpoints.CheckpointError(f"{path} belongs to another plan; remove it to start again")
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    for name, parameter in model.named_parameters():
        optimizer.state[parameter] = {
            key: tensors[f"optimizer.{key}.{name}"]
            for key in ("step", "exp_avg", "exp_avg_sq")
            if f"optimizer.{key}.{name}" in tensors
        }
    return int(about["step"])


Item = TypeVar("Item")


def with_progress(records: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Pass records through behind a progress bar, which keeps quiet in continuous integration."""
    yield from tqdm(records, total=total, desc=label, leave=False, disable=bool(os.environ.get("CI")))
