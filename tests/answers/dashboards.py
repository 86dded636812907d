"""Diagnoses of the broken trainers: right ones in other forms, and the confusions that are likely."""

from __future__ import annotations

from collections.abc import Callable

from pocketr1.dashboards import FAULTS

A, B, C, D, E = "cut off", "no gradient", "fooled verifier", "learning rate", "strong pull"


def in_pairs() -> dict[str, str]:
    return dict(zip("ABCDE", (A, B, C, D, E), strict=True))


def by_fault() -> dict[str, str]:
    letters = {A: "A", D: "D", C: "C", B: "B", E: "E"}
    return {letter: fault for fault, letter in letters.items()}


def one_by_one() -> dict[str, str]:
    found = dict.fromkeys("EDCBA", "")
    found["C"], found["A"], found["E"], found["D"], found["B"] = C, A, E, D, B
    return found


def by_place() -> dict[str, str]:
    names = sorted(FAULTS)
    return {letter: names[place] for letter, place in zip("ABCDE", (0, 3, 1, 2, 5), strict=True)}


def said(*faults: str) -> list[Callable[[], dict[str, str]]]:
    """The same diagnoses, in two ways of writing."""
    return [
        lambda: dict(zip("ABCDE", faults, strict=True)),
        lambda: {letter: faults["ABCDE".index(letter)] for letter in "EDCBA"},
    ]


RIGHT = {"diagnoses": [in_pairs, by_fault, one_by_one, by_place]}

WRONG = {
    "diagnoses": {
        "pull_and_gradient_swapped": said(A, E, C, D, B),
        "one_answer_for_no_gradient": said(A, "one answer", C, D, E),
        "sign_for_rate": said(A, B, C, "wrong sign", E),
        "one_answer_for_rate": said(A, B, C, "one answer", E),
        "fooled_and_rate_swapped": said(A, B, D, C, E),
        "sign_for_fooled": said(A, B, "wrong sign", D, E),
        "pull_for_cut": said(E, B, C, D, A),
        "fooled_for_cut": said(C, B, A, D, E),
        "wrong_value": [
            *said(D, C, B, A, E),  # all over the place
            *said(A, "gradient", C, D, E),  # no name in the list
            lambda: {"A": A, "B": B},
            lambda: [A, B, C, D, E],
        ],
        "returned_nothing": [lambda: None, lambda: print(end="")],
    }
}
