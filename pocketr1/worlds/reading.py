"""What a completion is: what it answers, whether it worked, how tidily, and in which language."""

from collections.abc import Sequence
from dataclasses import dataclass

from .vocabulary import ANSWER, END, END_ANSWER, END_THINK, LANGUAGES, TAGS, THINK


@dataclass(frozen=True)
class Reading:
    """A completion as it was read.

    `answer` is what stands in the one closed answer at its end, or None, and then `why` says what is
    wrong. `tidy`: it is exactly <think> ... </think> <answer> ... </answer>, with no other tag; thinking and
    answer may be empty. `steps` is how many steps were begun before the answer, counted by the word that
    begins one, `waits` how many were taken back, `words` how many words of each language the thinking has.
    `completion` are its words up to the end word, which is the last of them if the model wrote one.
    """

    answer: tuple[str, ...] | None
    why: str | None
    tidy: bool
    steps: int
    waits: int
    words: dict[str, int]
    completion: tuple[str, ...] = ()

    @property
    def worked(self) -> bool:
        """Whether at least one step was begun before the answer."""
        return self.steps > 0

    def consistency(self, language: str) -> float:
        """The share of the thinking's language words that are in this language; 1 when there are none."""
        total = sum(self.words.values())
        return self.words[language] / total if total else 1.0


def read(completion: Sequence[str] | str, ended: bool = True) -> Reading:
    """Read a completion, as words or text. What follows `<end>` is ignored.

    `ended` is False for a completion that was cut off before its end word: it has no answer.
    """
    words = tuple(completion.split() if isinstance(completion, str) else completion)
    if END in words:
        words, ended = words[: words.index(END)], True
    start = words.index(ANSWER) if ANSWER in words else len(words)
    thinking, rest = words[:start], words[start:]
    answer, why = read_answer(rest) if ended else (None, "it was cut off before its end")
    return Reading(
        answer,
        why,
        tidy=answer is not None and is_tidy(thinking) and not set(answer) & set(TAGS),
        steps=sum(thinking.count(known.then) for known in LANGUAGES.values()),
        waits=sum(thinking.count(known.wait) for known in LANGUAGES.values()),
        words={
            known.name: thinking.count(known.then) + thinking.count(known.wait)
            for known in LANGUAGES.values()
        },
        completion=(*words, END) if ended else words,
    )


def read_answer(words: tuple[str, ...]) -> tuple[tuple[str, ...] | None, str | None]:
    """The answer in words that begin with <answer>, or why there is none."""
    if not words:
        return None, "there is no <answer>"
    if words.count(ANSWER) > 1 or words.count(END_ANSWER) > 1:
        return None, "there is more than one answer"
    if END_ANSWER not in words:
        return None, "the answer is not closed"
    if words[-1] != END_ANSWER:
        return None, "something follows the answer"
    return words[1:-1], None


def is_tidy(thinking: tuple[str, ...]) -> bool:
    """Whether the words before the answer are one closed pair of think tags, and nothing beside it."""
    tags = [word for word in thinking if word in TAGS]
    return tags == [THINK, END_THINK] and thinking[0] == THINK and thinking[-1] == END_THINK
