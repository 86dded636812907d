"""The engine of the checks: what learners really hand in, what is recognised, and what is left as it was."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import functools
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from einops import rearrange
from torch import Tensor, nn

from pocketr1.checks.specification import Case, Check, Mistake
from pocketr1.configuration import Experts, Heads, ModelConfig
from pocketr1.workbook import examination, limits
from pocketr1.workbook.comparing import difference, same
from pocketr1.workbook.examination import Verdict, examine
from pocketr1.workbook.wording import beside, wrapped
from tests.made_up_exercise import CENTRE, MadeUp, Notebook, centre, centre_stub, made_up

Candidate = Callable[..., Any]


@pytest.fixture(autouse=True)
def the_exercise(monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    exercise = made_up("centre", centre_stub, centre, CENTRE)
    give(monkeypatch, exercise)
    return exercise


def give(monkeypatch: pytest.MonkeyPatch, exercise: MadeUp) -> None:
    monkeypatch.setattr(
        examination,
        "find_exercise",
        lambda name: exercise if name in (exercise.name, exercise.function) else None,
    )


def verdict_on(candidate: Any) -> Verdict:
    return examine("centre", candidate)


def assert_not_yet(verdict: Verdict, mistake: str, *words: str) -> None:
    assert (verdict.status, verdict.mistake) == ("not yet", mistake), verdict.message
    assert verdict.message.startswith("✗ Not yet: ")
    for word in words:
        assert word in verdict.message


# right answers


def by_loop(x: Tensor, scale: float = 1.0) -> Tensor:
    rows = x.reshape(-1, x.shape[-1])
    return torch.stack([scale * (row - sum(row) / len(row)) for row in rows]).reshape(x.shape)


class Centring:
    def __call__(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return centre(x, scale)


def with_one_more(x: Tensor, scale: float = 1.0, axis: int = -1) -> Tensor:
    return scale * (x - x.mean(axis, keepdim=True))


RIGHT: list[Candidate] = [
    centre,
    by_loop,
    with_one_more,
    Centring(),
    functools.partial(with_one_more, axis=-1),
    lambda x, scale=1.0: scale * x - scale * torch.einsum("...n->...", x).unsqueeze(-1) / x.shape[-1],
    lambda x, scale=1.0: centre(x.double(), scale).float(),
    lambda *arguments: centre(*arguments),
    lambda x, scale=1.0, **_: centre(x, scale),
]


@pytest.mark.parametrize("candidate", RIGHT)
def test_right_in_any_style(candidate: Candidate) -> None:
    verdict = verdict_on(candidate)
    assert (verdict.status, verdict.mistake) == ("right", None), verdict.message
    assert verdict.message.startswith("✓ Right. A row less its mean sums to zero.")


def test_float64_is_right_and_is_kept_out_of_the_library() -> None:
    verdict = verdict_on(lambda x, scale=1.0: centre(x.double(), scale))
    assert verdict.status == "right"
    assert verdict.kept_back is not None and "float64" in verdict.kept_back


def test_renamed_parameter_is_right_and_is_kept_out_of_the_library() -> None:
    for candidate in (lambda y, scale=1.0: centre(y, scale), lambda x, /, scale=1.0: centre(x, scale)):
        verdict = verdict_on(candidate)
        assert verdict.status == "right"
        assert verdict.kept_back is not None and "`x=...`" in verdict.kept_back


def test_slow_answer_is_right_and_is_kept_out_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(x: Tensor, scale: float = 1.0) -> Tensor:
        end = time.perf_counter() + 0.02
        while time.perf_counter() < end:
            pass
        return centre(x, scale)

    verdict = verdict_on(slow)
    assert verdict.status == "right"
    assert verdict.kept_back is not None and "keep(centre)" in verdict.kept_back
    assert verdict_on(centre).kept_back is None


def test_prints_are_caught_and_noted(capsys: pytest.CaptureFixture[str]) -> None:
    def printing(x: Tensor, scale: float = 1.0) -> Tensor:
        print("shape", x.shape)
        print("to stderr", file=sys.stderr)
        return centre(x, scale)

    verdict = verdict_on(printing)
    assert verdict.status == "right"
    assert "shape torch.Size([1, 3])" in verdict.message
    assert capsys.readouterr() == ("", "")


# what is no answer


@pytest.mark.parametrize(
    ("candidate", "word"),
    [
        (None, "None"),
        ("centre", "the text 'centre'"),
        (3.5, "the number 3.5"),
        (torch.ones(2), "a tensor [2] of float32"),
        ([1, 2], "a list of 2"),
        (np.ones(2), "a NumPy array [2] of float64"),
        (nn.ReLU, "`ReLU` is a class"),
        (Centring, "`Centring` is a class"),
    ],
)
def test_what_is_no_function(candidate: Any, word: str) -> None:
    assert_not_yet(verdict_on(candidate), "not_a_function", word)


def test_unknown_exercise_is_met_with_a_sentence() -> None:
    assert examine("nothing", centre).mistake == "unknown_exercise"
    assert examine(None, centre).mistake == "unknown_exercise"  # type: ignore[arg-type]


def test_scaffold_is_not_attempted() -> None:
    notebook = Notebook()
    notebook.cell("from torch import Tensor")
    notebook.cell(
        "def centre(x: Tensor, scale: float = 1.0) -> Tensor:\n"
        '    """My own words."""\n'
        "    # 1. a step\n"
        '    raise NotImplementedError("centre is yours to write")\n'
    )
    for candidate in (centre_stub, notebook["centre"]):
        verdict = verdict_on(candidate)
        assert (verdict.status, verdict.mistake) == ("not attempted", None)
        assert verdict.message.startswith("○ Not attempted: `centre` is yours to write.")
        assert "hints are below" in verdict.message


def test_begun_and_still_raising_is_unfinished() -> None:
    def begun(x: Tensor, scale: float = 1.0) -> Tensor:
        mean = x.mean(dim=-1, keepdim=True)  # noqa: F841
        raise NotImplementedError("centre is yours to write")

    assert_not_yet(verdict_on(begun), "unfinished", "Take that line out")


def test_another_scaffold_below_is_named() -> None:
    def other() -> None:
        raise NotImplementedError("softmax is yours to write")

    assert_not_yet(verdict_on(lambda x, scale=1.0: other()), "raised", "your `softmax`", "`mine`")


def test_parameters_that_do_not_fit() -> None:
    assert_not_yet(verdict_on(lambda x: x), "missing_argument", "`x`, `scale`", "takes `x`")
    assert_not_yet(verdict_on(lambda: 0), "missing_argument", "takes nothing")
    assert_not_yet(verdict_on(lambda x, scale, eps: x), "missing_argument")
    assert_not_yet(verdict_on(lambda x, scale: centre(x, scale)), "missing_argument", "`scale=1.0`")


# what comes back


async def asynchronous(x: Tensor, scale: float = 1.0) -> Tensor:
    return centre(x, scale)


def yielding(x: Tensor, scale: float = 1.0) -> Iterator[Tensor]:
    yield centre(x, scale)


@pytest.mark.parametrize(
    ("candidate", "mistake", "word"),
    [
        (lambda x, scale=1.0: None, "returned_nothing", "`return`"),
        (lambda x, scale=1.0: centre(x.detach(), scale).numpy(), "numpy_array", "NumPy"),
        (lambda x, scale=1.0: x.numpy(), "numpy_array", "NumPy"),
        (lambda x, scale=1.0: centre(x, scale).tolist(), "not_a_tensor", "a list of 1"),
        (lambda x, scale=1.0: 1.0, "not_a_tensor", "the number 1.0"),
        (lambda x, scale=1.0: "done", "not_a_tensor", "the text 'done'"),
        (lambda x, scale=1.0: (centre(x, scale),), "not_a_tensor", "a tuple of 1"),
        (yielding, "not_a_tensor", "yield"),
        (asynchronous, "not_a_tensor", "async"),
        (lambda x, scale=1.0: centre(x, scale).sum(-1), "wrong_shape", "[1]"),
        (lambda x, scale=1.0: torch.ones(1, 3, device="meta"), "wrong_place", "meta"),
        (lambda x, scale=1.0: centre(x, scale).to_sparse(), "wrong_place", "sparse_coo"),
        (lambda x, scale=1.0: centre(x, scale).long(), "wrong_dtype", "int64"),
        (lambda x, scale=1.0: centre(x, scale) > 0, "wrong_dtype", "bool"),
        (lambda x, scale=1.0: centre(x, scale) + 0j, "wrong_dtype", "complex64"),
        (lambda x, scale=1.0: centre(x, scale) * torch.nan, "nan", "NaN"),
        (lambda x, scale=1.0: centre(x, scale) / 0, "wrong_value", "inf"),
        (lambda x, scale=1.0: centre(x, scale).detach(), "detached", "no gradient"),
        (lambda x, scale=1.0: torch.tensor(centre(x, scale).tolist()), "detached", "no gradient"),
        (lambda x, scale=1.0: centre(x, scale) * 1.001, "wrong_value", "the numbers are not"),
        (lambda x, scale=1.0: 2 * centre(x, scale), "wrong_value", "expected"),
        (lambda x, scale=1.0: -centre(x, scale), "wrong_value", "expected"),
        (lambda x, scale=1.0: 0 * x, "wrong_value", "expected"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_comes_back(candidate: Candidate, mistake: str, word: str) -> None:
    assert_not_yet(verdict_on(candidate), mistake, word)


def test_gradient_with_the_right_values() -> None:
    def crooked(x: Tensor, scale: float = 1.0) -> Tensor:
        return centre(x, scale) + (x - x.detach()) * 0.5

    assert_not_yet(verdict_on(crooked), "wrong_gradient", "with respect to `x`", "yours", "expected")


def test_backward_that_fails_is_shown() -> None:
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Tensor) -> Tensor:
            return x - x.mean(dim=-1, keepdim=True)

        @staticmethod
        def backward(context: Any, gradient: Tensor) -> Tensor:
            raise ValueError("no way back")

    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        return scale * Broken.apply(x)

    assert_not_yet(verdict_on(candidate), "raised", "the way back fails", "no way back")


def test_changed_input_is_named() -> None:
    def in_place(x: Tensor, scale: float = 1.0) -> Tensor:
        x -= x.mean(dim=-1, keepdim=True)
        return scale * x

    assert_not_yet(verdict_on(in_place), "changed_input", "`x`")


def test_a_history_cut_in_place_is_a_changed_input(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda x, y: x * y.detach(), (torch.ones(2), torch.tensor([2.0, 3.0])))
    assert on(lambda x, y: x * y.detach()).status == "right"
    assert_not_yet(on(lambda x, y: x * y.detach_()), "changed_input", "`y`", "`detach_()`")


def test_wrong_numbers_are_told_before_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda x: 2 * x, (torch.ones(2),), (torch.ones(3),))
    assert_not_yet(on(lambda x: 2 * x.detach() if len(x) == 2 else 3 * x), "wrong_value")
    assert_not_yet(on(lambda x: 2 * x.detach() if len(x) == 2 else x.missing), "raised", "AttributeError")
    assert_not_yet(on(lambda x: 2 * x.detach()), "detached")


def test_wrong_numbers_are_shown_though_the_way_back_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Tensor) -> Tensor:
            return 3 * x

        @staticmethod
        def backward(context: Any, gradient: Tensor) -> Tensor:
            raise ValueError("no way back")

    on = check_with(monkeypatch, lambda x: 2 * x, (torch.ones(2),))
    assert_not_yet(on(Broken.apply), "wrong_value", "3.0000", "2.0000")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: torch.rand(3),
        lambda: torch.manual_seed(0),
        lambda: np.random.rand(),
        lambda: random.random(),
    ],
)
def test_global_randomness_is_named(draw: Callable[[], Any]) -> None:
    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        draw()
        return centre(x, scale)

    assert_not_yet(verdict_on(candidate), "global_randomness")


def test_the_generator_that_is_passed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(
        monkeypatch, lambda count, source: torch.zeros(count), (2, torch.Generator().manual_seed(0))
    )
    stub = lambda count, source: torch.rand(count) * 0  # noqa: E731
    assert_not_yet(on(stub), "global_randomness", "draw from `source`.")
    on = check_with(monkeypatch, lambda count: torch.zeros(count), (2,))
    assert_not_yet(
        on(lambda count: torch.rand(count) * 0), "global_randomness", "`torch.Generator` of your own"
    )


def test_memory_between_calls_is_named() -> None:
    calls: list[Tensor] = []

    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        calls.append(x)
        return centre(x, scale) + (len(calls) > len(CENTRE.cases))

    assert_not_yet(verdict_on(candidate), "changes_between_calls")


def test_a_second_call_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CPU_SECONDS", 0.3)

    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        while not torch.is_grad_enabled():
            pass
        return centre(x, scale)

    assert_not_yet(verdict_on(candidate), "too_slow")


def test_a_warning_is_noted_if_it_is_the_learners() -> None:
    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        warnings.warn("look out", stacklevel=1)
        return x

    assert "PyTorch or Python warned: Look out." in verdict_on(candidate).message


def test_a_warning_is_left_out_where_a_mistake_was_named() -> None:
    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        warnings.warn("look out", stacklevel=1)
        return scale * (x - x.mean())

    verdict = verdict_on(candidate)
    assert_not_yet(verdict, "over_all")
    assert "warned" not in verdict.message


def test_an_answer_must_also_work_without_gradients() -> None:
    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        torch.autograd.grad((x * x).sum(), x)
        return centre(x, scale)

    assert_not_yet(verdict_on(candidate), "raised", "without gradients")


def test_a_changed_input_is_no_mistake_in_part() -> None:
    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        result = centre(x, scale)
        if x.shape[0] == 1:  # where `over_all` and `scale_lost` give the right values
            x.add_(1.0)
        return result

    assert_not_yet(verdict_on(candidate), "changed_input")


def test_an_answer_for_one_size_only() -> None:
    def fixed(x: Tensor, scale: float = 1.0) -> Tensor:
        return scale * (x - x.reshape(1, 3).mean(-1, keepdim=True))

    assert_not_yet(verdict_on(fixed), "only_one_size", "for one size only")


def test_a_single_head_is_no_evidence_of_a_fixed_size(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = [(torch.ones(2, 4), 1), (torch.ones(3, 6), 2), (torch.ones(3, 6), 3)]
    on = check_with(monkeypatch, lambda x, heads: x.unflatten(-1, (heads, -1)).sum(1), *inputs)
    assert_not_yet(on(lambda x, heads: x.missing if heads > 1 else x), "raised", "AttributeError")
    assert_not_yet(on(lambda x, heads: x), "wrong_shape")
    assert_not_yet(on(lambda x, heads: x.reshape(2, 4)), "only_one_size")


# errors


def test_an_error_is_one_line_with_its_place_in_the_cell() -> None:
    notebook = Notebook()
    notebook.cell(
        "import torch\n"
        "def helper(x):\n"
        "    return x.meen()\n"
        "\n"
        "def centre(x, scale=1.0):\n"
        "    return x - helper(x)\n"
    )
    verdict = verdict_on(notebook["centre"])
    assert_not_yet(verdict, "raised", "AttributeError", "line 3 of your cell:  return x.meen()")
    assert "Traceback" not in verdict.message


def test_of_a_long_error_the_reason_is_kept() -> None:
    def by_einops(x: Tensor, scale: float = 1.0) -> Tensor:
        return rearrange(x, "row (pair column) -> row pair column", pair=2)

    def announced(x: Tensor, scale: float = 1.0) -> Tensor:
        raise ValueError("two things are wrong:\n\n    the first\n    the second")

    assert_not_yet(
        verdict_on(by_einops), "raised", "EinopsError: Shape mismatch, can't divide axis of length 3"
    )
    assert_not_yet(verdict_on(announced), "raised", "ValueError: two things are wrong: the first.")


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ("x - x.max(dim=-1, keepdim=True)", "Take `.values` of it, or use `amax`"),
        ("torch.exp(x.max(-1))", "Take `.values` of it, or use `amax`"),
        ("x.gather(-1, torch.tensor([0]))", "give the index a last axis with `unsqueeze(-1)`"),
        ("~None * x", "An argument that may be left out is None"),
        ("x @ x", "the last axis of `a` must be as long as the last axis but one of `b`"),
        ("x / torch.sqrt(3)", "there is the module `math`"),
        ("x.long().flatten().bincount(4)", "is given by name, `minlength=...`"),
        ("torch.arange(3).mean() * x", "make them floats, `.float()`"),
        ("x[torch.arange(1) / 1]", "`//` gives whole numbers"),
        ("x.reshape(1, x.shape[-1] / 1)", "`//` gives the whole number"),
        ("torch.ones(4)[:, None] * torch.ones(4, 5) * x", "`unsqueeze(-1)`"),
        ("torch.relu((x, x))", "take them apart"),
        ("(x, x).transpose(0, 1)", "take them apart"),
        ("einops.rearrange((x, x[0]), 'a b -> b a')", "take them apart"),
        ("einops.rearrange(x, 'a (b c) > a b c', b=3)", "the arrow is `->`"),
        ("einops.rearrange(x, 'a (b c) -> a b c')", "einops must be told one length"),
        ("einops.rearrange(x, 'a (b c) -> a b c', d=3)", "is the name of an axis in the pattern"),
        ("einops.rearrange(x, 'a (b c) -> a d c', b=3)", "one name on both sides of the arrow"),
        ("x if x else -x", "is asked with `is not None`"),
        ("x[torch.tensor([[True]])]", "`masked_fill` and `torch.where` do"),
    ],
)
def test_what_an_error_means_is_said_where_beginners_meet_it(body: str, hint: str) -> None:
    notebook = Notebook()
    notebook.cell(f"import torch, einops\ndef centre(x, scale=1.0):\n    return {body}\n")
    assert_not_yet(verdict_on(notebook["centre"]), "raised", hint, "line 3 of your cell")


def test_the_hint_on_plain_numbers_is_for_functions_of_one_tensor() -> None:
    verdict = verdict_on(lambda x, scale=1.0: x.long().flatten().bincount(4))
    assert "module `math`" not in verdict.message


def test_rounded_down_is_named_though_the_way_back_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    mistakes = (Mistake("rounded_down", "it is rounded down", lambda x, scale=1.0: centre(x, scale) // 1.0),)
    give(monkeypatch, made_up("centre", centre_stub, centre, replace(CENTRE, mistakes=mistakes)))
    named = verdict_on(lambda x, scale=1.0: torch.floor_divide(centre(x, scale), 1.0))
    assert_not_yet(named, "rounded_down", "it is rounded down")
    other = verdict_on(lambda x, scale=1.0: torch.floor_divide(2 * centre(x, scale), 1.0))
    assert_not_yet(other, "wrong_value")


def test_a_shape_that_does_not_fit_is_one_mistake_whatever_pytorch_calls_its_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def along_one(x: Tensor, scale: float = 1.0) -> Tensor:
        return x - x.mean(dim=1, keepdim=True)

    def with_another_error(x: Tensor, scale: float = 1.0) -> Tensor:
        if x.dim() < 2:
            raise RuntimeError("no such axis")
        return along_one(x)

    check = Check(
        lambda x, scale=1.0: x - x.mean(-1, keepdim=True),
        (Case("a table", lambda: (torch.eye(2),)), Case("a row", lambda: (torch.arange(3.0),))),
        (Mistake("along_one", "axis 1 is not the last one", along_one),),
        "So.",
    )
    give(monkeypatch, made_up("centre", centre_stub, centre, check))
    assert_not_yet(verdict_on(along_one), "along_one")
    assert_not_yet(verdict_on(with_another_error), "along_one")


def test_an_error_inside_pytorch_is_placed_in_the_cell() -> None:
    notebook = Notebook()
    notebook.cell(
        "import torch\ndef centre(x, scale=1.0):\n    return torch.nn.functional.linear(x, x[:, :1])\n"
    )
    assert_not_yet(verdict_on(notebook["centre"]), "raised", "line 3 of your cell")


@pytest.mark.parametrize(
    "error", [SystemExit(0), RecursionError(), GeneratorExit(), AssertionError(), MemoryError()]
)
def test_any_error_is_survived(error: BaseException) -> None:
    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        raise error

    assert_not_yet(verdict_on(candidate), "raised", type(error).__name__)


def test_deep_recursion_is_survived() -> None:
    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        return candidate(x, scale)

    assert_not_yet(verdict_on(candidate), "raised", "RecursionError")


def test_asking_for_input_is_refused() -> None:
    assert_not_yet(verdict_on(lambda x, scale=1.0: input("?")), "raised", "input()")
    assert builtins.input.__module__ != limits.__name__


def test_an_own_interrupt_gets_through_and_everything_is_put_back() -> None:
    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        torch.manual_seed(1)
        raise KeyboardInterrupt

    torch.manual_seed(7)
    state, stdout = torch.get_rng_state(), sys.stdout
    with pytest.raises(KeyboardInterrupt):
        verdict_on(candidate)
    assert torch.equal(torch.get_rng_state(), state)
    assert sys.stdout is stdout


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
def test_a_real_interrupt_stops_an_endless_loop() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    old = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            verdict_on(endless)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert verdict_on(centre).status == "right"


# endless loops


def endless(x: Tensor, scale: float = 1.0) -> Tensor:
    while True:
        scale += 1


def stubborn(x: Tensor, scale: float = 1.0) -> Tensor:
    while True:
        try:  # noqa: SIM105
            scale += 1
        except BaseException:
            pass


def late(x: Tensor, scale: float = 1.0) -> Tensor:
    while x.dim() > 2:
        pass
    return centre(x, scale)


@pytest.fixture
def short_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CPU_SECONDS", 0.3)


@pytest.mark.usefixtures("short_of_time")
@pytest.mark.parametrize(
    ("candidate", "where"), [(endless, "one row"), (stubborn, "one row"), (late, "a stack")]
)
def test_an_endless_loop_is_stopped(candidate: Candidate, where: str) -> None:
    started = time.monotonic()
    assert_not_yet(verdict_on(candidate), "too_slow", "never ends", f"With {where}.")
    assert time.monotonic() - started < 20
    assert verdict_on(centre).status == "right"


@pytest.mark.usefixtures("short_of_time")
def test_an_endless_loop_is_stopped_in_any_thread() -> None:
    verdicts: list[Verdict] = []
    thread = threading.Thread(target=lambda: verdicts.append(verdict_on(endless)))
    thread.start()
    thread.join(20)
    assert_not_yet(verdicts[0], "too_slow")


def test_waiting_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WALL_SECONDS", 0.3)

    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        while True:
            time.sleep(0.01)

    assert_not_yet(verdict_on(candidate), "too_slow")


def test_a_wrong_answer_that_hangs_later_is_told_what_is_wrong_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CPU_SECONDS", 0.3)

    def candidate(x: Tensor, scale: float = 1.0) -> Tensor:
        while x.dim() > 2:
            pass
        return centre(x)

    assert_not_yet(verdict_on(candidate), "scale_lost")


def test_the_time_limit_leaves_no_exception_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CPU_SECONDS", 0.0)

    def just_in_time() -> int:
        end = time.perf_counter() + 0.004
        while time.perf_counter() < end:
            pass
        return 1

    for _ in range(30):
        with contextlib.suppress(limits.OutOfTime):
            assert limits.run_limited(just_in_time) == 1
        total = 0
        for number in range(2000):  # where a left-over exception would be raised
            total += number
        assert total == 1999000


# named mistakes


def test_mistakes_are_named_by_values_and_gradients() -> None:
    assert_not_yet(
        verdict_on(lambda x, scale=1.0: scale * (x - x.sum() / x.numel())),
        "over_all",
        "one mean is taken of all rows.",
    )
    by_hand = lambda x, scale=1.0: scale * (x - torch.tensor(x.tolist()).mean(-1, keepdim=True))  # noqa: E731
    assert_not_yet(verdict_on(by_hand), "mean_detached", "no gradient flows through the mean")
    assert_not_yet(verdict_on(lambda x, scale=1.0: centre(x)), "scale_lost")


def test_the_smallest_failing_case_is_shown_beside_what_is_expected() -> None:
    verdict = verdict_on(lambda x, scale=1.0: scale * (x - x.mean()))
    first, *rest = verdict.message.splitlines()
    assert first == "✗ Not yet: one mean is taken of all rows."
    assert rest[0] == "    With two rows: x [2, 5], scale = 2.0"
    assert rest[1].split() == ["at", "[0:2,", "0:4]"]
    assert rest[2].split() == ["yours", "expected"]


def test_a_mistake_made_in_part_is_named_if_only_one_fits() -> None:
    def mostly(x: Tensor, scale: float = 1.0) -> Tensor:
        return scale * (x - x.mean()) if x.dim() > 2 else centre(x, scale)

    assert_not_yet(verdict_on(mostly), "over_all")


def test_errors_alone_name_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(x: Tensor) -> Tensor:
        raise ValueError("always")

    check = Check(
        lambda x: x + 1, (Case("one", lambda: (torch.ones(2),)),), (Mistake("fails", "fails", failing),), ""
    )
    give(monkeypatch, made_up("one_more", centre_stub, lambda x: x + 1, check))
    assert_not_yet(examine("one_more", failing), "raised", "ValueError: always")


def test_no_mistake_is_named_in_part_by_an_error_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def two_axes(x: Tensor, scale: float = 1.0) -> Tensor:
        if x.dim() > 2:
            raise RuntimeError("two axes, please")
        return centre(x, scale)

    mistake = Mistake(
        "doubled", "it is doubled", lambda x, scale=1.0: two_axes(x, scale) * (1 if len(x) < 2 else 2)
    )
    check = Check(CENTRE.expected, CENTRE.cases, (mistake,), "So.")
    give(monkeypatch, made_up("centre", centre_stub, centre, check))
    assert_not_yet(verdict_on(two_axes), "raised", "two axes, please")
    assert_not_yet(verdict_on(mistake.answer), "doubled")


def test_of_several_mistakes_made_in_part_the_likeliest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_for_stacks(x: Tensor, scale: float = 1.0) -> Tensor:
        return centre(x, scale) * (1 if x.dim() == 2 else 2)

    always = Mistake("always", "it is doubled", lambda x, scale=1.0: 2 * centre(x, scale))
    most = Mistake("most", "it is doubled", lambda x, scale=1.0: (1 + (len(x) > 1)) * centre(x, scale))
    check = Check(CENTRE.expected, CENTRE.cases, (always, most), "So.")
    give(monkeypatch, made_up("centre", centre_stub, centre, check))
    assert_not_yet(verdict_on(only_for_stacks), "most")


def test_what_the_answer_reads_of_the_notebook_is_noted() -> None:
    notebook = Notebook()
    notebook.cell("factor = 3.0\ndef centre(x, scale=1.0):\n    return factor * x\n")
    assert "It reads `factor` of the notebook" in verdict_on(notebook["centre"]).message
    notebook.cell("FACTOR = 3.0\ndef centre(x, scale=1.0):\n    return FACTOR * x\n")
    assert "of the notebook" not in verdict_on(notebook["centre"]).message
    notebook.cell("Q = 3.0\ndef centre(x, scale=1.0):\n    return Q * x\n")
    assert "It reads `Q` of the notebook" in verdict_on(notebook["centre"]).message


# outputs of other kinds


def check_with(monkeypatch: pytest.MonkeyPatch, expected: Candidate, *inputs: tuple[Any, ...]) -> Candidate:
    cases = tuple(Case(f"case {place}", lambda given=given: given) for place, given in enumerate(inputs))
    give(monkeypatch, made_up("thing", centre_stub, expected, Check(expected, cases, (), "So.")))
    return lambda candidate: examine("thing", candidate)


def test_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda count: count * 10, (1,), (3,))
    assert on(lambda count: 10 * count).status == "right"
    assert on(lambda count: 10.0 * count).status == "right"
    assert_not_yet(
        on(lambda count: 10 * count + (count == 3)), "wrong_value", "the number 31", "the number 30"
    )
    assert_not_yet(on(lambda count: True), "wrong_dtype")
    for odd in (lambda count: np.int64(10 * count), lambda count: torch.tensor(10 * count)):
        verdict = on(odd)
        assert verdict.status == "right"
        assert verdict.kept_back is not None and ".item()" in verdict.kept_back
    assert_not_yet(on(lambda count: torch.ones(2)), "wrong_shape")
    assert_not_yet(on(lambda count: "10"), "wrong_value", "the text '10'")
    assert_not_yet(on(lambda count: None), "returned_nothing")


def test_a_tensor_for_one_of_two_numbers_is_right_and_is_kept_out_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = check_with(monkeypatch, lambda count: (count, count * 10.0), (1,), (3,))
    verdict = on(lambda count: (count, torch.tensor(count * 10.0)))
    assert verdict.status == "right"
    assert verdict.kept_back is not None and ".item()" in verdict.kept_back
    assert on(lambda count: (count, count * 10.0)).kept_back is None


def test_a_long_text_is_cut_visibly(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda word: word[::-1], ("abc" * 30,))
    assert_not_yet(on(lambda word: word), "wrong_value", " ...'")


def test_floats_are_rounded_but_not_so_far_that_they_look_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda part: (part / 3, 2), (0.2,))
    told = on(lambda part: (torch.tensor(0.6).item(), 2)).message
    assert "yours     the number 0.6\n" in told
    assert "expected  the number 0.0666667" in told
    told = on(lambda part: [0.6000000238418579]).message
    assert "a list of 1: the number 0.6\n" in told
    on = check_with(monkeypatch, lambda part: 1000 * part, (1.0002,))
    assert "the number 1000.35" in on(lambda part: 1000.35).message


def test_parts_that_only_a_check_makes_are_no_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    def watched(candidate: Candidate, x: Tensor) -> dict[str, Any]:
        return {"returned": candidate(x), "type of ends": "int32" if x[0] == 1 else "int64"}

    cases = (Case("two numbers", lambda: (torch.tensor([1.0, 2.0]),)),)
    check = Check(lambda x: watched(lambda y: y, x), cases, (), "So.", call=watched)
    give(monkeypatch, made_up("thing", centre_stub, centre_stub, check))
    told = examine("thing", lambda x, scale=1.0: 2 * x).message
    assert "In what it returned:" in told and "output[" not in told
    assert "what `thing` returns is a list" in examine("thing", lambda x, scale=1.0: [1]).message
    assert "`thing` returns nothing" in examine("thing", lambda x, scale=1.0: None).message
    check = Check(lambda x: watched(lambda y: y, x - 1), cases, (), "So.", call=watched)
    give(monkeypatch, made_up("thing", centre_stub, centre_stub, check))
    assert "In the type of ends:" in examine("thing", lambda x, scale=1.0: x - 1).message


def test_a_configuration_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ModelConfig(30, 16, 3, Heads(4, 2, 6), Experts(8, 2, 12, shared=1))
    on = check_with(monkeypatch, lambda given: 5, (config,))
    told = on(lambda given: 4).message
    assert "config" not in told.replace("ModelConfig", "")
    assert (
        "ModelConfig(vocab=30, dim=16, layers=3, attention=Heads(heads=4, key_heads=2, head_dim=6), "
        "feed_forward=Experts(experts=8, active=2, width=12, shared=1))" in told
    )


def test_floats_and_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda part: part / 3, (1,), (2,))
    assert on(lambda part: part * (1 / 3) * (1 + 1e-7)).status == "right"
    assert_not_yet(on(lambda part: part / 3 + 0.001), "wrong_value")
    assert_not_yet(on(lambda part: float("nan")), "nan")
    on = check_with(monkeypatch, lambda word: word[::-1], ("abc",))
    assert on(lambda word: "".join(reversed(word))).status == "right"
    assert_not_yet(on(lambda word: word), "wrong_value", "the text 'abc'", "the text 'cba'")


def test_tuples_and_dictionaries(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda x: (x.sum(), {"max": x.max()}), (torch.tensor([1.0, 4.0]),))
    assert on(lambda x: [x.sum(), {"max": x.amax()}]).status == "right"
    assert_not_yet(
        on(lambda x: x.sum()), "wrong_shape", "returns one tensor, and should return 2", "it is right"
    )
    assert "it is right" not in on(lambda x: 2 * x.sum()).message
    assert_not_yet(
        on(lambda x: (None, {"max": x.max()})), "returned_nothing", "the first output of `thing` is None"
    )
    assert_not_yet(
        on(lambda x: (x.sum(), {"max": 4.0})), "not_a_tensor", "output[1]['max'] of `thing` is the number"
    )
    assert_not_yet(on(lambda x: (x.sum(), {})), "wrong_shape")
    assert_not_yet(on(lambda x: (x.sum(), {"max": x.min()})), "wrong_value", "In output[1]['max']:", "4.0000")
    assert_not_yet(on(lambda x: (x.sum().detach(), {"max": x.max()})), "detached", "the first output")


def test_numpy_is_blamed_for_gradients_only_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda x: x > 2, (torch.tensor([1.0, 4.0]),))
    mask = on(lambda x: np.array([False, True]))
    assert_not_yet(
        mask, "numpy_array", "what `thing` returns is a NumPy array; a PyTorch tensor is asked for"
    )
    assert "gradient" not in mask.message


def test_an_input_that_should_change_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_one(x: Tensor) -> Tensor:
        x += 1
        return x

    check = Check(add_one, (Case("two", lambda: (torch.zeros(2),)),), (), "So.", gradients=False)
    give(monkeypatch, made_up("thing", centre_stub, add_one, check))
    assert examine("thing", lambda x: x.add_(1)).status == "right"


def test_a_check_that_fails_itself_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    on = check_with(monkeypatch, lambda x: x, (1,))
    monkeypatch.setattr(examination, "first_problem", lambda *_: 1 / 0)
    assert_not_yet(on(lambda x: x), "check_failed", "ZeroDivisionError", "not yours")


# classes


class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Twice the linear map."""
        return 2 * self.linear(x)


