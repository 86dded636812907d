"""The mistakes that every exercise can have, each with its sentence and what shows it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..checks.specification import Case
from .catalogue import Exercise
from .comparing import Difference, difference, tensors_in
from .handing_in import unwritten_piece
from .observing import Outcome, first_wrong_gradient
from .wording import (
    argument_names,
    beside,
    described,
    error_line,
    inputs,
    part_of_output,
    place_in_cell,
    shape,
)


@dataclass(frozen=True)
class Problem:
    """What is wrong on one case. kind: the mistake's name. where: the difference; None if values agree."""

    kind: str
    exercise: Exercise
    case: Case
    got: Outcome
    expected: Outcome
    where: Difference | None = None

    @property
    def values_right(self) -> bool:
        """Whether the values agree, so that the mistake lies elsewhere: in a gradient, for instance."""
        return self.where is None and (self.got.error is None or self.got.in_backward)


@dataclass(frozen=True)
class Told:
    """The mistake in words, and the lines that show it."""

    says: str
    details: list[str]


def first_problem(exercise: Exercise, case: Case, got: Outcome, expected: Outcome) -> Problem | None:
    """The first thing that is wrong with what a candidate did on a case, from the coarse to the subtle."""
    where = None if got.error and not got.in_backward else difference(got.value, expected.value)
    kind = _kind(exercise, got, expected, where)
    return Problem(kind, exercise, case, got, expected, where) if kind else None


def _kind(exercise: Exercise, got: Outcome, expected: Outcome, where: Difference | None) -> str | None:
    if got.error and not got.in_backward:
        if unwritten_piece(got.error) == exercise.function:
            return "unfinished"
        return "numpy_array" if "Can't call numpy() on Tensor" in str(got.error) else "raised"
    if got.random and not _may_be_random(exercise):
        return "global_randomness"
    if where:
        return where.kind
    if set(got.changed) - set(expected.changed):
        return "changed_input"
    if got.error:
        return "raised"
    if _cut_off(got, expected) is not None:
        return "detached"
    return None if first_wrong_gradient(got, expected) is None else "wrong_gradient"


def _may_be_random(exercise: Exercise) -> bool:
    return isinstance(exercise.reference, type)  # a layer draws its first weights


def _cut_off(got: Outcome, expected: Outcome) -> int | None:
    """The first tensor of the output that should carry a gradient and carries none."""
    if not expected.gradients:
        return None
    pairs = zip(got.attached, expected.attached, strict=True)
    return next((place for place, (mine, theirs) in enumerate(pairs) if theirs and not mine), None)


def kept_back_because(got: Any, expected: Any) -> str | None:
    """Why a right output is still not one that later lessons can use; None if it is."""
    doubles = [
        theirs.dtype != torch.float64 and mine.dtype == torch.float64
        for mine, theirs in zip(tensors_in(got), tensors_in(expected), strict=False)
    ]
    if any(doubles):
        return (
            "it returns float64, and later lessons compute in float32: return the dtype that you were given, "
            "and your library will use it"
        )
    if isinstance(expected, bool | int | float) and isinstance(got, Tensor | np.generic | np.ndarray):
        return (
            f"it returns {described(got)}, and later lessons want a plain number: end with `.item()`, and "
            "your library will use it"
        )
    return None


def explain(problem: Problem) -> Told:
    """The sentence and the details of one problem."""
    return _Explanation(problem).told()


