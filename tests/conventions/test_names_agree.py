"""Names that two packages define independently are equal."""

from gonemaster_db.core.levels import LEVELS, SEVERITIES
from gonemaster_db.core.states import Priority
from gonemaster_engine.entries import Level
from gonemaster_tasks.queues import TIERS


def test_the_levels_of_the_store_are_those_of_the_engine() -> None:
    assert tuple(level.name for level in sorted(Level)) == LEVELS
    assert tuple(level.name for level in sorted(Level) if level >= Level.NOTICE) == SEVERITIES


def test_the_tiers_of_the_queue_are_those_of_the_store() -> None:
    assert tuple(priority.tier for priority in Priority) == TIERS
