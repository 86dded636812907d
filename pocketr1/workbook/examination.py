"""Whether an answer to an exercise is right, and if it is not, which mistake it makes.

`examine` runs the answer on every case of the exercise's check and compares values and gradients with those
of the check's reference. A mistake is recognised by what the answer computes, never by how it is written:
where it agrees with a known wrong answer, that mistake is named. Everything else is met with a sentence of
its own (`explaining`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..checks.specification import Case, Check, Mistake
from .catalogue import Exercise, find_exercise
from .comparing import same, tensors_in
from .explaining import Problem, explain, first_problem, kept_back_because
from .handing_in import not_callable, renamed_parameter, untouched, wrong_parameters
from .limits import CPU_SECONDS, OutOfTime, preserved, run_limited
from .noting import helpers_of, notes_on_prints, notes_on_warnings, notes_on_what_it_reads
from .observing import Outcome, observe, same_gradients
from .timing import times_as_long
from .wording import ended, error_line, indented, sentence

RIGHT, NOT_YET, NOT_ATTEMPTED = "right", "not yet", "not attempted"
SIGNS = {RIGHT: "✓ Right", NOT_YET: "✗ Not yet", NOT_ATTEMPTED: "○ Not attempted"}


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    status: "right", "not yet" or "not attempted". mistake: a short stable name, or None. message: what a
    learner reads. kept_back: why the library keeps to the reference although the answer is right; None if it
    takes the answer.
    """

    status: str
    mistake: str | None
    message: str
    kept_back: str | None = None


def examine(name: str, candidate: Any) -> Verdict:
    """Examine an answer to the exercise called `name` ("attention.scores", or "scores").

    Never raises, but for the learner's own KeyboardInterrupt. Leaves random state, grad mode, default dtype,
    number of threads and the standard streams as it found them.
    """
    exercise = find_exercise(name) if isinstance(name, str) else None
    if exercise is None:
        return not_yet("unknown_exercise", f"there is no exercise called {name!r}")
    try:
        with preserved() as overheard:
            verdict = judge(exercise, candidate)
        notes = [] if verdict.status == NOT_ATTEMPTED else notes_on_prints(overheard)
        if verdict.status == NOT_YET:
            named = {mistake.name for mistake in exercise.check.mistakes}
            notes += [] if verdict.mistake in named else notes_on_warnings(overheard)
            notes += notes_on_what_it_reads(candidate)
            notes += notes_on_helpers(exercise, candidate)
        return with_notes(verdict, notes)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        says = f"the check itself stopped with {error_line(error)}. That is the course's fault, not yours"
        return not_yet("check_failed", says)


def not_yet(mistake: str, says: str, details: list[str] | None = None) -> Verdict:
    """The verdict on a wrong answer: the mistake in words, and below it what shows it."""
    lines = [f"{SIGNS[NOT_YET]}: {ended(says)}", *([indented(details)] if details else [])]
    return Verdict(NOT_YET, mistake, "\n".join(lines))


def with_notes(verdict: Verdict, notes: list[str]) -> Verdict:
    """The verdict, with sentences below it."""
    return replace(verdict, message="\n".join([verdict.message, *([indented(notes)] if notes else [])]))


def notes_on_helpers(exercise: Exercise, candidate: Any) -> list[str]:
    """A sentence for each answer to another exercise that this one calls and that is not right itself."""
    notes = []
    for name, helper in helpers_of(exercise, candidate).items():
        other = find_exercise(name)
        assert other is not None
        with preserved():
            status = judge(other, helper).status
        if status == NOT_YET:
            notes.append(f"It calls your own `{name}`, which is not right yet: check({name}) says why.")
    return notes


def judge(exercise: Exercise, candidate: Any) -> Verdict:
    """The verdict, without notes on what the answer printed or read. Call it inside `preserved()`."""
    wrong_kind = not_callable(exercise, candidate)
    if wrong_kind:
        return not_yet("not_a_function", wrong_kind)
    if untouched(exercise, candidate):
        return _not_attempted(exercise)
    wrong_call = wrong_parameters(exercise, candidate)
    if wrong_call:
        return not_yet("missing_argument", wrong_call)
    return _Examination(exercise, candidate).verdict()


