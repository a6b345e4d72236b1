"""The doctor: each fault is reported with a remedy, and a hanging service does not block the doctor."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gonemaster_api.server import cli
from gonemaster_api.server.doctor import checks, run
from gonemaster_api.server.doctor.findings import CheckState, DoctorResult
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.schedule import restore_entries
from tests.db.core.test_limits import through_pooler
from tests.support.dnsworld import World
from tests.support.next_release import EXPAND, head, revisions_of, write_revision
from tests.support.redis import raw
from tests.support.rows import queue_job
from tests.support.stores import MakeSettings, opened

MakeDoctorSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(
    demo_world: World, demo_hints: Path, own_redis: EmbeddedRedis, store_settings: StoreSettings, tmp_path: Path
) -> MakeDoctorSettings:
    """Create settings: `make_settings(ipv6_mode="on")` has a database, a Redis of this test and loopback servers."""

    def make(**flags: Any) -> Settings:
        values = {
            "broker_url": own_redis.url,
            "db_driver": store_settings.driver,
            "db_dsn": store_settings.dsn,
            "data_dir": str(tmp_path),
            "root_hints_path": str(demo_hints),
            "dns_port": str(demo_world.port),
        }
        return load_settings(values | flags, {})

    return make


@pytest.fixture
def silent() -> Iterator[str]:
    """Host and port of a server that accepts connections and sends nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def states(settings: Settings) -> dict[str, set[CheckState]]:
    found: dict[str, set[CheckState]] = {}
    for finding in run.diagnose(settings):
        found.setdefault(finding.name, set()).add(finding.state)
    return found


def faults(settings: Settings, name: str) -> list[DoctorResult]:
    return [finding for finding in run.diagnose(settings) if finding.name == name and finding.state is CheckState.FAULT]


def test_without_workers_and_beat_only_these_are_faults(make_settings: MakeDoctorSettings) -> None:
    found = states(make_settings())
    assert found["database"] == found["settings"] == found["clock"] == {CheckState.OK}
    assert found["beat"] == found["workers"] == {CheckState.FAULT}
    assert CheckState.FAULT not in found["dns"] | found["broker"]
    assert found["queue"] == {CheckState.OK}


def test_an_active_beat_with_its_schedule_is_fine(make_settings: MakeDoctorSettings, own_redis: EmbeddedRedis) -> None:
    app = make_app(own_redis.url)
    with closing(Broker.open(own_redis.url)) as broker:
        raw(broker).set("redbeat::lock", "x")
        assert states(make_settings())["beat"] == {CheckState.WARNING}, "its entries are missing"
        restore_entries(app, broker)
        assert states(make_settings())["beat"] == {CheckState.OK}
    app.close()


def test_what_the_health_of_the_queue_finds_is_reported(
    make_settings: MakeDoctorSettings, store_settings: StoreSettings
) -> None:
    with opened(store_settings) as store:
        queue_job(store)
    texts = [finding.text for finding in run.diagnose(make_settings()) if finding.name == "queue"]
    assert any("no_worker" in text for text in texts)


def test_a_schema_of_another_version_is_a_fault(
    make_settings: MakeDoctorSettings, store_settings: StoreSettings, tmp_path: Path
) -> None:
    with opened(store_settings) as store:
        write_revision(tmp_path, EXPAND)
        with revisions_of(tmp_path):
            (found,) = faults(make_settings(), "database")
        assert f"its schema is {head()}" in found.text
        assert "db upgrade" in found.advice
        with store.transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '0028'"))
    (found,) = faults(make_settings(), "database")
    assert "0028, from before the first release" in found.text


def test_a_database_that_cannot_be_written_is_a_fault(
    make_settings: MakeDoctorSettings, store_settings: StoreSettings
) -> None:
    with opened(store_settings) as store, store.engine.begin() as connection:
        if store.engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER refusal BEFORE INSERT ON metric_counters BEGIN SELECT RAISE(ABORT, 'read only'); END"
            )
        else:
            connection.exec_driver_sql(
                f'ALTER DATABASE "{store.engine.url.database}" SET default_transaction_read_only = on'
            )
    (found,) = faults(make_settings(), "database")
    assert "cannot be written" in found.text


def test_an_absent_database_and_broker_are_faults_and_no_file_is_made(tmp_path: Path) -> None:
    settings = load_settings({"data_dir": str(tmp_path / "none"), "dns_port": "1"}, {})
    found = states(settings)
    assert found["database"] == found["broker"] == {CheckState.FAULT}
    assert found["clock"] == found["beat"] == found["workers"] == found["queue"] == {CheckState.SKIPPED}
    assert not (tmp_path / "none").exists()


def test_a_broker_that_evicts_messages_is_a_fault(make_settings: MakeDoctorSettings, own_redis: EmbeddedRedis) -> None:
    with closing(Broker.open(own_redis.url)) as broker:
        raw(broker).config_set("maxmemory-policy", "allkeys-lru")
        raw(broker).config_set("appendonly", "no")
    (found,) = faults(make_settings(), "broker")
    assert "allkeys-lru" in found.text
    assert states(make_settings())["broker"] == {CheckState.FAULT, CheckState.WARNING}, "appendonly is off, too"


