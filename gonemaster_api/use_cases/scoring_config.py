"""Replacement of the scoring configuration; all processes apply it within two seconds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.state import State
from gonemaster_db.core.clock import utcnow
from gonemaster_db.service.audit import record_action
from gonemaster_db.service.settings import write_settings
from gonemaster_engine.errors import ScoringConfigError
from gonemaster_engine.scoring.config import parse_config
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.scoring import SCORING_KEY, expire_cached_scoring

FILE_KEY = "scoring_config_path"


def replace_scoring(state: State, document: Mapping[str, Any], *, who: str) -> dict[str, Any]:
    """Store a configuration and return the complete one; missing keys use the default.

    Raises:
        BadRequest: invalid_scoring_config; readonly_setting if a file sets the configuration.
    """
    _refuse_if_file(state)
    try:
        config = parse_config(document, refuse_ignored=True)
    except ScoringConfigError as error:
        raise refusal("invalid_scoring_config", error) from error
    now, details = utcnow(), {"keys": sorted(document), "fingerprint": config.fingerprint}

    def store(session: Session) -> None:
        write_settings(session, {SCORING_KEY: dict(document)}, now=now)
        record_action(session, "scoring.update", who=who, now=now, target=SCORING_KEY, details=details)

    state.store.run_in_transaction(store)
    expire_cached_scoring(state.store)
    return config.as_dict()


def _refuse_if_file(state: State) -> None:
    if state.settings.scoring_config_path:
        text = Text("the configuration comes from the file set by {file_key}", file_key=FILE_KEY)
        raise BadRequest("readonly_setting", text, details={"setting": FILE_KEY})
