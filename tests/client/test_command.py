"""The command without a service: parser, texts, tokens, completion, errors of servers and proxies."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from gonemaster_client.cli.arguments import duration, header
from gonemaster_client.cli.catalogue import every_command
from gonemaster_client.cli.configuration import store_token, token_for, tokens_file
from gonemaster_client.cli.main import main
from gonemaster_client.cli.parser import build_parser
from gonemaster_client.cli.texts import printable, safe_json
from gonemaster_client.version import __version__
from gonemaster_engine.version import __version__ as engine_version
from tests.client.servers import Reply, scripted
from tests.client.test_transports import error

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("GONEMASTER_URL", "GONEMASTER_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main(words)
        except SystemExit as end:
            code = int(str(end.code))
        return code, *capsys.readouterr()

    return run


def test_client_and_service_have_the_same_version() -> None:
    assert __version__ == engine_version


@pytest.mark.parametrize("words", every_command())
def test_each_command_has_a_function_and_a_help(words: str, command: Command) -> None:
    module, _, function = every_command()[words].run.partition(".")
    assert callable(getattr(import_module(f"gonemaster_client.cli.commands.{module}"), function))
    code, text, _ = command(*words.split(), "--help")
    assert code == 0
    assert text.startswith(f"usage: gonemaster-client {words}")


def test_global_options_can_precede_and_follow_the_command() -> None:
    parser = build_parser()
    for words in ("--format json --server http://a jobs list", "jobs list --server http://a --format json"):
        options = parser.parse_args(words.split())
        assert (options.format, options.server, options.locale) == ("json", "http://a", "en")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("jobs", "the following arguments are required: COMMAND"),
        ("jobs list --status nothing", "choose from"),
        ("jobs create --domain a --min-level loud", "choose from"),
        ("jobs list --limit x", "'x' is not a number of at least 0"),
        ("--timeout soon jobs list", "'soon' is not a duration, such as 30s, 10m or 1h30m"),
        ("--header nothing jobs list", "'nothing' is not NAME:VALUE"),
        ("jobs list --statu queued", "unrecognized arguments"),
        ("jobs batch --batch-size 0", "must be at least 1"),
    ],
)
def test_invalid_arguments_are_explained(line: str, text: str, command: Command) -> None:
    code, _, written = command(*line.split())
    assert code == 2
    assert text in written


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("1.5s", 1.5), ("10m", 600), ("1h30m", 5400)])
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


def test_headers() -> None:
    assert header("X-Mine: a:b") == ("X-Mine", "a:b")


@pytest.mark.parametrize("name", ["--version", "--help"])
def test_the_command_starts_without_httpx_and_rich(name: str) -> None:
    code = (
        "import sys; from gonemaster_client.cli.main import main\n"
        f"try: main(['{name}'])\nexcept SystemExit: pass\n"
        "print([each for each in ('httpx', 'rich', 'asyncio', 'dns', 'ssl') if each in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_options(shell: str, command: Command) -> None:
    code, text, _ = command("completion", shell)
    assert code == 0
    assert {word for word in ("jobs", "add-domains", "--zone-file") if word in text} == {
        "jobs",
        "add-domains",
        "--zone-file",
    }


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        (error(401, "unauthorized"), ["unauthorized, HTTP status 401", "run 'gonemaster-client login'"]),
        (Reply(403, b'{"error":{"code":"forbidden","message":"m","details":{"scope":"operate"}}}'), ["scope operate"]),
        (error(404, "not_found"), ["not_found, HTTP status 404"]),
        (error(409, "invalid_state"), ["invalid_state, HTTP status 409"]),
        (error(413, "body_too_large"), ["body_too_large, HTTP status 413"]),
        (error(422, "x"), ["HTTP status 422", "field: domain"]),
        (error(429, "rate_limited", **{"Retry-After": "90"}), ["HTTP status 429", "try again in 90 s"]),
        (error(503, "overloaded", **{"Retry-After": "90", "X-Request-Id": "r9"}), ["try again in 90 s", "request r9"]),
        (Reply(200, b"<html>", {"Content-Type": "text/html"}), ["does not respond as the API of gonemaster"]),
        (Reply(301, b"", {"Location": "https://a.example/"}), ["redirects to https://a.example/"]),
        (Reply(body=None), ["ended before the response was complete"]),
    ],
    ids=["401", "403", "404", "409", "413", "422", "429", "503", "html", "redirect", "closed"],
)
def test_what_a_server_refuses_is_explained(reply: Reply, texts: list[str], command: Command) -> None:
    with scripted(reply) as server:
        code, written, errors = command("--server", server.url, "--retries", "0", "jobs", "get", "job_1")
    assert (code, written) == (2, "")
    assert [text for text in texts if text not in errors] == []
    assert all(line.startswith("gonemaster-client: ") for line in errors.splitlines())


def test_control_characters_of_a_server_do_not_reach_the_terminal(command: Command) -> None:
    job = {"id": "job_1", "domain": "a\x1b[31m\u202eb", "error": "x\x9by"}
    with scripted(Reply(200, json.dumps(job).encode())) as server:
        for format in ("pretty", "json", "json-stream"):
            _, text, _ = command("--server", server.url, "--format", format, "jobs", "get", "job_1")
            assert not {"\x1b", "\x9b"} & set(text)
    assert printable("a\x1b\nb\u202e") == "a\\x1b\nb\\u202e"
    assert json.loads(safe_json('"\x9b"')) == "\x9b"


def whoami(mode: str = "token", **more: Any) -> Reply:
    return Reply(200, json.dumps({"mode": mode, "authenticated": bool(more), **more}).encode())


def test_login_stores_a_token_that_only_the_user_can_read(command: Command) -> None:
    with scripted(whoami(label="me", scope="read")) as server:
        code, text, _ = command("--server", server.url, "login", "--token", "gm_secret")
        assert code == 0
        assert "gm_secret" not in text
        assert server.received[0].headers["authorization"] == "Bearer gm_secret"
        assert stat.S_IMODE(tokens_file().stat().st_mode) == 0o600
        assert stat.S_IMODE(tokens_file().parent.stat().st_mode) == 0o700
        command("--server", f"{server.url}/api/v1/", "jobs", "get", "job_1")
        assert server.received[-1].headers["authorization"] == "Bearer gm_secret"
        command("--server", server.url, "logout")
        command("--server", server.url, "jobs", "get", "job_1")
        assert "authorization" not in server.received[-1].headers


@pytest.mark.parametrize(
    ("reply", "text"), [(whoami("open"), "needs no token"), (whoami(), "does not accept this token")]
)
def test_a_token_that_is_not_valid_is_not_stored(reply: Reply, text: str, command: Command) -> None:
    with scripted(reply) as server:
        code, _, errors = command("--server", server.url, "login", "--token", "gm_x")
    assert code == 2
    assert f"{text}: nothing was stored" in errors
    assert not tokens_file().exists()


def test_a_token_is_only_sent_to_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    store_token("https://a.example", "gm_a")
    assert token_for("https://a.example/api/v1", None) == "gm_a"
    assert token_for("https://b.example", None) == ""
    monkeypatch.setenv("GONEMASTER_TOKEN", "gm_env")
    assert token_for("https://a.example", None) == "gm_env"
    assert token_for("https://a.example", "gm_flag") == "gm_flag"


def test_a_file_of_tokens_that_others_can_read_is_refused(command: Command) -> None:
    store_token("https://a.example", "gm_a")
    tokens_file().chmod(0o644)
    code, _, errors = command("--server", "https://a.example", "jobs", "list")
    assert code == 2
    assert f"chmod 600 {tokens_file()}" in errors
    tokens_file().chmod(0o600)
    tokens_file().write_text("nonsense")
    assert (
        "is not valid JSON: delete the file, and log in again"
        in command("--server", "https://a.example", "jobs", "list")[2]
    )


def test_output_can_be_a_file_and_a_closed_pipe_is_no_error(command: Command, tmp_path: Path) -> None:
    with scripted(Reply(200, b'{"items": [], "total": 0}')) as server:
        file = tmp_path / "out.json"
        assert command("--server", server.url, "--output", str(file), "--format", "json", "jobs", "list")[0] == 0
        assert json.loads(file.read_text()) == []
        assert command("--server", server.url, "--output", "/no/such/folder/x", "jobs", "list")[0] == 2
        words = [sys.executable, "-m", "gonemaster_client", "--server", server.url, "jobs", "list"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
            assert done.stdout
            assert done.stderr
            done.stdout.close()
            assert done.stderr.read() == b""
        assert done.returncode == 0
