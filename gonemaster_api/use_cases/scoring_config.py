"""The configuration of scoring, read and stored; all processes follow within two seconds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.state import State
from gonemaster_db.clock import utcnow
from gonemaster_db.repositories.audit import record_action
from gonemaster_db.repositories.settings import read_settings, write_settings
from gonemaster_engine.errors import ScoringConfigError
from gonemaster_engine.scoring.config import DEFAULT_CONFIG, ScoringConfig, parse_config
from gonemaster_tasks.config.scoring import SCORING_KEY, current_scoring, expire_cached_scoring, parse_stored

FILE_KEY = "scoring_config_path"


def read(state: State) -> dict[str, Any]:
    """Give the complete configuration that counts."""
    return _current(state).as_dict()


def defaults() -> dict[str, Any]:
    """Give what counts as long as nothing else is said."""
    return DEFAULT_CONFIG.as_dict()


def replace(state: State, document: Mapping[str, Any], *, who: str) -> dict[str, Any]:
    """Store a configuration; keys that it does not have follow the default. Gives the complete one.

    Raises:
        BadRequest: invalid_scoring_config; readonly_setting while a file is in charge.
    """
    _refuse_if_file(state)
    try:
        config = parse_config(document)
    except ScoringConfigError as error:
        raise refusal("invalid_scoring_config", error) from error
    now, details = utcnow(), {"keys": sorted(document), "fingerprint": config.fingerprint}

    def store(session: Session) -> None:
        write_settings(session, {SCORING_KEY: dict(document)}, now=now)
        record_action(session, "scoring.update", who=who, now=now, target=SCORING_KEY, details=details)

    state.store.run_in_transaction(store)
    expire_cached_scoring(state.store)
    return config.as_dict()


def _current(state: State) -> ScoringConfig:
    """Read the configuration itself, not what this process remembers of it."""
    if state.settings.scoring_config_path:
        return current_scoring(state.store, state.settings)
    with state.store.read_only() as session:
        stored = read_settings(session, [SCORING_KEY])
    return parse_stored(stored[SCORING_KEY]) if stored else DEFAULT_CONFIG


def _refuse_if_file(state: State) -> None:
    if state.settings.scoring_config_path:
        text = f"the configuration is that of the file in {FILE_KEY}"
        raise BadRequest("readonly_setting", text, details={"setting": FILE_KEY})
