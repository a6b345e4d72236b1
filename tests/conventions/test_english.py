"""Texts, docstrings, comments and documents avoid phrases that a native engineer would rewrite."""

from tests.support.english import hits


def test_no_text_has_a_banned_phrase() -> None:
    assert list(hits()) == []