class _Explanation:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.got, self.where = problem.got, problem.where
        self.name = f"`{problem.exercise.function}`"
        self.arguments = problem.case.arguments()
        self.names = argument_names(problem.exercise.check.expected, len(self.arguments))

    def told(self) -> Told:
        return Told(getattr(self, self.problem.kind)(), self._details())

    def _details(self) -> list[str]:
        lines = [f"With {self.problem.case.name}: {inputs(self.names, self.arguments)}"]
        if self.where:
            part = part_of_output(self.where.path)
            lines += [f"In {part}:"] if part else []
            return lines + beside(self.where.got, self.where.expected, self.where.index)
        if self.got.error:
            place = place_in_cell(self.got.error)
            return [*([place] if place else []), *lines]
        wrong = first_wrong_gradient(self.got, self.problem.expected)
        if self.problem.kind == "wrong_gradient" and wrong is not None:
            mine, theirs = (
                torch.zeros_like(self._leaves()[wrong]) if gradient is None else gradient
                for gradient in (self.got.gradients[wrong], self.problem.expected.gradients[wrong])
            )
            found = difference(mine, theirs)
            lines.append(f"The gradient with respect to {self._leaf_name(wrong)}:")
            lines += beside(mine, theirs, found.index if found else None)
        return lines

    def _leaves(self) -> list[Tensor]:
        return [a for a in self.arguments if isinstance(a, Tensor) and a.is_floating_point()]

    def _leaf_name(self, place: int) -> str:
        floats = [
            name
            for name, argument in zip(self.names, self.arguments, strict=True)
            if isinstance(argument, Tensor) and argument.is_floating_point()
        ]
        return f"`{floats[place]}`"

    def returned_nothing(self) -> str:
        return f"{self.name} returns nothing. Is there a `return` at its end?"

    def numpy_array(self) -> str:
        return f"{self.name} goes through NumPy, where no gradient can follow. Stay with PyTorch's tensors"

    def not_a_tensor(self) -> str:
        assert self.where
        return f"{self.name} returns {described(self.where.got)}, and not a tensor"

    def wrong_place(self) -> str:
        assert self.where
        got = self.where.got
        found = got.device if got.device.type != "cpu" else str(got.layout).removeprefix("torch.")
        return f"{self.name} returns a tensor that is {found}, and should return an ordinary one on the CPU"

    def wrong_shape(self) -> str:
        assert self.where
        got, expected = self.where.got, self.where.expected
        if isinstance(got, Tensor) and isinstance(expected, Tensor):
            part = part_of_output(self.where.path) or "the result"
            return f"{part} has the shape {shape(got)}, and should have {shape(expected)}"
        return f"{self.name} returns {described(got)}, and should return {described(expected)}"

    def wrong_dtype(self) -> str:
        assert self.where
        got, expected = self.where.got, self.where.expected
        if isinstance(got, Tensor) and isinstance(expected, Tensor):
            part = part_of_output(self.where.path) or "the result"
            mine, theirs = (str(tensor.dtype).removeprefix("torch.") for tensor in (got, expected))
            return f"{part} is of dtype {mine}, and should be {theirs}"
        return f"{self.name} returns {described(got)}, and should return {described(expected)}"

    def nan(self) -> str:
        return "there is NaN (not a number) in the result: 0/0, or infinity minus infinity"

    def wrong_value(self) -> str:
        return (
            "the shape is right, the numbers are not"
            if self.where and self.where.index
            else "the result is another"
        )

    def changed_input(self) -> str:
        (place, *_) = sorted(set(self.got.changed) - set(self.problem.expected.changed))
        name = f"`{self.names[place]}`"
        if place in self.got.history:
            return (
                f"it changes how a gradient goes back through its argument {name}, and the caller may still "
                "need that. Methods that end in `_`, such as `detach_()`, change the tensor itself; those "
                "without, such as `detach()`, give a new one"
            )
        return f"it changes its argument {name}, which the caller may still need. Work on a new tensor"

    def global_randomness(self) -> str:
        passed = [
            name
            for name, argument in zip(self.names, self.arguments, strict=True)
            if isinstance(argument, torch.Generator)
        ]
        source = f"`{passed[0]}`" if passed else "a `torch.Generator` of your own, set to a seed"
        return (
            "it uses the global source of random numbers, so that later results change. If it has to draw, "
            f"let it draw from {source}"
        )

    def detached(self) -> str:
        place = _cut_off(self.got, self.problem.expected)
        part = part_of_output((place,)) if place is not None and len(self.got.attached) > 1 else "the result"
        return (
            f"the numbers are right, but no gradient flows back from {part}. Is there a detach(), item(), "
            "no_grad() or torch.tensor(...) on the way?"
        )

    def wrong_gradient(self) -> str:
        place = first_wrong_gradient(self.got, self.problem.expected)
        return f"the numbers are right, but the gradient with respect to {self._leaf_name(place or 0)} is not"

    def unfinished(self) -> str:
        return (
            "the scaffold's `raise NotImplementedError(...)` is still there, and stops it. Take that line out"
        )

    def raised(self) -> str:
        error = self.got.error
        assert error is not None
        other = unwritten_piece(error)
        if other:
            return f"it calls your `{other}`, which is not written yet. Your library `mine` has one on loan"
        if self.got.in_backward:
            return f"the numbers are right, but the way back fails: {error_line(error)}"
        return f"{self.name} stops with {error_line(error)}"
