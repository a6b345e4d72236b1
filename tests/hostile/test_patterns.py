"""No text makes a regular expression take more than linear time."""

from __future__ import annotations

import re
import time

import pytest

from tests.hostile._patterns import Attack, Found, all_patterns, attacks, compiled_in_functions, work

pytestmark = pytest.mark.xdist_group("patterns")  # all share the list of expressions, which takes long to find
CHARACTERS = 3_000  # four times as many show quadratic time on a fast machine, too
FLOOR_S = 0.004  # processor time limit that each linear expression meets for texts four times as long
GROWTH = 8.0  # from once to four times the length; linear time grows by 4, quadratic time by 16


def seconds(found: Found, attack: Attack, characters: int) -> float:
    """Return the processor time of this thread, which does not depend on the load of the machine."""
    text: str | bytes = attack.text(characters)
    if isinstance(found.pattern.pattern, bytes):
        text = attack.text(characters).encode("latin-1", "replace")
    started = time.thread_time()
    for match in work(found.pattern, found.uses):
        match(text)
    return time.thread_time() - started


def is_linear(found: Found, attack: Attack) -> bool:
    """Return whether the time grows with the length of the text; the shortest of several attempts counts."""
    if any(seconds(found, attack, characters) > FLOOR_S for characters in (20, 40, 80, 400)):
        return False  # exponential time, or cubic time, which would not end
    for _ in range(3):
        shortest = seconds(found, attack, CHARACTERS)
        if shortest > FLOOR_S:
            continue
        longest = seconds(found, attack, 4 * CHARACTERS)
        if longest < FLOOR_S:
            return True
        middle = seconds(found, attack, 2 * CHARACTERS)
        if longest < GROWTH * shortest and middle < GROWTH / 2 * shortest:
            return True
    return False


def test_functions_only_compile_lists_of_known_texts() -> None:
    """An expression that a function compiles is not among those tested here: these two are escaped texts or a set."""
    assert compiled_in_functions() == {"gonemaster_db.runs.documents.outcomes", "gonemaster_tasks.masking"}


def test_the_expressions_of_the_packages_are_found() -> None:
    """Constants, validators of fields, values of a dictionary, and calls in functions."""
    places = all_patterns()
    modules = {place.partition(":")[0].removeprefix("gonemaster_") for place in places}
    assert {"engine.testcases.zone._caa", "api.v1.jobs.schemas", "tasks.broker.client", "engine.names"} <= modules
    assert sum(place.startswith("gonemaster_engine.testcases.zone._spf:") for place in places) >= 9


@pytest.mark.parametrize(
    "text", [r"[ \t]*(\w+)?[ \t]*;", r"(a+)+b", r"(?:a|b|ab)*c", r"\s*\n\s*", r"(\d+(?:\.\d+)?)(ms|s)", r"://.*@"]
)
def test_expressions_that_are_slow_are_noticed(text: str) -> None:
    found = Found(text, re.compile(text), frozenset({"fullmatch", "sub"}))
    assert not all(is_linear(found, attack) for attack in sorted(attacks(found.pattern)))


def test_no_text_takes_more_than_linear_time() -> None:
    slow = {
        place: attack
        for place, found in all_patterns().items()
        for attack in attacks(found.pattern)
        if not is_linear(found, attack)
    }
    assert not slow
