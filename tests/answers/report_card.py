"""Answers to the exercise on what carries over: right ones of other styles, and mistakes that people make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pocketr1.evaluation import Decomposition


def by_products(base: Decomposition, trained: Decomposition, control: Decomposition) -> dict[str, float]:
    """Changes of share times what they are worth."""
    more = trained.works - control.works
    better = trained.right_when_working - control.right_when_working
    better_direct = trained.right_when_direct - control.right_when_direct
    return {
        "habit": more * (control.right_when_working - control.right_when_direct),
        "skill": trained.works * better + (1 - trained.works) * better_direct,
        "any training": control.pass_at_1 - base.pass_at_1,
    }


def by_replacing(base: Decomposition, trained: Decomposition, control: Decomposition) -> dict[str, float]:
    levels = [each.pass_at_1 for each in (base, control, replace(control, works=trained.works), trained)]
    steps = [after - before for before, after in zip(levels, levels[1:], strict=False)]
    return dict(zip(["any training", "habit", "skill"], steps, strict=True))


def by_rest(base: Decomposition, trained: Decomposition, control: Decomposition) -> dict[str, float]:
    of_any = control.pass_at_1 - base.pass_at_1
    would = trained.works * control.right_when_working + (1 - trained.works) * control.right_when_direct
    habit = would - control.pass_at_1
    return {
        "any training": of_any,
        "habit": habit,
        "skill": trained.pass_at_1 - base.pass_at_1 - of_any - habit,
    }


def no_control(base: Any, trained: Any, control: Any) -> dict[str, float]:
    return {**by_rest(base, trained, base)}


def other_order(base: Any, trained: Any, control: Any) -> dict[str, float]:
    would = replace(trained, works=control.works).pass_at_1
    return {
        "any training": control.pass_at_1 - base.pass_at_1,
        "skill": would - control.pass_at_1,
        "habit": trained.pass_at_1 - would,
    }


def base_s_shares(base: Any, trained: Any, control: Any) -> dict[str, float]:
    right = by_products(base, trained, control)
    habit = replace(base, works=trained.works).pass_at_1 - replace(base, works=control.works).pass_at_1
    return {**right, "habit": habit, "skill": right["habit"] + right["skill"] - habit}


def changed(change: Any) -> Any:
    return lambda base, trained, control: change(by_products(base, trained, control), base, trained, control)


RIGHT = {"transfer": [by_products, by_replacing, by_rest]}

WRONG: dict[str, dict[str, list[Any]]] = {
    "transfer": {
        "no_control": [no_control],
        "other_order": [other_order],
        "base_s_shares": [base_s_shares],
        "habit_from_base": [
            changed(
                lambda parts, base, trained, control: {
                    **by_replacing(base, trained, base),
                    "any training": parts["any training"],
                }
            )
        ],
        "habit_as_skill": [
            changed(lambda p, *_: {**p, "habit": 0.0, "skill": p["skill"] + p["habit"]}),
        ],
        "whole_gain_as_any_training": [
            changed(lambda p, *_: {**p, "any training": sum(p.values())}),
        ],
        "direct_forgotten": [
            changed(
                lambda p, base, trained, control: {
                    **p,
                    "habit": (trained.works - control.works) * control.right_when_working,
                    "skill": trained.works * (trained.right_when_working - control.right_when_working),
                }
            )
        ],
        "direct_forgotten_between": [
            changed(
                lambda p, base, trained, control: {
                    **p,
                    "habit": trained.works * control.right_when_working - control.pass_at_1,
                    "skill": trained.pass_at_1 - trained.works * control.right_when_working,
                }
            )
        ],
        "the_control_s_habit": [
            lambda base, trained, control: {
                "any training": control.pass_at_1 - base.pass_at_1,
                "habit": replace(trained, works=control.works).pass_at_1 - control.pass_at_1,
                "skill": trained.pass_at_1 - replace(trained, works=control.works).pass_at_1,
            }
        ],
        "shares_subtracted": [
            changed(
                lambda p, base, trained, control: {
                    **p,
                    "habit": trained.works - control.works,
                    "skill": trained.right_when_working - control.right_when_working,
                }
            )
        ],
        "shares_of_the_gain": [
            changed(lambda p, *_: {name: part / sum(p.values()) for name, part in p.items()})
        ],
        "signs": [changed(lambda p, *_: {name: -1 * part for name, part in p.items()})],
        "habit_and_skill_swapped": [changed(lambda p, *_: {**p, "habit": p["skill"], "skill": p["habit"]})],
        "wrong_shape": [lambda base, trained, control: tuple(by_rest(base, trained, control).values())],
    }
}
