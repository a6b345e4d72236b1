"""Settings: the sources of values, rejected values, and the values shown."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gonemaster_tasks.config.credential_types import AdminToken, Scope, token_hashes, widest
from gonemaster_tasks.config.loader import load_settings, reread_tokens
from gonemaster_tasks.config.rendering import dump, to_environ
from gonemaster_tasks.config.settings import OPTIONS, Settings
from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.masking import mask_password

HASH = "sha256:" + "0f" * 32


def test_defaults_are_those_of_the_contract() -> None:
    settings = load_settings({}, {})
    assert settings.listen_addr == "127.0.0.1:8080"
    assert (settings.worker_count, settings.reserved_normal_slots, settings.max_concurrent_jobs) == (16, 1, 0)
    assert (settings.job_timeout_seconds, settings.max_attempts, settings.max_batch_size) == (300, 3, 1_000_000)
    assert settings.db_driver == "sqlite"
    assert settings.store_dsn == str(settings.data_dir / "gonemaster.db")
    assert settings.embedded_broker
    assert settings.guard_forced


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"worker_count": 2, "dns_port": 5353, "database": {"retention_days": 7}}))
    settings = load_settings(
        {"worker_count": "4"}, {"GONEMASTER_WORKER_COUNT": "3", "GONEMASTER_DNS_PORT": "1053"}, file
    )
    assert (settings.worker_count, settings.source("worker_count")) == (4, "cli_flag")
    assert (settings.dns_port, settings.source("dns_port")) == (1053, "environment")
    assert (settings.retention_days, settings.source("database.retention_days")) == (7, "config_file")
    assert settings.source("log_level") == "default"


def test_the_file_may_be_named_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"log_format": "json"}')
    assert load_settings({}, {"GONEMASTER_CONFIG": str(file)}).log_format == "json"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GONEMASTER_LISTEN", "8080"),
        ("GONEMASTER_LISTEN", "host:70000"),
        ("GONEMASTER_WORKER_COUNT", "0"),
        ("GONEMASTER_WORKER_COUNT", "1025"),
        ("GONEMASTER_WORKER_COUNT", "many"),
        ("GONEMASTER_BROKER_URL", "valkey://localhost"),
        ("GONEMASTER_BROKER_URL", "amqp://localhost"),
        ("GONEMASTER_DB_DRIVER", "mariadb"),
        ("GONEMASTER_LOG_LEVEL", "loud"),
        ("GONEMASTER_MIN_LEVEL", "SEVERE"),
        ("GONEMASTER_READ_TIMEOUT", "soon"),
        ("GONEMASTER_READ_TIMEOUT", "0"),
        ("GONEMASTER_DEBUG", "perhaps"),
        ("GONEMASTER_TRUSTED_PROXY_CIDRS", "10.0.0.1/8"),
        ("GONEMASTER_PUBLIC_URL", "ftp://example.org"),
        ("GONEMASTER_PUBLIC_URL", "https://user@example.org"),
        ("GONEMASTER_PUBLIC_URL", "https://example.org:99999"),
        ("GONEMASTER_PUBLIC_URL", "https://example.org/a b"),
        ("GONEMASTER_ROOT_HINTS", "/does/not/exist"),
        ("GONEMASTER_FLOWER_BASIC_AUTH", "secret"),
        ("GONEMASTER_SOURCE_ADDR4", "::1"),
        ("GONEMASTER_WORKER_QUEUES", "normal,fast"),
    ],
)
def test_an_invalid_value_is_an_error_that_names_variable_and_what_is_allowed(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {variable: value})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{variable} is ")
    assert " but must be " in problem
    assert ("secret" in problem) is False


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"no_such_key": 1, "worker_count": "x"}')
    with pytest.raises(SettingsError) as caught:
        load_settings({"dns_port": 0}, {"GONEMASTER_LOG_FORMAT": "xml"}, file)
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_file_that_is_no_object_stops_the_start(tmp_path: Path, content: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(content)
    with pytest.raises(SettingsError, match="config"):
        load_settings({}, {}, file)


def test_values_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"database\.dsn"):
        load_settings({}, {"GONEMASTER_DB_DRIVER": "postgres"})


def test_hosts_are_names_and_addresses_without_port() -> None:
    settings = load_settings({"allowed_hosts": "DNS.Example., b\u00fccher.example, [2001:DB8::1],192.0.2.1"}, {})
    assert settings.allowed_hosts == ("dns.example", "xn--bcher-kva.example", "2001:db8::1", "192.0.2.1")
    for wrong in (
        "*",
        "*.example",
        "a.example:80",
        "http://a.example",
        "a b",
        "[::1",
        "a/b",
        "::1%eth0",
        "[v1.x]",
        ".",
    ):
        with pytest.raises(SettingsError, match="allowed-hosts is"):
            load_settings({"allowed_hosts": wrong}, {})


@pytest.mark.parametrize(
    ("text", "path"),
    [("public/", "public/"), ("/check", "check/"), ("dns/check_2/", "dns/check_2/"), ("tests", "tests/")],
)
def test_a_path_of_pages_ends_with_a_slash(text: str, path: str) -> None:
    assert load_settings({}, {"GONEMASTER_PUBLIC_UI_PATH": text}).public_ui_path == path


@pytest.mark.parametrize(
    "text", ["", "/", "api", "pub/x", "queue/", "a//b", "../x", "a/./b", "Check", "a b", "ä", "<x>", "a" * 201]
)
def test_a_path_that_others_have_or_that_is_not_plain_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="PUBLIC_UI_PATH"):
        load_settings({}, {"GONEMASTER_PUBLIC_UI_PATH": text})


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("1h30m", 5400), ("250ms", 0.25), ("45", 45), ("1.5h", 5400)]
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    settings = load_settings({}, {"GONEMASTER_DRAIN_TIMEOUT": text})
    assert settings.drain_timeout == timedelta(seconds=seconds)


def test_admin_tokens_come_as_text_or_as_objects() -> None:
    parse: Any = token_hashes().parse
    (token,) = parse([{"label": "ops", "hash": HASH, "scopes": ["read"]}])
    assert (token.label, token.hash, token.scopes) == ("ops", HASH, ("read",))
    first, second = parse(f"ci={HASH},{HASH}")
    assert (first.label, second.label) == ("ci", "")
    (scoped,) = parse(f"ci:read+operate={HASH}")
    assert (scoped.label, scoped.scopes, widest(scoped.scopes)) == ("ci", ("read", "operate"), Scope.OPERATE)
    assert (widest(()), widest(("read",))) == (Scope.ADMIN, Scope.READ)
    for wrong in ("secret", f"ci:root={HASH}", f"a ={HASH}", [{"hash": HASH, "label": "a=b"}], [{"label": "ci"}]):
        with pytest.raises(ValueError):
            parse(wrong)


def test_tokens_are_read_again_from_the_file_only(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"

    def write(*labels: str) -> None:
        file.write_text(json.dumps({"auth": {"admin_tokens": [{"label": label, "hash": HASH} for label in labels]}}))

    write("first")
    settings = load_settings({}, {}, file)
    child = load_settings({}, to_environ(settings))
    flagged = load_settings({"admin_tokens": f"flag={HASH}"}, {}, file)
    write("second", "third")
    for found in (settings, child):
        assert [token.label for token in reread_tokens(found)] == ["second", "third"]
    assert [token.label for token in reread_tokens(flagged)] == ["flag"]
    file.write_text("{}")
    assert reread_tokens(child) == ()
    for text in ("{", '{"auth": {"admin_tokens": "secret"}}', '{"auth": {"admin_token": []}}'):
        file.write_text(text)
        with pytest.raises(SettingsError) as caught:
            reread_tokens(settings)
        assert "secret" not in str(caught.value.problems)


def test_the_dump_shows_sources_and_no_secrets() -> None:
    environ = {
        "GONEMASTER_DB_DRIVER": "postgres",
        "GONEMASTER_DB_DSN": "postgresql://me:hunter2@db/gonemaster",
        "GONEMASTER_BROKER_URL": "redis://:hunter2@redis:6379/1",
        "GONEMASTER_FLOWER_BASIC_AUTH": "ops:hunter2",
    }
    tokens = (AdminToken("ci", HASH),)
    shown = dump(replace(load_settings({"worker_count": 8}, environ), admin_tokens=tokens))
    assert shown["worker_count"] == {"value": 8, "source": "cli_flag"}
    assert shown["database.dsn"] == {"value": "postgresql://me:***@db/gonemaster", "source": "environment"}
    assert "hunter2" not in json.dumps(shown)
    assert HASH not in json.dumps(shown)
    assert set(shown) == {option.key for option in OPTIONS}


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("host=db password=x dbname=g", "host=db password=*** dbname=g"),
        ("sentinel://:x@a:1;sentinel://:x@b:1", "sentinel://:***@a:1;sentinel://:***@b:1"),
        ("redis://localhost", "redis://localhost"),
        ("redis://user@localhost", "redis://user@localhost"),
        ("postgresql://u:p/a#s?s@x@db/g", "postgresql://u:***@db/g"),
        ("postgresql://db/g?user=u&password=x&sslpassword=y", "postgresql://db/g?user=u&password=***&sslpassword=***"),
        ("host=db password = 'x \\' y' dbname=g", "host=db password = *** dbname=g"),
    ],
)
def test_passwords_are_masked_in_every_form_of_address(address: str, masked: str) -> None:
    assert mask_password(address) == masked


def test_a_child_process_arrives_at_the_same_settings() -> None:
    settings = load_settings(
        {
            "worker_queues": "normal",
            "debug": True,
            "exclude": "dnssec,zone01",
            "read_timeout": "90s",
            "admin_tokens": f"a:read={HASH},b={HASH},:operate+read={HASH},{HASH}",
        },
        {"GONEMASTER_ALLOWED_HOSTS": "a.example,2001:db8::1", "GONEMASTER_DATA_DIR": "/var/lib/gonemaster"},
    )
    child = load_settings({}, to_environ(settings))
    assert child == settings
    assert {option.key: child.source(option.key) for option in OPTIONS} == {
        option.key: settings.source(option.key) for option in OPTIONS
    }


def test_a_child_process_knows_that_a_flag_gave_the_default() -> None:
    child = load_settings({}, to_environ(load_settings({"worker_count": "16"}, {})))
    assert (child.worker_count, child.source("worker_count")) == (16, "cli_flag")


def test_names_are_distinct() -> None:
    for names in ([o.key for o in OPTIONS], [o.env for o in OPTIONS], [o.flag for o in OPTIONS]):
        assert len(set(names)) == len(names)
    assert isinstance(Settings(), Settings)


def test_debug_lowers_the_level_of_the_log() -> None:
    assert load_settings({}, {"GONEMASTER_LOG_LEVEL": "warn"}).effective_log_level == "warn"
    assert load_settings({"debug": True}, {"GONEMASTER_LOG_LEVEL": "warn"}).effective_log_level == "debug"
