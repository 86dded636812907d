"""One run of one function on one case: what it returned, its gradients, and what else it did."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..checks.specification import Case
from .comparing import difference, far_apart, tensors_in
from .limits import OutOfTime

SEED = 20250120

OF_OTHERS = 0.3
"""A gradient is held against its own largest element, or this share of the largest of all gradients."""


@dataclass(frozen=True)
class Outcome:
    """What one run did.

    value: what it returned, cut from the graph. attached: for each tensor of it, whether a gradient can flow
    back.
    gradients: one for each argument that is a floating-point tensor; None where no gradient arrived.
    error: what it raised, or None. in_backward: whether that was on the way back.
    changed: the positions of the arguments that it changed. history: those among them whose numbers are as
    they were, but not the way on which a gradient goes back.
    random: whether it used a global source of random numbers.
    """

    value: Any = None
    attached: tuple[bool, ...] = ()
    gradients: tuple[Tensor | None, ...] = ()
    error: BaseException | None = None
    in_backward: bool = False
    changed: tuple[int, ...] = ()
    random: bool = False
    history: tuple[int, ...] = ()


def observe(function: Callable[..., Any], case: Case, gradients: bool) -> Outcome:
    """Run `function` on fresh arguments of the case. Only OutOfTime and KeyboardInterrupt get through."""
    torch.default_generator.manual_seed(SEED)  # torch.manual_seed would queue a call for every GPU
    originals = case.arguments()
    leaves, arguments = _differentiable(originals) if gradients else ([], originals)
    before = [_frozen(argument) for argument in arguments]
    histories = [_history(argument) for argument in arguments]
    dice = _dice()
    try:
        output = function(*arguments)
    except (KeyboardInterrupt, OutOfTime):
        raise
    except BaseException as error:  # also SystemExit: exit() in an answer ends the answer only
        return Outcome(error=error, random=_dice() != dice)
    other = {
        position
        for position, (old, argument) in enumerate(zip(before, arguments, strict=True))
        if not _unchanged(old, _frozen(argument))
    }
    history = tuple(
        position
        for position, (old, argument) in enumerate(zip(histories, arguments, strict=True))
        if position not in other and _history(argument) != old
    )
    changed = tuple(sorted(other.union(history)))
    attached = tuple(tensor.requires_grad for tensor in tensors_in(output))
    shaken = _dice() != dice
    try:
        back = _gradients(output, leaves)
    except Exception as error:
        return Outcome(_frozen(output), attached, (), error, True, changed, shaken, history)
    return Outcome(_frozen(output), attached, back, None, False, changed, shaken, history)


def same_gradients(got: Outcome, expected: Outcome) -> bool:
    """Whether all gradients agree, one that is missing counting as zero."""
    return first_wrong_gradient(got, expected) is None


def first_wrong_gradient(got: Outcome, expected: Outcome) -> int | None:
    """The first tensor argument whose gradient differs; None if all agree.

    A gradient that should vanish is held against the others, so that rounding is not taken for a signal.
    """
    if len(got.gradients) != len(expected.gradients):
        return 0
    sizes = [0.0 if g is None or not g.numel() else g.abs().max().item() for g in expected.gradients]
    overall = max(sizes, default=0.0)
    for position, (mine, theirs, size) in enumerate(
        zip(got.gradients, expected.gradients, sizes, strict=True)
    ):
        if mine is None and theirs is None:
            continue
        some = mine if mine is not None else theirs
        assert some is not None
        zero = torch.zeros_like(some)
        mine, theirs = zero if mine is None else mine, zero if theirs is None else theirs
        if bool(far_apart(mine, theirs, max(size, OF_OTHERS * overall)).any()):
            return position
    return None


def _differentiable(arguments: tuple[Any, ...]) -> tuple[list[Tensor], tuple[Any, ...]]:
    """Leaves that collect gradients, and the arguments made from them.

    The function gets copies of the leaves: PyTorch forbids a change in place of a leaf, and such a change is
    to be recognised by name, not by PyTorch's error.
    """
    leaves: list[Tensor] = []
    passed: list[Any] = []
    for argument in arguments:
        if isinstance(argument, Tensor) and argument.is_floating_point():
            leaves.append(argument.detach().clone().requires_grad_())
            argument = leaves[-1].clone()
        passed.append(argument)
    return leaves, tuple(passed)


def _gradients(output: Any, leaves: list[Tensor]) -> tuple[Tensor | None, ...]:
    """Gradients of a fixed weighted sum of all outputs. With equal weights, a softmax's would vanish."""
    roots = [tensor for tensor in tensors_in(output) if tensor.requires_grad and not tensor.is_complex()]
    if not roots or not leaves:
        return (None,) * len(leaves)
    total = torch.stack([(_weights(root) * root.double()).sum() for root in roots]).sum()
    return torch.autograd.grad(total, leaves, allow_unused=True)


def _weights(tensor: Tensor) -> Tensor:
    return torch.cos(1.7 * torch.arange(1, tensor.numel() + 1, dtype=torch.float64)).reshape(tensor.shape)


def _frozen(thing: Any) -> Any:
    """A copy that later changes do not reach; of a module, its parameters and buffers."""
    if isinstance(thing, Tensor):
        return thing.detach().clone()
    if isinstance(thing, nn.Module):
        return _frozen(dict(thing.state_dict()))
    if isinstance(thing, tuple):
        return tuple(_frozen(part) for part in thing)
    if isinstance(thing, list):
        return [_frozen(part) for part in thing]
    if isinstance(thing, dict):
        return {key: _frozen(part) for key, part in thing.items()}
    if isinstance(thing, np.ndarray):
        return thing.copy()
    return thing


def _history(argument: Any) -> list[tuple[bool, Any]]:
    """For each tensor of an argument, whether a gradient goes back through it, and where to."""
    return [(tensor.requires_grad, tensor.grad_fn) for tensor in tensors_in(argument)]


def _unchanged(old: Any, new: Any) -> bool:
    if isinstance(old, Tensor) and isinstance(new, Tensor):
        return old.shape == new.shape and old.dtype == new.dtype and bool(_identical(old, new).all())
    return difference(new, old) is None if isinstance(old, tuple | list | dict) else True


def _identical(old: Tensor, new: Tensor) -> Tensor:
    return (old == new) | (old.isnan() & new.isnan()) if old.is_floating_point() else old == new


def _dice() -> tuple[Any, ...]:
    """The state of every global source of random numbers, in a form that can be compared."""
    numpy_state = np.random.get_state()
    assert isinstance(numpy_state, tuple)
    return (
        torch.get_rng_state().numpy().tobytes(),
        numpy_state[1].tobytes(),
        numpy_state[2],
        random.getstate(),
    )
