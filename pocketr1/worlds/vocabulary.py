"""The words of the toy world: one word is one token.

Text is words separated by blanks, so the number of words is the number of tokens.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

PAD, END = "<pad>", "<end>"
DIGITS = tuple("0123456789")
SKILLS = ("calc", "run", "write")
ARITHMETIC = ("add1", "add2", "add3", "add4", "add5", "mul3", "mul7", "tot")
REARRANGING = ("rev", "rot", "swap")
GROWING = ("dup", "again")
SIGNS = (":", ">", ",", "?")
THINK, END_THINK, ANSWER, END_ANSWER = TAGS = ("<think>", "</think>", "<answer>", "</answer>")


@dataclass(frozen=True)
class Language:
    """The three words in which the two toy languages differ."""

    name: str
    ask: str  # opens a question
    then: str  # opens a step
    wait: str  # takes back the step before it


LANGUAGES: dict[str, Language] = {
    "english": Language("english", ask="find", then="then", wait="wait"),
    "latin": Language("latin", ask="quaere", then="deinde", wait="mane"),
}


class UnknownWordError(ValueError):
    """A word, or a token id, that the vocabulary does not have."""


@dataclass(frozen=True)
class Vocabulary:
    """A list of words, and the way from words to token ids and back. The id of a word is its place."""

    words: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        twice = sorted({word for word in self.words if self.words.count(word) > 1})
        if twice:
            raise ValueError(f"these words stand twice in the vocabulary: {' '.join(twice)}")
        object.__setattr__(self, "_ids", {word: place for place, word in enumerate(self.words)})

    def __len__(self) -> int:
        return len(self.words)

    @property
    def pad(self) -> int:
        """The id that fills short rows of a batch."""
        return self._ids[PAD]

    @property
    def end(self) -> int:
        """The id that closes a document."""
        return self._ids[END]

    def encode(self, text: str | Iterable[str]) -> list[int]:
        """Token ids of a text, or of words. Raises UnknownWordError, with the nearest word there is."""
        words = text.split() if isinstance(text, str) else text
        try:
            return [self._ids[word] for word in words]
        except KeyError as unknown:
            raise UnknownWordError(self._complaint(str(unknown.args[0]))) from None

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of token ids, without padding. Raises UnknownWordError for an id that is none."""
        ids = list(tokens)
        strange = [int(token) for token in ids if not 0 <= token < len(self)]
        if strange:
            raise UnknownWordError(f"token id {strange[0]} is outside 0 to {len(self) - 1}")
        return " ".join(self.words[token] for token in ids if token != self.pad)

    def pad_batch(
        self, rows: Sequence[Sequence[int]], side: Literal["left", "right"] = "right"
    ) -> tuple[Tensor, Tensor]:
        """Rows of ids as one tensor [batch, seq], padded on one side, and their lengths [batch].

        Documents to learn from are padded on the right. Prompts to continue are padded on the left, so that
        all of them end in the same column. Raises ValueError for no rows and for another side.
        """
        if not rows:
            raise ValueError("a batch needs at least one row")
        if side not in ("left", "right"):
            raise ValueError(f"side is 'left' or 'right', not {side!r}")
        lengths = [len(row) for row in rows]
        tokens = torch.full((len(rows), max(lengths)), self.pad)
        for row, words in enumerate(rows):
            start = 0 if side == "right" else max(lengths) - len(words)
            tokens[row, start : start + len(words)] = torch.tensor(words, dtype=torch.long)
        return tokens, torch.tensor(lengths)

    def _complaint(self, word: str) -> str:
        near = difflib.get_close_matches(word, self.words, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{word!r} is not one of the {len(self)} words of the vocabulary{hint}"


VOCABULARY = Vocabulary(
    (PAD, END, *DIGITS, *SKILLS, *ARITHMETIC, *REARRANGING, *GROWING, *SIGNS, *TAGS)
    + tuple(word for known in LANGUAGES.values() for word in (known.ask, known.then, known.wait))
)