class _Examination:
    """The runs of one candidate on all cases, and what follows from them."""

    def __init__(self, exercise: Exercise, candidate: Callable[..., Any]) -> None:
        self.exercise = exercise
        self.check: Check = exercise.check
        self.candidate = partial(self.check.call, candidate)
        self.handed_in = candidate
        self.expected = [self._observe(self.check.expected, case) for case in self.check.cases]
        self.outcomes: list[Outcome] = []

    def verdict(self) -> Verdict:
        late = self._run()
        problems = [
            first_problem(self.exercise, case, got, expected)
            for case, got, expected in zip(self.check.cases, self.outcomes, self.expected, strict=False)
        ]
        found = [problem for problem in problems if problem is not None]
        if found:
            return self._diagnosis(found)
        if late:
            return self._too_slow(self.check.cases[len(self.outcomes)])
        return self._changes_between_calls() or self._right()

    def _observe(self, function: Callable[..., Any], case: Case) -> Outcome:
        return observe(function, case, self.check.gradients)

    def _run(self) -> bool:
        """Fill `outcomes`, one a case; True if the time ran out before the last."""

        def all_cases() -> None:
            for case in self.check.cases:
                self.outcomes.append(self._observe(self.candidate, case))

        try:
            run_limited(all_cases)
        except OutOfTime:
            return True
        return False

    def _diagnosis(self, problems: list[Problem]) -> Verdict:
        unfinished = next((problem for problem in problems if problem.kind == "unfinished"), None)
        if unfinished:
            return self._told(unfinished)
        named = self._named(problems)
        if named:
            return not_yet(named.name, named.says, explain(_shown(problems)).details)
        if self._fits_one_size(problems):
            return self._only_one_size(problems[0])
        return self._told(_shown(problems))

    def _told(self, problem: Problem) -> Verdict:
        told = explain(problem)
        return not_yet(problem.kind, told.says, told.details)

    def _named(self, problems: list[Problem]) -> Mistake | None:
        """The known mistake that agrees with the candidate on every case that it got through.

        Failing that, one that agrees with it wherever it is wrong: a mistake may be made in part. Of several
        such, the one that agrees with it most often, if there is one.
        """
        failing = [problem.case for problem in problems]
        in_part: list[tuple[int, Mistake]] = []
        for mistake in self.check.mistakes:
            wrong = [self._observe(mistake.answer, case) for case in self.check.cases[: len(self.outcomes)]]
            runs = list(zip(self.check.cases, self.outcomes, wrong, self.expected, strict=False))
            alike = [_has_value(got) for _, got, made, _ in runs if _agree(got, made)]
            if not any(alike):
                continue  # that both raise errors is no likeness
            if len(alike) == len(runs):
                return mistake
            wherever_it_fails = [run for run in runs if run[0] in failing]
            shown = any(_has_value(got) for _, got, _, _ in wherever_it_fails)
            if shown and all(
                _agree(got, made) and not _agree(made, right) for _, got, made, right in wherever_it_fails
            ):
                in_part.append((len(alike), mistake))
        most = max((often for often, _ in in_part), default=0)
        likeliest = [mistake for often, mistake in in_part if often == most]
        return likeliest[0] if len(likeliest) == 1 else None

    def _fits_one_size(self, problems: list[Problem]) -> bool:
        """Right for one set of sizes and wrong for all others with as many axes.

        A single token, or a single head, is right for many reasons. So an error or a wrong shape counts only
        if a length of the right case shows in it, and wrong numbers only if the right case is larger than one
        along all axes.
        """
        failing = [problem.case for problem in problems]
        right = {_sizes(case) for case in self.check.cases[: len(self.outcomes)] if case not in failing}
        wrong = {_sizes(case) for case in failing}
        if len(right) != 1 or right & wrong:
            return False
        (fits,) = right
        others = [
            sizes for sizes in wrong if [len(shape) for shape in sizes] == [len(shape) for shape in fits]
        ]
        loud = [problem for problem in problems if problem.kind in ("raised", "wrong_shape")]
        if loud:
            return bool(others) and any(_shows_a_length_of(fits, problem) for problem in loud)
        no_single = all(size > 1 for shape in fits for size in shape)
        return len(others) > 1 and no_single and problems[0].kind == "wrong_value"

    def _only_one_size(self, problem: Problem) -> Verdict:
        says = "right for one size only. Is a number written where a shape belongs?"
        told = explain(problem)
        first = [] if problem.kind in ("wrong_value", "wrong_shape") else [told.says]
        return not_yet("only_one_size", says, first + told.details)

    def _too_slow(self, case: Case) -> Verdict:
        name = self.exercise.function
        says = f"`{name}` was stopped after {CPU_SECONDS:.0f} seconds. Is there a loop that never ends?"
        return not_yet("too_slow", says, [f"With {case.name}."])

    def _changes_between_calls(self) -> Verdict | None:
        """Run the first case again, now without gradients, as models write: nothing may depend on that."""
        case, before = self.check.cases[0], self.outcomes[0]
        try:
            with torch.no_grad():
                again = run_limited(lambda: observe(self.candidate, case, gradients=False))
        except OutOfTime:
            return self._too_slow(case)
        if again.error is not None:
            says = f"`{self.exercise.function}` works once, but then, without gradients, stops with "
            return not_yet("raised", says + error_line(again.error), [f"With {case.name}."])
        if same(again.value, before.value):
            return None
        says = "a second call with the same arguments gives another result. Does it remember the first one?"
        return not_yet("changes_between_calls", says, [f"With {case.name}."])

    def _right(self) -> Verdict:
        because = self._kept_back()
        message = f"{SIGNS[RIGHT]}. {sentence(self.check.why)}"
        if because:
            message += "\n" + indented([sentence(because)])
        return Verdict(RIGHT, None, message, because)

    def _kept_back(self) -> str | None:
        name = renamed_parameter(self.exercise, self.handed_in)
        if name:
            return (
                f"later lessons may pass `{name}=...`, which your version does not take in that place: name "
                "the parameters as the scaffold does, and your library will use it"
            )
        for got, expected in zip(self.outcomes, self.expected, strict=True):
            because = kept_back_because(got.value, expected.value)
            if because:
                return because
        case = max(self.check.cases, key=_elements)
        times = times_as_long(self.candidate, partial(self.check.call, self.exercise.reference), case)
        if times is None:
            return None
        return (
            f"it takes about {times:.0f} times as long as the course's own, with {case.name}. So that later "
            f"lessons stay quick, `mine` takes it only if you type keep({self.exercise.function})"
        )


