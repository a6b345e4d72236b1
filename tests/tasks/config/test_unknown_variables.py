"""A variable that looks like a setting but is unknown is logged, with the setting that may be meant."""

import logging

import pytest

from gonemaster_tasks.config.environment import refuse_unknown_protection, unknown_variables, warn_of_unknown_variables
from gonemaster_tasks.config.settings import OPTIONS
from gonemaster_tasks.errors import SettingsError


def test_what_is_known_or_not_ours_is_left_alone() -> None:
    known = {option.env: "1" for option in OPTIONS}
    assert unknown_variables(known | {"GONEMASTER_CONFIG": "x", "PATH": "/bin", "GONEMASTERX": "1"}) == {}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GONEMASTER_WORKER_COUNTS", "GONEMASTER_WORKER_COUNT"),
        ("GONEMASTER_LSTEN", "GONEMASTER_LISTEN"),
        ("GONEMASTER_worker_count", "GONEMASTER_WORKER_COUNT"),
        ("GONEMASTER_BROKER_URI", "GONEMASTER_BROKER_URL"),
        ("GONEMASTER_COLOUR_OF_THE_SKY", ""),
    ],
)
def test_an_unknown_one_is_logged_with_a_close_match(name: str, meant: str, caplog: pytest.LogCaptureFixture) -> None:
    assert unknown_variables({name: "1"}) == {name: meant}
    with caplog.at_level(logging.WARNING):
        warn_of_unknown_variables({name: "secret"})
    (record,) = caplog.records
    assert vars(record)["variable"] == name
    assert vars(record).get("similar", "") == meant
    assert "secret" not in str(vars(record))


def test_children_leave_it_to_their_parent(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_unknown_variables({"GONEMASTER_LSTEN": "1", "GONEMASTER_SOURCES": "listen=cli_flag"})
    assert caplog.records == []


@pytest.mark.parametrize(
    "name",
    [
        "GONEMASTER_AUTH_MODE",
        "GONEMASTER_AUTH_TOKEN",
        "GONEMASTER_ADMIN_TOKEN",
        "GONEMASTER_MCP_TOKEN",
        "GONEMASTER_PUBLIC_PASSWORD",
        "GONEMASTER_auth_mode",
    ],
)
def test_an_unknown_protection_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        refuse_unknown_protection({name: "secret", "GONEMASTER_LSTEN": "1"})
    assert "secret" not in str(refused.value)
    assert "LSTEN" not in str(refused.value)


def test_what_protects_nothing_is_not_refused() -> None:
    known = {option.env: "1" for option in OPTIONS}
    refuse_unknown_protection(known | {"GONEMASTER_LSTEN": "1", "PATH": "/bin"})
