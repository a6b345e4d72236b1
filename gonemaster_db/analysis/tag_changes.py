"""Differences of message tags between two snapshots, and whether the domains or the measurement changed.

Source: contract analysis.md section 6.1. A tag that a vocabulary lists below the minimum level is absent from the
snapshot, so a tag that moved across that level counts as reclassified too.
"""

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.models import Vocabulary

Levels = Mapping[tuple[str, str], str]  # by module and tag
_RANK = {level: rank for rank, level in enumerate(LEVELS)}


class TagClass(enum.StrEnum):
    """The reason why a tag changed. Values are sent by the API: append, never change."""

    NEW_IN_ENGINE = "new_in_engine"
    REMOVED_FROM_ENGINE = "removed_from_engine"
    LEVEL_RECLASSIFIED = "level_reclassified"
    COHORT_CHANGE = "cohort_change"
    UNKNOWN = "unknown"  # a vocabulary is missing


MEASUREMENT = frozenset({TagClass.NEW_IN_ENGINE, TagClass.REMOVED_FROM_ENGINE, TagClass.LEVEL_RECLASSIFIED})


class TagKey(NamedTuple):
    """A message tag of a test case."""

    tag: str
    module: str
    testcase: str


@dataclass(frozen=True)
class TagRules:
    """The rules for comparing two snapshots: the stricter minimum level and both vocabularies, None if missing."""

    floor: str
    earlier: Levels | None
    later: Levels | None

    def is_shown(self, level: str) -> bool:
        """Whether a level is at or above the minimum level."""
        return _RANK[level] >= _RANK[self.floor]

    def classify(self, key: TagKey, was: str | None, now: str | None) -> TagClass:
        """Return why the level of a tag changed; None means absent."""
        if self.earlier is None or self.later is None:
            return TagClass.UNKNOWN
        position = (key.module, key.tag)
        earlier, later = self.earlier.get(position), self.later.get(position)
        if was is None and earlier is None and later is not None:
            return TagClass.NEW_IN_ENGINE
        if now is None and earlier is not None and later is None:
            return TagClass.REMOVED_FROM_ENGINE
        moved = earlier is not None and later is not None and earlier != later
        if moved and was == self._shown(earlier) and now == self._shown(later):
            return TagClass.LEVEL_RECLASSIFIED
        return TagClass.COHORT_CHANGE

    def _shown(self, level: str | None) -> str | None:
        return level if level is not None and self.is_shown(level) else None


def read_rules(session: Session, before: PublicSnapshot, after: PublicSnapshot) -> TagRules:
    """Return the rules for two snapshots."""
    floor = max(before.tag_view_min_level, after.tag_view_min_level, key=lambda level: _RANK.get(level, 0))
    earlier, later = (read_vocabulary(session, snapshot.vocabulary_id) for snapshot in (before, after))
    return TagRules(floor if floor in _RANK else LEVELS[0], earlier, later)


def read_vocabulary(session: Session, vocabulary_id: int | None) -> Levels | None:
    """Return the levels of a vocabulary, or None."""
    if vocabulary_id is None:
        return None
    stored = session.scalar(select(Vocabulary.levels).where(Vocabulary.id == vocabulary_id))
    if stored is None:
        return None
    modules: Mapping[str, Mapping[str, str]] = json.loads(stored)
    return {(module.upper(), tag): level for module, tags in modules.items() for tag, level in tags.items()}
