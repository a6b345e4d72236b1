"""A variable that looks like a setting and is none is logged, with the one that may be meant."""

import logging

import pytest

from gonemaster_tasks.config.environment import unknown_variables, warn_of_unknown_variables
from gonemaster_tasks.config.settings import OPTIONS


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
