"""The worlds in docs/explanation/score.md have the grades that the document lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.graded_worlds import WORLDS, score_of

_HEADER = "| World | Score | Grade | Cap |\n| --- | --- | --- | --- |\n"
_FAST = frozenset(
    {
        "healthy and signed",
        "all signatures have expired",
        "DS record, but the zone is not signed",
        "both name servers refuse",
        "one of two name servers is silent",
        "one of two name servers refuses",
        "one of two name servers is an open resolver",
        "no name server has TCP",
    }
)


def listed() -> dict[str, str]:
    """Return the rows of the document by world."""
    page = Path("docs/explanation/score.md").read_text(encoding="utf-8")
    rows = page.partition(_HEADER)[2].splitlines()
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


def test_document_lists_all_worlds_in_their_order() -> None:
    assert list(listed()) == list(WORLDS)
    assert len(WORLDS) >= 40


@pytest.mark.parametrize(
    "world", [pytest.param(name, marks=() if name in _FAST else pytest.mark.slow) for name in WORLDS]
)
def test_world_has_the_grade_in_the_document(world: str, tmp_path: Path) -> None:
    score = score_of(world, tmp_path / "hints")
    cap = score.cap
    limit = f"{cap.grade}: {cap.cause.harm.value}, `{cap.cause.id}`" if cap else ""
    assert f"| {world} | {score.score} | {score.grade} | {limit} |" == listed()[world]


def test_silent_and_refusing_name_servers_cost_the_same() -> None:
    for one, other in (
        ("one of two name servers is silent", "one of two name servers refuses"),
        ("both name servers are silent", "both name servers refuse"),
    ):
        assert listed()[one].split(" | ")[1:3] == listed()[other].split(" | ")[1:3]
