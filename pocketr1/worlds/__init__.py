"""The toy world of the course: words, problems whose answers can be checked, and documents about them.

vocabulary: words and tokens; problems: three skills, and the judge (the language of its list programs is in
`programs`); corpus: documents, direct or worked; reading: what a completion says.
"""

from ..programs import ProgramError, run_program
from .corpus import TEXTBOOK, WEB, Document, Habits, Recipe, corpus, document
from .problems import (
    HARDER_LEVELS,
    TRAINED_LEVELS,
    Problem,
    Test,
    chance,
    judge,
    problems,
    stream_of_problems,
)
from .reading import Reading, read
from .vocabulary import LANGUAGES, VOCABULARY, UnknownWordError, Vocabulary

__all__ = [
    "Document",
    "HARDER_LEVELS",
    "Habits",
    "LANGUAGES",
    "Problem",
    "ProgramError",
    "Reading",
    "Recipe",
    "TEXTBOOK",
    "TRAINED_LEVELS",
    "Test",
    "UnknownWordError",
    "VOCABULARY",
    "Vocabulary",
    "WEB",
    "chance",
    "corpus",
    "document",
    "judge",
    "problems",
    "read",
    "run_program",
    "stream_of_problems",
]
