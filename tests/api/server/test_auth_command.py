"""`gonemaster-server auth`, on a separate database."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gonemaster_api.auth.tokens import digest_of, new_token
from gonemaster_api.server.cli import main

TOKEN = re.compile(r"gm_[A-Za-z0-9_-]{40,}")


class Command:
    """Runs the command in this process."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *arguments: str, status: int = 0) -> str:
        """Return its output, or its error message."""
        found = main(["auth", *arguments, "--data-dir", str(self.home / "data")])
        output = self._capsys.readouterr()
        assert found == status, output
        return output.err if status else output.out


@pytest.fixture
def auth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path, capsys)


def test_a_token_is_made_before_the_first_start_and_shown_once(auth: Command) -> None:
    printed = auth("add-token", "--label", "laptop")
    (token,) = TOKEN.findall(printed)
    listed = auth("list")
    assert digest_of(token) in printed
    identity = digest_of(token)[7:19]
    assert re.search(rf"^{identity} +laptop +admin +database +[-0-9]+ [:0-9]+Z - +- +-$", listed, re.MULTILINE), listed
    assert token not in listed
    assert digest_of(token) not in listed
    assert TOKEN.findall(auth("add-token", "--label", "other", "--scope", "read", "--scope", "operate")) != [token]
    assert "read+operate" in auth("list")
    assert "there is a token 'laptop'" in auth("add-token", "--label", "laptop", status=2)
    assert "revoked" in auth("revoke", "laptop")
    assert "was revoked before" in auth("revoke", identity)
    assert "no such token: 'laptop'" in auth("revoke", "laptop", status=2)
    auth("add-token", "--label", "laptop")
    assert "3 tokens removed" in auth("clear")
    assert auth("list").count("\n") == 1


def test_a_token_expires_when_the_option_says(auth: Command) -> None:
    auth("add-token", "--label", "guest", "--scope", "read", "--expires-at", "2100-01-31T13:00:00+01:00")
    assert re.search(r"guest +read +database +[-0-9]+ [:0-9]+Z +2100-01-31 12:00Z +-", auth("list"))


def test_tokens_of_the_configuration_are_listed_and_revoked(auth: Command) -> None:
    one, two = new_token(), new_token()
    entries = [{"label": "ci", "hash": digest_of(one), "scopes": ["read"]}, {"hash": digest_of(two)}]
    config = auth.home / "settings.json"
    config.write_text(json.dumps({"auth": {"admin_tokens": entries}}))
    flags = ("--config", str(config))
    assert re.search(" ci +read +configuration ", auth("list", *flags))
    auth("revoke", "ci", *flags)
    auth("revoke", digest_of(two)[7:19], *flags)
    assert len(re.findall("configuration\\+database", auth("list", *flags))) == 2
    assert "remove them from the setting first" in auth("clear", *flags, status=2)


def test_several_tokens_with_one_label_differ_by_id(auth: Command) -> None:
    one, two = digest_of(new_token()), digest_of(new_token())
    flags = ("--admin-token-hashes", f"ci={one},ci={two}")
    output = auth("revoke", "ci", *flags, status=2)
    assert one[7:19] in output
    assert two[7:19] in output


def test_only_print_stores_nothing(auth: Command) -> None:
    printed = auth("add-token", "--label", "x", "--scope", "read", "--only-print")
    assert f"x:read={digest_of(TOKEN.findall(printed)[0])}" in printed
    assert not (auth.home / "data" / "gonemaster.db").exists()


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["add-token"], "--label must be"),
        (["add-token", "--label", "a:b"], "--label must be"),
        (["add-token", "--label", " x"], "--label must be"),
        (["revoke", "nobody"], "no such token: 'nobody'"),
        (["add-token", "--label", "x", "--expires-at", "tomorrow"], "--expires-at must be an RFC 3339 time"),
        (["add-token", "--label", "x", "--expires-at", "2027-01-31T12:00"], "with an offset"),
        (["add-token", "--label", "x", "--expires-at", "2020-01-31T12:00Z"], "--expires-at must be in the future"),
        (["add-token", "--label", "x", "--expires-at", "2100-01-31T12:00Z", "--only-print"], "does not expire"),
        (["revoke"], "required: ID_OR_LABEL"),
        (["list", "--label", "x"], "unknown option --label"),
        (["revoek"], "unknown command 'revoek'; is revoke meant?"),
    ],
)
def test_what_cannot_be_done_is_said(auth: Command, arguments: list[str], output: str) -> None:
    assert output in auth(*arguments, status=2)
