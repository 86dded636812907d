"""The mistakes that every exercise can have, each with its sentence and what shows it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..checks.specification import Case, call_directly
from .catalogue import Exercise, find_exercise
from .comparing import Difference, difference, tensors_in
from .handing_in import unwritten_piece
from .journal import read_book
from .observing import Outcome, first_wrong_gradient
from .wording import (
    argument_names,
    beside,
    described,
    ended,
    error_line,
    inputs,
    part_of_output,
    place_in_cell,
    shape,
)

RETURNED = "returned"
"""What a check that watches an answer calls that which the answer returned."""

RETURNS_SEVERAL = (
    "What was called there returns two things: take them apart, `output, weights = ...`, and go on with one"
)
PLAIN_NUMBER = "For a plain number there is the module `math`, and `** 0.5`"
WHOLE_LENGTHS = "A length is a whole number, and `/` makes a float of two: `//` gives the whole number"
WHOLE_PLACES = "A place is a whole number, and `/` makes floats: `//` gives whole numbers"

HINTS = {
    "bincount(): argument 'weights'": (
        "The first argument of `bincount` are weights. How many counts there should be is given by name,"
        " `minlength=...`"
    ),
    "'tuple' object has no attribute": RETURNS_SEVERAL,
    "einops <class 'tuple'>": RETURNS_SEVERAL,
    "argument 'input' (position 1) must be Tensor, not tuple": RETURNS_SEVERAL,
    "not enough values to unpack": (
        "In a pattern of einops the arrow is `->`. In an assignment, there are more names on the left than"
        " things on the right"
    ),
    "Could not infer sizes for": (
        "Of an axis that is cut in two, einops must be told one length: `head=heads`, after the pattern"
    ),
    "is not used in transform": (
        "What stands before the `=` is the name of an axis in the pattern, as `head` in `head=heads`"
    ),
    "Identifiers only on one side of expression": (
        "An axis has one name on both sides of the arrow: `head` and `heads` are two"
    ),
    "type must be tuple of ints,but got float": WHOLE_LENGTHS,
    "must be tuple of ints, not float": WHOLE_LENGTHS,
    "must be int, not float": WHOLE_LENGTHS,
    "tensors used as indices must be": WHOLE_PLACES,
    "Expected dtype int32": WHOLE_PLACES,
    "must match the size of tensor b": (
        "Shapes are lined up from their last axes, which must be equally long, or 1. To multiply [n] with"
        " [n, dim], give the first a last axis: `unsqueeze(-1)`"
    ),
    "match the broadcast shape": (
        "What is added does not have the shape of the place that it goes to. Were [n] and [n, dim]"
        " multiplied? Then give the first a last axis: `unsqueeze(-1)`"
    ),
    "sort() takes from": (
        "With `stable`, all is given by name: `sort(dim=-1, descending=True, stable=True)`"
    ),
    "cannot assign to field": (
        "A configuration cannot be changed. `replace(experts, active=5)` makes a new one with another field"
    ),
    "source tensor shape must match self": (
        "What is added must have one row of the right length for each place. Were [n] and [n, dim]"
        " multiplied? Then give the first a last axis: `unsqueeze(-1)`"
    ),
    "mean(): could not infer output dtype": (
        "PyTorch takes no mean of whole numbers, as it need not be one: make them floats, `.float()`"
    ),
    "derivative for aten::floor_divide": (
        "`//` rounds down to a whole number, which has no gradient: write `/`"
    ),
    "return_types.": (
        "With a `dim`, `max`, `min`, `sort` and the like return a pair, values and indices. Take `.values`"
        " of it, or use `amax` or `amin`"
    ),
    "Index tensor must have the same number of dimensions": (
        "`gather` wants an index with as many axes as the table that it reads: give the index a last axis"
        " with `unsqueeze(-1)`, and take it away from the result with `squeeze(-1)`"
    ),
    "NoneType": "Something is None there. An argument that may be left out is None when it is",
    "shapes cannot be multiplied": (
        "In `a @ b`, the last axis of `a` must be as long as the last axis but one of `b`; a linear layer"
        " wants the length that it was made for"
    ),
    "argument 'input' (position 1) must be Tensor, not int": PLAIN_NUMBER,
    "argument 'input' (position 1) must be Tensor, not float": PLAIN_NUMBER,
    "Boolean value of Tensor with more than one": (
        "`if` wants a single True or False. Whether an argument was given is asked with `is not None`"
    ),
    "The shape of the mask": (
        "Indexing does not stretch a mask to the shape of the scores; `masked_fill` and `torch.where` do"
    ),
}
"""What some words of an error mean for somebody who meets it for the first time."""


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
    if isinstance(expected, tuple) and isinstance(got, tuple):
        parts = (kept_back_because(mine, theirs) for mine, theirs in zip(got, expected, strict=False))
        return next((because for because in parts if because), None)
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
            part = self.part
            if self.reported and self.where.path[:1] == (RETURNED,):
                part = f"{part} of what it returned" if part else "what it returned"
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

    @property
    def reported(self) -> bool:
        """Whether the output is what the check made of it: parts with names that the learner never wrote."""
        return self.problem.exercise.check.call is not call_directly

    @property
    def path(self) -> tuple[Any, ...]:
        """Where the outputs differ, seen from what the answer returned."""
        path = self.where.path if self.where else ()
        return path[1:] if self.reported and path[:1] == (RETURNED,) else path

    @property
    def part(self) -> str:
        """The part of the output that is meant, in words; empty for what was returned as a whole."""
        whole = self.where.path if self.where else ()
        if self.reported and whole and isinstance(whole[0], str) and whole[0] != RETURNED:
            return f"the {whole[0]}"
        return part_of_output(self.path)

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
        if self.path:
            return f"{self._what_came()} is None. Was its name left out, or mistyped, after `return`?"
        return f"{self.name} returns nothing. Is there a `return` at its end?"

    def numpy_array(self) -> str:
        expected = self.where.expected if self.where else None
        if isinstance(expected, Tensor) and not expected.is_floating_point():
            return (
                f"{self._what_came()} is a NumPy array; a PyTorch tensor is asked for. Make it with `torch`"
            )
        return f"{self.name} goes through NumPy, where no gradient can follow. Stay with PyTorch's tensors"

    def not_a_tensor(self) -> str:
        assert self.where
        got = self.where.got
        return f"{self._what_came()} is {described(got)}, and not a tensor" + _towards_a_tensor(got)

    def _what_came(self) -> str:
        """The part of the output that is meant, to begin a sentence with."""
        return f"{self.part} of {self.name}" if self.part else f"what {self.name} returns"

    def wrong_place(self) -> str:
        assert self.where
        got = self.where.got
        found = got.device if got.device.type != "cpu" else str(got.layout).removeprefix("torch.")
        return f"{self.name} returns a tensor that is {found}, and should return an ordinary one on the CPU"

    def wrong_shape(self) -> str:
        assert self.where
        got, expected = self.where.got, self.where.expected
        if isinstance(got, Tensor) and isinstance(expected, tuple | list) and not self.path:
            first = difference(got, expected[0]) is None
            parts = ", ".join(described(part) for part in expected)
            missing = f"{self.name} returns one tensor, and should return {len(expected)}: {parts}"
            return missing + (". Yours is the first of them, and it is right" if first else "")
        if isinstance(got, Tensor) and isinstance(expected, Tensor):
            part = self.part or "the result"
            return f"{part} has the shape {shape(got)}, and should have {shape(expected)}"
        if isinstance(got, dict) and isinstance(expected, dict):
            return f"{self._what_came()} is a dictionary {_other_keys(got, expected)}"
        return f"{self.name} returns {described(got)}, and should return {described(expected)}"

    def wrong_dtype(self) -> str:
        assert self.where
        got, expected = self.where.got, self.where.expected
        if isinstance(got, Tensor) and isinstance(expected, Tensor):
            part = self.part or "the result"
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
            return _about_unwritten(other)
        if self.got.in_backward:
            return f"the numbers are right, but the way back fails: {error_line(error)}"
        return " ".join([f"{self.name} stops with {ended(error_line(error))}", *self._hints(error)])

    def _hints(self, error: BaseException) -> list[str]:
        """What may help with this error."""
        stored = getattr(getattr(self.problem.exercise.reference, "__init__", None), "__code__", None)
        if isinstance(error, NameError) and stored and error.name in stored.co_names:
            return [f"What `__init__` stored belongs to the layer: write `self.{error.name}`."]
        return [ended(hint) for words, hint in HINTS.items() if words in error_line(error)][:1]


def _about_unwritten(name: str) -> str:
    """What to do where an answer calls a scaffold: whose piece the library has, and how to call that."""
    exercise = find_exercise(name)
    if exercise is None:
        return f"it calls your `{name}`, which is not written yet"
    book = read_book()
    there = f"write `{exercise.module}.{name}` (`from mine import {exercise.module}` gives it)"
    if book.is_yours(exercise.name):
        own = f"it calls the scaffold of `{name}`. Your own `{name}` is in the library"
        return f"{own}: {there}, or run the cell of `{name}`"
    if book.status(exercise.name) == "right":
        return f"it calls the scaffold of `{name}`. Run the cell of your own `{name}`"
    return f"it calls your `{name}`, which is not written yet. Your library `mine` has one on loan: {there}"


def _other_keys(got: dict[Any, Any], expected: dict[Any, Any]) -> str:
    """Which keys are missing, and which nobody asked for."""
    lists = {
        "without": [key for key in expected if key not in got],
        "with, unasked,": [key for key in got if key not in expected],
    }
    return " and ".join(f"{says} {', '.join(map(repr, keys))}" for says, keys in lists.items() if keys)


def _towards_a_tensor(got: Any) -> str:
    """How the tensor comes out of what was returned, if several were."""
    if not isinstance(got, tuple | list) or not got or not all(isinstance(part, Tensor) for part in got):
        return ""
    shapes = {(part.shape, part.dtype) for part in got}
    if len(got) == 2 and got[0].shape == got[1].shape and got[1].dtype == torch.int64 and len(shapes) == 2:
        return ". With a `dim`, `max` and the like return values and indices: take `.values`"
    return ". `torch.stack` makes one tensor of several" if len(shapes) == 1 else ""
