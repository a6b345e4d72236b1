"""The scoring configuration as a document."""

from typing import Any

from gonemaster_api.state import State
from gonemaster_db.service.settings import read_settings
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig
from gonemaster_tasks.config.scoring import SCORING_KEY, current_scoring, parse_stored


def read_scoring(state: State) -> dict[str, Any]:
    """Return the complete configuration in effect."""
    return _current(state).as_dict()


def default_scoring() -> dict[str, Any]:
    """Return the built-in configuration."""
    return DEFAULT_CONFIG.as_dict()


def _current(state: State) -> ScoringConfig:
    """Return the configuration from the database, not from the cache of this process."""
    if state.settings.scoring_config_path:
        return current_scoring(state.store, state.settings)
    with state.store.read_only() as session:
        stored = read_settings(session, [SCORING_KEY])
    return parse_stored(stored[SCORING_KEY]) if stored else DEFAULT_CONFIG
