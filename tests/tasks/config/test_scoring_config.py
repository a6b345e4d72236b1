"""Which scoring configuration applies, and when a stored one takes effect."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.service.settings import delete_settings, write_settings
from gonemaster_engine.entries import Level
from gonemaster_engine.errors import ScoringConfigError
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.config.scoring import SCORING_KEY, current_scoring, expire_cached_scoring, known_scoring
from gonemaster_tasks.config.settings import Settings
from tests.support.rows import NOON
from tests.support.service import wait_for
from tests.support.stores import opened


def keep(store: Store, document: Any, *, hour: int = 0) -> None:
    with store.transaction() as session:
        write_settings(session, {SCORING_KEY: document}, now=NOON + timedelta(hours=hour))


def error_penalty(store: Store) -> float:
    return current_scoring(store, Settings()).severity_penalties[Level.ERROR]


def test_the_default_counts_until_something_is_stored_and_again_after_it_went(store: Store) -> None:
    assert current_scoring(store, Settings()) is DEFAULT_CONFIG
    keep(store, {"severity_penalties": {"ERROR": 33}})
    expire_cached_scoring(store)
    assert error_penalty(store) == 33
    with store.transaction() as session:
        delete_settings(session, [SCORING_KEY])
    expire_cached_scoring(store)
    assert current_scoring(store, Settings()) is DEFAULT_CONFIG


def has_penalty(store: Store, penalty: int) -> bool:
    return error_penalty(store) == penalty


def test_what_another_process_stores_counts_without_a_notification(store: Store, store_settings: StoreSettings) -> None:
    with opened(store_settings) as other:
        for hour, penalty in enumerate((30, 40)):
            keep(other, {"severity_penalties": {"ERROR": penalty}}, hour=hour)
            wait_for(partial(has_penalty, store, penalty))


def test_the_store_is_not_asked_for_every_score(store: Store) -> None:
    asked = []
    event.listen(store.engine, "before_cursor_execute", lambda *_: asked.append(1))
    for _ in range(1000):
        current_scoring(store, Settings())
    assert 1 <= len(asked) < 100


def test_a_configuration_is_known_until_it_is_due_to_be_read_again(store: Store, tmp_path: Path) -> None:
    keep(store, {"severity_penalties": {"ERROR": 33}})
    assert known_scoring(store, Settings()) is None
    read = current_scoring(store, Settings())
    wait_for(lambda: known_scoring(store, Settings()) is None)
    wait_for(lambda: current_scoring(store, Settings()) is read and known_scoring(store, Settings()) is read)
    expire_cached_scoring(store)
    assert known_scoring(store, Settings()) is None
    assert known_scoring(store, Settings(scoring_config_path=tmp_path / "scoring.yaml")) is None


def test_while_the_database_is_unavailable_what_was_read_last_counts(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    keep(store, {"severity_penalties": {"ERROR": 33}})
    assert error_penalty(store) == 33

    def fail(*_: object) -> None:
        raise OperationalError("the database is unavailable", None, Exception())

    event.listen(store.engine, "before_cursor_execute", fail)
    expire_cached_scoring(store)
    assert error_penalty(store) == 33
    assert "scoring configuration could not be read" in caplog.text


def test_a_stored_configuration_that_cannot_be_read_is_passed_over(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    keep(store, {"severity_penalties": {"ERROR": "much"}})
    assert current_scoring(store, Settings()) is DEFAULT_CONFIG
    assert "invalid stored scoring configuration" in caplog.text


def test_a_file_has_precedence_over_stored_values(store: Store, tmp_path: Path) -> None:
    keep(store, {"severity_penalties": {"ERROR": 33}})
    file = tmp_path / "scoring.yaml"
    file.write_text("severity_penalties: {ERROR: 7}\n")
    config = current_scoring(store, Settings(scoring_config_path=file))
    assert config.severity_penalties == {Level.ERROR: 7}
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("penalty: 7\n")
    with pytest.raises(ScoringConfigError):
        current_scoring(store, Settings(scoring_config_path=wrong))


def test_what_was_read_last_counts_while_its_table_cannot_be_read(store: Store) -> None:
    keep(store, {"severity_penalties": {"ERROR": 33}})
    assert error_penalty(store) == 33
    with store.transaction() as session:
        session.execute(text("ALTER TABLE settings RENAME TO elsewhere"))
    expire_cached_scoring(store)
    assert error_penalty(store) == 33
