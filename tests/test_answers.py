"""The answers in tests/answers/: right ones pass, and each wrong one fails with its own message."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from pocketr1.workbook.catalogue import Exercise, exercises
from pocketr1.workbook.comparing import same
from pocketr1.workbook.examination import examine
from pocketr1.workbook.observing import observe

FOLDER = Path(__file__).parent / "answers"
EXERCISES = {exercise.name: exercise for exercise in exercises()}


def _load(module: str) -> ModuleType:
    path = FOLDER / f"{module}.py"
    specification = importlib.util.spec_from_file_location(f"answers_to_{module}", path)
    assert specification is not None and specification.loader is not None
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


ANSWERS = {path.stem: _load(path.stem) for path in sorted(FOLDER.glob("*.py"))}
RIGHT = [
    pytest.param(exercise, answer, id=f"{exercise.name}-{place}-{getattr(answer, '__name__', 'callable')}")
    for exercise in EXERCISES.values()
    for place, answer in enumerate(
        getattr(ANSWERS.get(exercise.module), "RIGHT", {}).get(exercise.function, [])
    )
]
WRONG = [
    pytest.param(exercise, mistake, answer, id=f"{exercise.name}-{mistake}-{place}")
    for exercise in EXERCISES.values()
    for mistake, answers in getattr(ANSWERS.get(exercise.module), "WRONG", {})
    .get(exercise.function, {})
    .items()
    for place, answer in enumerate(answers)
]
ALL = [pytest.param(exercise, id=name) for name, exercise in EXERCISES.items()]


def _wrong_answers(exercise: Exercise) -> dict[str, list[Callable[..., Any]]]:
    return ANSWERS[exercise.module].WRONG[exercise.function]


@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_right_answer_passes(exercise: Exercise, answer: Callable[..., Any]) -> None:
    verdict = examine(exercise.name, answer)
    assert verdict.status == "right", verdict.message
    assert verdict.mistake is None


@pytest.mark.parametrize(("exercise", "mistake", "answer"), WRONG)
def test_wrong_answer_is_named(exercise: Exercise, mistake: str, answer: Callable[..., Any]) -> None:
    verdict = examine(exercise.name, answer)
    assert (verdict.status, verdict.mistake) == ("not yet", mistake), verdict.message
    first = verdict.message.partition("\n")[0]
    named = {known.name: known.says for known in exercise.check.mistakes}
    assert first.startswith("✗ Not yet: ")
    assert named.get(mistake, "") in first


@pytest.mark.parametrize("exercise", ALL)
def test_there_are_enough_answers(exercise: Exercise) -> None:
    answers = ANSWERS[exercise.module]
    assert len(answers.RIGHT[exercise.function]) >= 3
    wrong = _wrong_answers(exercise)
    assert len(wrong) >= 5
    instances = 2 if exercise.entry.core else 1
    assert [name for name, given in wrong.items() if len(given) < instances] == []


@pytest.mark.parametrize("exercise", ALL)
def test_every_mistake_has_an_answer_that_makes_it(exercise: Exercise) -> None:
    names = [mistake.name for mistake in exercise.check.mistakes]
    assert len(names) == len(set(names))
    assert set(names) <= set(_wrong_answers(exercise))


@pytest.mark.parametrize("exercise", ALL)
def test_scaffold_is_not_attempted(exercise: Exercise) -> None:
    verdict = examine(exercise.name, exercise.stub)
    assert (verdict.status, verdict.mistake) == ("not attempted", None)


@pytest.mark.parametrize("exercise", ALL)
def test_reference_is_right(exercise: Exercise) -> None:
    verdict = examine(exercise.name, exercise.reference)
    assert verdict.status == "right", verdict.message
    assert verdict.kept_back is None


@pytest.mark.parametrize("exercise", ALL)
def test_mistakes_differ_from_what_is_expected_and_from_one_another(exercise: Exercise) -> None:
    check = exercise.check
    expected = [observe(check.expected, case, check.gradients) for case in check.cases]
    for mistake in check.mistakes:
        wrong = [observe(mistake.answer, case, check.gradients) for case in check.cases]
        assert any(not _alike(one, other) for one, other in zip(wrong, expected, strict=True)), mistake.name


def _alike(one: Any, other: Any) -> bool:
    return one.error is None and same(one.value, other.value) and _gradients_alike(one, other)


def _gradients_alike(one: Any, other: Any) -> bool:
    pairs = zip(one.gradients, other.gradients, strict=True)
    return all(
        (mine is None and theirs is None)
        or same(*(torch.zeros(()) if g is None else g for g in (mine, theirs)))
        for mine, theirs in pairs
    )


def _each_tensor(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    """A change of a whole output, from a change of each number or tensor in it."""

    def changed(output: Any) -> Any:
        if isinstance(output, tuple | list):
            return tuple(changed(part) for part in output)
        if isinstance(output, dict):
            return {key: changed(part) for key, part in output.items()}
        if isinstance(output, Tensor):
            return change(output)
        if isinstance(output, str):
            return ""
        return type(output)(change(torch.tensor(output)).item())

    return changed


def _opposite(tensor: Tensor) -> Tensor:
    return ~tensor if tensor.dtype == torch.bool else -tensor


def _zero(tensor: Tensor) -> Tensor:
    return 0 * tensor if tensor.is_floating_point() else torch.zeros_like(tensor)


CHANGES = {
    "zero": _each_tensor(_zero),
    "sign-flipped": _each_tensor(_opposite),
    "doubled": _each_tensor(lambda tensor: 2 * tensor if tensor.dtype != torch.bool else tensor),
    "detached": _each_tensor(lambda tensor: tensor.detach()),
}


def _with_output(reference: Any, change: Callable[[Any], Any]) -> Any:
    """The reference, with its output changed: a function's result, or that of the one method of a class."""
    if isinstance(reference, type):
        (name,) = (
            name for name, member in vars(reference).items() if not name.startswith("_") and callable(member)
        )
        method = getattr(reference, name)
        return type(
            reference.__name__,
            (reference,),
            {name: lambda self, *inputs, **named: change(method(self, *inputs, **named))},
        )
    return lambda *inputs, **named: change(reference(*inputs, **named))


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("exercise", ALL)
def test_changed_output_is_refused(exercise: Exercise, name: str) -> None:
    check, change = exercise.check, CHANGES[name]
    outcomes = [observe(check.expected, case, check.gradients) for case in check.cases]
    if name == "detached":
        if not any(any(outcome.attached) for outcome in outcomes):
            pytest.skip("no gradient to lose")
    elif all(same(change(outcome.value), outcome.value) for outcome in outcomes):
        pytest.skip("the output stays the same")
    verdict = examine(exercise.name, _with_output(exercise.reference, change))
    assert verdict.status == "not yet", verdict.message
    assert verdict.mistake != "check_failed"


def test_a_call_of_an_expert_for_each_visit_is_right_and_told_to_be_slow() -> None:
    verdict = examine("moe.dispatch_combine", ANSWERS["moe"].combine_token_by_token)
    assert verdict.status == "right"
    assert verdict.kept_back is not None and "times as long" in verdict.kept_back