class LayerStub(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Twice the linear map."""
        raise NotImplementedError("Layer is yours to write")


def run_layer(layer: Any, x: Tensor, weight: Tensor) -> Tensor:
    made = layer(x.shape[-1])
    with torch.no_grad():
        made.linear.weight.copy_(weight)
        made.linear.bias.zero_()
    return made(x)


@pytest.fixture
def a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(
        expected=lambda x, weight: 2 * x @ weight.T.detach(),
        cases=(Case("one row", lambda: (torch.tensor([[1.0, 2.0]]), torch.eye(2))),),
        mistakes=(Mistake("once", "once", lambda x, weight: x @ weight.T.detach()),),
        why="So.",
        call=run_layer,
    )
    give(monkeypatch, made_up("Layer", LayerStub, Layer, check))


@pytest.mark.usefixtures("a_class")
def test_classes() -> None:
    class Renamed(Layer):
        def forward(self, y: Tensor) -> Tensor:
            return super().forward(y)

    class Once(Layer):
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x)

    class Unlike(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.other = nn.Linear(width, width)

    assert examine("Layer", Layer).status == "right"
    assert examine("Layer", LayerStub).status == "not attempted"
    renamed = examine("Layer", Renamed)
    assert renamed.status == "right" and renamed.kept_back is not None and "`x=...`" in renamed.kept_back
    assert_not_yet(examine("Layer", Once), "once")
    assert_not_yet(examine("Layer", Unlike), "raised", "linear")
    assert_not_yet(examine("Layer", Layer(2)), "not_a_function", "check(Layer)")
    assert_not_yet(
        examine("Layer", lambda width: Layer(width)), "not_a_function", "the exercise is the class"
    )
    assert_not_yet(examine("Layer", None), "not_a_function")


# left as it was


def test_everything_is_left_as_it_was() -> None:
    def meddling(x: Tensor, scale: float = 1.0) -> Tensor:
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.use_deterministic_algorithms(True)
        np.seterr(all="raise")
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        warnings.warn("a warning", stacklevel=1)
        return x

    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    before = _surroundings()
    assert verdict_on(meddling).status == "not yet"
    assert _surroundings() == before
    with torch.no_grad():
        assert verdict_on(centre).status == "right"
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        assert verdict_on(centre).status == "right"
    torch.set_default_dtype(torch.float64)
    try:
        assert verdict_on(centre).status == "right"
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def _surroundings() -> tuple[Any, ...]:
    return (
        torch.get_rng_state().tolist(),
        random.getstate(),
        np.random.get_state()[1].tolist(),  # type: ignore[index]
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        np.geterr(),
        sys.stdout,
        sys.stderr,
        builtins.input,
        list(warnings.filters),
    )


def test_verdicts_are_the_same_every_time() -> None:
    wrong = lambda x, scale=1.0: scale * x  # noqa: E731
    assert verdict_on(wrong) == verdict_on(wrong)


# comparing and wording


def test_tolerance_follows_the_signal() -> None:
    small = torch.tensor([1e-4, -2e-4])
    assert same(small * (1 + 1e-6), small)
    for wrong in (0 * small, -small, 2 * small, 1.01 * small):
        assert not same(wrong, small)
    assert same(torch.tensor([3e-8]), torch.tensor([0.0]))
    infinite = torch.tensor([1.0, -torch.inf])
    assert same(infinite.clone(), infinite)
    assert not same(torch.tensor([1.0, -1e30]), infinite)
    assert not same(-infinite, infinite)
    missing = torch.tensor([torch.nan, 1.0])
    assert same(missing.clone(), missing)
    assert not same(torch.tensor([0.0, 1.0]), missing)


def test_sizes_of_whole_numbers_and_floats_agree() -> None:
    assert same(torch.tensor([1, 2], dtype=torch.int32), torch.tensor([1, 2]))
    assert same(torch.tensor([1.0], dtype=torch.float64), torch.tensor([1.0]))
    found = difference(torch.tensor([1.0]), torch.tensor([True]))
    assert found is not None and found.kind == "wrong_dtype"


def test_empty_tensors_agree() -> None:
    assert same(torch.zeros(0, 3), torch.zeros(0, 3))


def test_numbers_are_shown_with_as_many_digits_as_it_takes() -> None:
    lines = beside(torch.tensor([1.0001]), torch.tensor([1.0002]), (0,))
    assert lines == ["yours     [1.0001]", "expected  [1.0002]"]
    lines = beside(torch.tensor([1.000001]), torch.tensor([1.000002]), (0,))
    assert lines == ["yours     [1.000001]", "expected  [1.000002]"]
    lines = beside(torch.tensor(12345.0), torch.tensor(1.0), ())
    assert lines == ["yours     1.2345e+04", "expected  1.0000e+00"]


def test_a_large_tensor_is_shown_around_the_first_difference() -> None:
    expected = torch.zeros(3, 20, 20)
    got = expected.clone()
    got[1, 10, 12] = 1
    lines = beside(got, expected, (1, 10, 12))
    assert lines[0] == "at [1, 5:11, 9:13]"
    assert lines[-1].split()[3] == "1.0000]"
    assert len(lines) == 8


def test_long_lines_are_broken_for_the_page_and_tables_are_not() -> None:
    message = "✗ Not yet: " + "word " * 40 + "\n    " + "more " * 30 + "\n    [1.0  2.0]    [1.0  2.0]"
    lines = wrapped(message).splitlines()
    assert all(len(line) <= 96 for line in lines)
    assert lines[-1] == "    [1.0  2.0]    [1.0  2.0]"
    assert sum(line.startswith("    more") for line in lines) == 2


def test_coroutines_leave_no_warning_behind(recwarn: pytest.WarningsRecorder) -> None:
    verdict_on(asynchronous)
    assert asyncio.iscoroutinefunction(asynchronous)
    assert not [warning for warning in recwarn if "never awaited" in str(warning.message)]