def test_servers_that_do_not_answer_are_faults(make_settings: MakeDoctorSettings, tmp_path: Path) -> None:
    hints = tmp_path / "hints"
    hints.write_text(". 3600 NS a.\na. 3600 A 127.0.0.1\n", encoding="ascii")
    settings = make_settings(root_hints_path=str(hints), dns_port="1", ipv6_mode="off")
    found = [finding for finding in run.diagnose(settings) if finding.name == "dns"]
    assert [finding.state for finding in found] == [CheckState.FAULT] * 3 + [CheckState.SKIPPED] * 3
    assert all(finding.advice for finding in found[:3])


def test_what_hangs_is_left_behind(
    make_settings: MakeDoctorSettings, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "FIRST_LIMIT_S", 2.0)
    settings = make_settings(
        db_driver="postgres", db_dsn=f"postgresql://ops:s3cret@{silent}/x", broker_url=f"redis://:s3cret@{silent}/0"
    )
    found = run.diagnose(settings)
    by_name: Mapping[str, DoctorResult] = {finding.name: finding for finding in found}
    assert by_name["database"].state is by_name["broker"].state is CheckState.FAULT
    assert "no answer within" in by_name["database"].text
    assert not any("s3cret" in finding.text + finding.advice for finding in found)


def test_passwords_are_not_printed(make_settings: MakeDoctorSettings, capsys: pytest.CaptureFixture[str]) -> None:
    settings = make_settings(
        db_driver="postgres", db_dsn="postgresql://ops:s3cret@127.0.0.1:1/x", broker_url="redis://:s3cret@127.0.0.1:1/0"
    )
    assert run.run_doctor(settings, (), as_document=False) == 1
    printed = capsys.readouterr().out
    assert "127.0.0.1:1" in printed
    assert "s3cret" not in printed


def test_invalid_settings_are_a_fault_of_the_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONEMASTER_WORKER_COUNT", "many")
    assert cli.main(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "faults"
    assert [(check["name"], check["state"]) for check in document["checks"]] == [("settings", "fault")]
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().out.startswith("FAULT    settings  ")


def test_variables_that_are_no_settings_are_reported(
    make_settings: MakeDoctorSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONEMASTER_WORKER_CONT", "3")
    found = [finding for finding in run.diagnose(make_settings()) if finding.name == "settings"]
    assert [(finding.state, "WORKER_COUNT" in finding.advice) for finding in found] == [(CheckState.WARNING, True)]


def test_an_api_that_others_reach_needs_a_proxy(make_settings: MakeDoctorSettings) -> None:
    def warned(**flags: Any) -> bool:
        return any("proxy" in finding.text for finding in checks.check_settings(make_settings(**flags)))

    assert not warned()
    assert warned(listen_addr="0.0.0.0:8080")
    assert warned(public_url="https://dns.example")
    assert not warned(public_url="https://dns.example", trusted_proxy_cidrs="127.0.0.1/32")


def test_only_the_doctor_takes_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["beat", "--json"]) == 2
    assert "--json" in capsys.readouterr().err


def test_a_check_that_raises_is_a_finding(make_settings: MakeDoctorSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_settings: Settings) -> list[DoctorResult]:
        raise RuntimeError("nobody thought of it")

    monkeypatch.setattr(run, "FIRST", (run.TimedCheck("dns", broken, ""), *run.FIRST[:4], *run.FIRST[5:]))
    (found,) = faults(make_settings(), "dns")
    assert "nobody thought of it" in found.text


def test_an_open_data_directory_is_reported(
    make_store_settings: MakeSettings, make_settings: MakeDoctorSettings, tmp_path: Path
) -> None:
    directory = tmp_path / "open"
    directory.mkdir(mode=0o755)
    dsn = make_store_settings("sqlite").dsn
    found = run.diagnose(make_settings(data_dir=str(directory), db_driver="sqlite", db_dsn=dsn))
    assert any("chmod 700" in finding.advice for finding in found if finding.name == "settings")
    with closing(open_store(StoreSettings(dsn=dsn))) as store:
        store.ping()


def test_a_pooler_that_connects_late_is_reported(
    make_settings: MakeDoctorSettings, make_store_settings: MakeSettings, tmp_path: Path
) -> None:
    with through_pooler(make_store_settings("postgres"), tmp_path) as pooled:
        written, checked = checks.check_database(make_settings(db_driver="postgres", db_dsn=pooled.dsn))
    assert (written.state, checked.state) == ("ok", "warning")
    assert checked.advice == "set server_login_retry = 1 in PgBouncer (docs/howto/scale-out.md)"


def test_the_location_of_the_analysis_is_written(make_settings: MakeDoctorSettings, tmp_path: Path) -> None:
    assert states(make_settings())["analytics"] == {CheckState.OK}
    place = tmp_path / "analysis"
    assert states(replace(make_settings(), analytics_location=str(place)))["analytics"] == {CheckState.OK}
    assert list(place.iterdir()) == []
    place.rmdir()
    place.write_text("in the way")
    (found,) = faults(replace(make_settings(), analytics_location=str(place)), "analytics")
    assert found.text.endswith("a part of the path is a file; change analytics.location")
