"""Check of the exercise on what carries over: a gain on a skill that was not trained, in three parts.

All nine figures of a case are distinct, and the cases switch one part off at a time.
"""

from collections.abc import Callable

from ..evaluation import Decomposition
from .specification import Case, Check, Mistake

Parts = tuple[float, float, float]


def _score(works: float, working: float, direct: float) -> float:
    return works * working + (1 - works) * direct


def _named(parts: Callable[[Parts, Parts, Parts], Parts]) -> Callable[..., dict[str, float]]:
    """An answer from a function of the nine figures: three each of base, trained model and control."""

    def answer(base: Decomposition, trained: Decomposition, control: Decomposition) -> dict[str, float]:
        figures = [
            (each.works, each.right_when_working, each.right_when_direct) for each in (base, trained, control)
        ]
        return dict(zip(("any training", "habit", "skill"), parts(*figures), strict=True))

    return answer


def _right(base: Parts, trained: Parts, control: Parts) -> Parts:
    mixed = _score(trained[0], *control[1:])
    return _score(*control) - _score(*base), mixed - _score(*control), _score(*trained) - mixed


def _without_control(base: Parts, trained: Parts, control: Parts) -> Parts:
    mixed = _score(trained[0], *base[1:])
    return 0.0, mixed - _score(*base), _score(*trained) - mixed


def _other_order(base: Parts, trained: Parts, control: Parts) -> Parts:
    mixed = _score(control[0], *trained[1:])
    return _score(*control) - _score(*base), _score(*trained) - mixed, mixed - _score(*control)


def _with_base_s_figures(base: Parts, trained: Parts, control: Parts) -> Parts:
    of_any, gain = _score(*control) - _score(*base), _score(*trained) - _score(*control)
    habit = (trained[0] - control[0]) * (base[1] - base[2])
    return of_any, habit, gain - habit


def _direct_forgotten(base: Parts, trained: Parts, control: Parts) -> Parts:
    of_any = _score(*control) - _score(*base)
    return of_any, (trained[0] - control[0]) * control[1], trained[0] * (trained[1] - control[1])


def _direct_forgotten_between(base: Parts, trained: Parts, control: Parts) -> Parts:
    between = trained[0] * control[1]
    return _score(*control) - _score(*base), between - _score(*control), _score(*trained) - between


def _shares(base: Parts, trained: Parts, control: Parts) -> Parts:
    return _score(*control) - _score(*base), trained[0] - control[0], trained[1] - control[1]


def _relative(base: Parts, trained: Parts, control: Parts) -> Parts:
    whole = _score(*trained) - _score(*base)
    of_any, habit, skill = _right(base, trained, control)
    return of_any / whole, habit / whole, skill / whole


def _habit_from_base(base: Parts, trained: Parts, control: Parts) -> Parts:
    of_any = _score(*control) - _score(*base)
    mixed = _score(trained[0], *base[1:])
    return of_any, mixed - _score(*base), _score(*trained) - mixed


def _of(works: float, working: float, direct: float) -> Decomposition:
    return Decomposition(works, working, direct)


TRANSFER = Check(
    expected=_named(_right),
    gradients=False,
    cases=(
        Case(
            "a control that gained as much as the trained model",
            lambda: (_of(0.25, 0.4, 0.02), _of(0.9, 0.5, 0.1), _of(0.9, 0.5, 0.1)),
        ),
        Case(
            "a control that learned nothing, and a trained model that works more often and no better",
            lambda: (_of(0.25, 0.4, 0.02), _of(0.85, 0.4, 0.02), _of(0.25, 0.4, 0.02)),
        ),
        Case(
            "a trained model that works as often as the control, and better",
            lambda: (_of(0.25, 0.4, 0.02), _of(0.75, 0.8, 0.02), _of(0.75, 0.45, 0.02)),
        ),
        Case(
            "a control that is always direct and a trained model that always works",
            lambda: (_of(0.2, 0.3, 0.05), _of(1.0, 0.5, 0.0), _of(0.0, 0.3, 0.2)),
        ),
        Case(
            "nine figures that all differ",
            lambda: (_of(0.26, 0.42, 0.03), _of(0.88, 0.61, 0.11), _of(0.47, 0.35, 0.07)),
        ),
        Case(
            "a control that got worse",
            lambda: (_of(0.3, 0.4, 0.06), _of(0.7, 0.55, 0.09), _of(0.15, 0.2, 0.04)),
        ),
    ),
    mistakes=(
        Mistake(
            "no_control",
            "the control is not used: what any training would have given is counted as carried over",
            _named(_without_control),
        ),
        Mistake(
            "other_order",
            "habit is worked out with the trained model's shares of right answers, and skill with the"
            " control's habit: another convention; here the habit changes first, at the control's shares",
            _named(_other_order),
        ),
        Mistake(
            "base_s_shares",
            "habit is worked out with the base's shares of right answers; take the control's",
            _named(_with_base_s_figures),
        ),
        Mistake(
            "habit_from_base",
            "habit and skill are counted from the base, so what any training gives is in there twice; count"
            " from the control",
            _named(_habit_from_base),
        ),
        Mistake(
            "habit_as_skill",
            "all that goes beyond the control is called skill; part of it is that the trained model works"
            " more often",
            _named(
                lambda base, trained, control: (
                    _score(*control) - _score(*base),
                    0.0,
                    _score(*trained) - _score(*control),
                )
            ),
        ),
        Mistake(
            "whole_gain_as_any_training",
            "`any training` is the trained model's gain over the base; it should be the control's",
            _named(
                lambda base, trained, control: (
                    _score(*trained) - _score(*base),
                    *_right(base, trained, control)[1:],
                )
            ),
        ),
        Mistake(
            "direct_forgotten",
            "direct answers are left out; some of those are right too: (1 - works) x right_when_direct",
            _named(_direct_forgotten),
        ),
        Mistake(
            "direct_forgotten_between",
            "the level between control and trained model has no direct answers, and some of those are right"
            " too: add (1 - works) x right_when_direct",
            _named(_direct_forgotten_between),
        ),
        Mistake(
            "the_control_s_habit",
            "the level in between has the control's habit and the trained model's shares of right answers;"
            " take the habit from the trained model, and the shares from the control",
            _named(lambda *figures: tuple(_other_order(*figures)[place] for place in (0, 2, 1))),
        ),
        Mistake(
            "shares_subtracted",
            "habit and skill are differences of shares; they should be points of pass@1, and add up to the"
            " gain",
            _named(_shares),
        ),
        Mistake(
            "shares_of_the_gain",
            "these are shares of the whole gain; points of pass@1 are asked for",
            _named(_relative),
        ),
        Mistake(
            "signs",
            "all signs are turned: a gain is after minus before",
            _named(lambda *figures: tuple(-part for part in _right(*figures))),
        ),
        Mistake(
            "habit_and_skill_swapped",
            "habit and skill have changed places",
            _named(lambda *figures: tuple(_right(*figures)[place] for place in (0, 2, 1))),
        ),
    ),
    why="Whatever the control gains too, without the neighbouring skill, is not carried over from that skill."
    " Of the rest, the habit of working can be told from being right more often.",
)

CHECKS = {"transfer": TRANSFER}