def _not_attempted(exercise: Exercise) -> Verdict:
    todo = [
        "Put your lines in place of `raise NotImplementedError(...)`, run that cell, then this one.",
        "Stuck? The hints are below.",
        f"Written already? Is it called `{exercise.function}`, and did its cell run without an error?",
    ]
    head = f"{SIGNS[NOT_ATTEMPTED]}: `{exercise.function}` is yours to write."
    return Verdict(NOT_ATTEMPTED, None, f"{head}\n{indented(todo)}")


def _has_value(outcome: Outcome) -> bool:
    """Whether anything came back, though the way back may fail."""
    return outcome.error is None or outcome.in_backward


def _agree(one: Outcome, other: Outcome) -> bool:
    if one.error or other.error:
        alike = _family(one.error) is _family(other.error) and one.in_backward == other.in_backward
        return alike and (not one.in_backward or same(one.value, other.value))
    if not same(one.value, other.value):
        return False
    # Behind NaN or infinity, no gradient means anything.
    return not _is_finite(other.value) or same_gradients(one, other)


def _family(error: BaseException | None) -> type:
    """The error's type. A shape that does not fit is now an IndexError of PyTorch's, now a RuntimeError."""
    return RuntimeError if type(error) is IndexError else type(error)


def _is_finite(output: Any) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in tensors_in(output) if tensor.is_floating_point())


def _shows_a_length_of(fits: tuple[tuple[int, ...], ...], problem: Problem) -> bool:
    """Whether an error or a shape has a length of the sizes `fits` in it that is none of this case."""
    own = {size for shape in _sizes(problem.case) for size in shape}
    foreign = {size for shape in fits for size in shape if size > 1} - own
    if problem.where is None:
        return bool(foreign & {int(number) for number in re.findall(r"\d+", str(problem.got.error))})
    got, expected = tensors_in(problem.where.got), tensors_in(problem.where.expected)
    right = {size for tensor in expected for size in tensor.shape}
    return bool((foreign - right) & {size for tensor in got for size in tensor.shape})


def _shown(problems: list[Problem]) -> Problem:
    """The problem to tell of: the first kind, on its smallest case.

    As long as values are wrong on any case, nobody is told of gradients that "the numbers are right".
    """
    if problems[0].values_right:
        problems = [problem for problem in problems if not problem.values_right] or problems
    return _smallest([problem for problem in problems if problem.kind == problems[0].kind])


def _smallest(problems: list[Problem]) -> Problem:
    return min(problems, key=lambda problem: _elements(problem.case))


def _elements(case: Case) -> int:
    return sum(tensor.numel() for tensor in tensors_in(list(case.arguments())))


def _sizes(case: Case) -> tuple[tuple[int, ...], ...]:
    """What an answer may not take for granted: the shapes of the tensors, and the whole numbers."""
    return tuple(
        tuple(argument.shape) if isinstance(argument, Tensor) else (argument,)
        for argument in case.arguments()
        if isinstance(argument, Tensor | int)
    )
