"""Answers to the exercise on list programs: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

from collections import deque

from pocketr1.programs import MEANINGS, STEP_LIMIT, ProgramError, run_operation

# run_program, right


def run_by_stretches(program, given):
    state, done, stretches = tuple(given), 0, [(0, len(program))]
    while stretches:
        first, last = stretches.pop()
        for place in range(first, last):
            done += 1
            if done > STEP_LIMIT:
                raise ProgramError("too long")
            if program[place] == "again":
                stretches += [(place + 1, last), (0, place)]
                break
            state = run_operation(program[place], state)
    return state


def run_by_recursion(program, given):
    done = 0

    def carry_out(end, state):
        nonlocal done
        for place in range(end):
            done += 1
            if done > STEP_LIMIT:
                raise ProgramError(f"more than {STEP_LIMIT} steps")
            state = (
                carry_out(place, state) if program[place] == "again" else run_operation(program[place], state)
            )
        return state

    return carry_out(len(program), tuple(given))


def run_by_a_queue(program, given):
    waiting, state = deque(enumerate(program)), list(given)
    for _ in range(STEP_LIMIT):
        if not waiting:
            return state
        place, word = waiting.popleft()
        if word == "again":
            waiting.extendleft(reversed(list(enumerate(program[:place]))))
        else:
            state = list(run_operation(word, tuple(state)))
    if waiting:
        raise ProgramError("it does not stop")
    return state


# run_program, wrong


def walk(program, end=None):
    for place in range(len(program) if end is None else end):
        yield program[place]
        if program[place] == "again":
            yield from walk(program, place)


def carried_out(words, given, limit=10**6):
    state = tuple(given)
    for done, word in enumerate(words):
        if done >= limit:
            raise ProgramError("too long")
        if word != "again":
            state = run_operation(word, state)
    return state


def from_the_right(program, given):
    run_by_recursion(program, given)
    return carried_out(reversed(list(walk(program))), given)


def each_on_the_first_list(program, given):
    made = run_by_stretches(program, given)
    for word in walk(program):
        if word != "again":
            made = run_operation(word, tuple(given))
    return made


def last_word_again(program, given):
    state, before = tuple(given), None
    if len(program) > STEP_LIMIT:
        raise ProgramError("too long")
    for word in program:
        if word != "again":
            before = word
        if before is not None:
            state = run_operation(before, state)
    return state


def inner_again_left_out(program, given):
    operations, words = [], []
    for word in program:
        words += operations if word == "again" else [word]
        operations += [] if word == "again" else [word]
    return carried_out(words, given, STEP_LIMIT)


def again_at_the_end(program, given):
    state, done, queue = tuple(given), 0, deque(range(len(program)))
    while queue:
        place = queue.popleft()
        done += 1
        if done > STEP_LIMIT:
            raise ProgramError("too many steps")
        if program[place] == "again":
            queue.extend(range(place))
        else:
            state = run_operation(program[place], state)
    return state


def all_again(program, given):
    operations = [word for word in program if word != "again"]
    return carried_out(operations * (1 + program.count("again")), given, STEP_LIMIT)


def again_not_counted(program, given):
    return carried_out([word for word in walk(program) if word != "again"], given, STEP_LIMIT)


def what_it_has(program, given):
    state = tuple(given)
    for done, word in enumerate(walk(program)):
        if done == STEP_LIMIT:
            return state
        if word != "again":
            state = run_operation(word, state)
    return state


def no_size_limit(program, given):
    state = tuple(given)
    for done, word in enumerate(walk(program)):
        if done == STEP_LIMIT or (word != "again" and word not in MEANINGS):
            raise ProgramError("refused")
        if word != "again":
            state = MEANINGS[word](state)
    return state


def written_words_counted(program, given):
    if len(program) > STEP_LIMIT:
        raise ProgramError("too many words")
    return carried_out(walk(program), given)


RIGHT = {"run_program": [run_by_stretches, run_by_recursion, run_by_a_queue]}
WRONG = {
    "run_program": {
        "from_the_right": [from_the_right],
        "each_on_the_first_list": [each_on_the_first_list],
        "last_word_again": [last_word_again],
        "inner_again_left_out": [inner_again_left_out],
        "all_again": [all_again],
        "again_at_the_end": [again_at_the_end],
        "no_step_limit": [lambda program, given: carried_out(walk(program), given)],
        "written_words_counted": [written_words_counted],
        "again_not_counted": [again_not_counted],
        "limit_too_small": [lambda program, given: carried_out(walk(program), given, STEP_LIMIT - 1)],
        "what_it_has": [what_it_has],
        "nonsense_left_out": [
            lambda program, given: run_by_recursion(
                [word for word in program if word == "again" or word in MEANINGS], given
            )
        ],
        "no_size_limit": [no_size_limit],
    },
}
