"""The known name that a user probably meant by an unknown one."""

from __future__ import annotations

from collections.abc import Iterable

_MIN_SIMILARITY = 0.7


def meant(word: str, known: Iterable[str]) -> str:
    """Return a question that names the known word most similar to an unknown one, or an empty string."""
    found = nearest(word, known)
    return f"; is {found} meant?" if found else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most similar to a word regardless of case, or an empty string."""
    import difflib  # imported here: rarely used

    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=_MIN_SIMILARITY)
    return by_folded[found[0]] if found else ""
