"""A document is either accepted or rejected with an error: its validation raises no other exception."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gonemaster_engine.errors import ProfileError, ScoringConfigError
from gonemaster_engine.profile import repair as profile_repair
from gonemaster_engine.profile.diff import diff_profile
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, parse_config
from tests.support.examples import examples


def words(value: Any) -> set[str]:
    """All keys and texts of a document."""
    if isinstance(value, dict):
        return {word for key, item in value.items() for word in {str(key), *words(item)}}
    if isinstance(value, list):
        return {word for item in value for word in words(item)}
    return {value} if isinstance(value, str) else set()


def documents(vocabulary: set[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings that mostly consist of meaningful words."""
    texts = st.one_of(st.sampled_from(sorted(vocabulary)), st.text(max_size=5))
    numbers = st.one_of(st.integers(), st.just(10**400), st.floats())
    values = st.recursive(
        st.one_of(st.none(), st.booleans(), numbers, texts),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
        max_leaves=20,
    )
    return st.dictionaries(texts, values, max_size=6)


PROFILE_WORDS = words(default_profile().as_dict())
SCORING_WORDS = words(DEFAULT_CONFIG.as_dict())


@settings(max_examples=examples(30, 300))
@given(documents(PROFILE_WORDS))
def test_profiles(document: dict[str, Any]) -> None:
    with contextlib.suppress(ProfileError):
        diff_profile(document, default_profile())
    broken = [issue.type for issue in profile_repair.find_issues(document)] == ["invalid_config"]
    for repair in (
        profile_repair.add_missing_test_cases,
        profile_repair.add_missing_test_levels,
        profile_repair.reset_test_cases,
        lambda config: profile_repair.reset_test_levels(config, "BASIC"),
    ):
        try:
            assert all(issue.type != "invalid_config" for issue in profile_repair.find_issues(repair(document)))
        except ProfileError:
            assert broken


@settings(max_examples=examples(30, 300))
@given(documents(SCORING_WORDS))
def test_configurations_of_scoring(document: dict[str, Any]) -> None:
    with contextlib.suppress(ScoringConfigError):
        again = parse_config(parse_config(document).as_dict())
        assert again.as_dict() == parse_config(document).as_dict()
