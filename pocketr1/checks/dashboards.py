"""The check of the broken trainers: which fault is behind which dashboard.

What is compared is not the answer itself but what can be said of it, letter by letter. So a learner who is
wrong about one trainer reads what such a fault would have shown, and not which fault it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .specification import Case, Check, Mistake

BEHIND = {
    "A": "cut off",
    "B": "no gradient",
    "C": "fooled verifier",
    "D": "learning rate",
    "E": "strong pull",
}
RIGHT = "right"

WOULD_SHOW = {
    "cut off": "cut off? Lengths would meet at the end",
    "fooled verifier": "fooled? Reward would leave accuracy",
    "learning rate": "rate? The clip would be busy throughout",
    "no gradient": "no gradient? Its norm would be 0",
    "one answer": "one answer? All groups would be silent",
    "strong pull": "pull? Loss and gradient would be large",
    "wrong sign": "sign? Reward would fall from the start",
}
"""Short: a message shows the first 40 letters."""


def _said(candidate: Callable[[], Any], letter: str) -> Any:
    """What can be said of an answer for one trainer: "right", or what speaks against it."""
    said = candidate()
    if said is None or isinstance(said, Mapping):
        return said if said is None else _against(said.get(letter), letter)
    return "that is no dictionary from A to E"


def _against(said: Any, letter: str) -> str:
    if said == BEHIND[letter]:
        return RIGHT
    if said is None:
        return "nothing is said of it"
    return WOULD_SHOW.get(said, "that is no name in FAULTS") if isinstance(said, str) else "it is no text"


def _other(**changed: str) -> Callable[[str], str]:
    """What is said of the right diagnoses, some of them changed."""
    return lambda letter: _against({**BEHIND, **changed}[letter], letter)


DIAGNOSES = Check(
    expected=lambda letter: RIGHT,
    call=_said,
    gradients=False,
    cases=(
        Case("trainer A", lambda: ("A",)),
        Case("trainer B", lambda: ("B",)),
        Case("trainer C", lambda: ("C",)),
        Case("trainer D", lambda: ("D",)),
        Case("trainer E", lambda: ("E",)),
    ),
    mistakes=(
        Mistake(
            "pull_and_gradient_swapped",
            "B and E have changed places. Both stand still. But in one of them nothing pushes at all, and in"
            " the other two forces hold each other: look at the norm of the gradient",
            _other(B="strong pull", E="no gradient"),
        ),
        Mistake(
            "one_answer_for_no_gradient",
            "B stands still, but not because its groups are silent: see what share of them is",
            _other(B="one answer"),
        ),
        Mistake(
            "sign_for_rate",
            "D breaks down, but not by climbing down: the clip acts on twice as many tokens as in the healthy"
            " one in the first step, and on ten times as many later. A wrong sign does not do that",
            _other(D="wrong sign"),
        ),
        Mistake(
            "one_answer_for_rate",
            "D's groups are silent from some step on, and were not at first: that came of something",
            _other(D="one answer"),
        ),
        Mistake(
            "fooled_and_rate_swapped",
            "C and D have changed places. In both, accuracy ends at zero. In one of them the reward does not"
            " know of it",
            _other(C="learning rate", D="fooled verifier"),
        ),
        Mistake(
            "sign_for_fooled",
            "C's accuracy falls, while its reward rises: the trainer does what it is paid for. With a wrong"
            " sign it would do the opposite",
            _other(C="wrong sign"),
        ),
        Mistake(
            "pull_for_cut",
            "A gets to a third of its problems and no further. Something stops it, but nothing pulls it back:"
            " its gradient is ordinary. See how long its answers are, right and wrong ones",
            _other(A="strong pull", E="cut off"),
        ),
        Mistake(
            "fooled_for_cut",
            "A's reward and accuracy are one line: what is paid is right",
            _other(A="fooled verifier", C="cut off"),
        ),
    ),
    why="Each fault has its own gauge: lengths, the gradient's norm beside the silent groups, reward beside"
    " accuracy, the share of clipped tokens. The loss alone gives away the pull, and no other fault.",
)

CHECKS = {"diagnoses": DIAGNOSES}
