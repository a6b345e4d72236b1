"""A start that cannot work, exposes the API to others, or promises a missing protection is refused. The command runs in
this process, because the refusal comes before anything is started.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gonemaster_api.server.cli import EXIT_REFUSED, main
from gonemaster_api.server.supervisor import listening
from gonemaster_api.server.supervisor.listening import NotLoopback

TOKEN = f"ops=sha256:{'0f' * 32}"
OPEN = ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0", "[::ffff:192.0.2.1]:0")
WRONG_DIGESTS = (TOKEN[:-1], f"ops:root={TOKEN[4:]}", "ops=" + "0f" * 32, f"a:b:c={TOKEN[4:]}")
Refusal = Callable[..., str]


@pytest.fixture
def refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Return the error message of a start that must be refused, as in `refusal("worker", "--flag")`."""

    def refuse(*arguments: str) -> str:
        assert main(["--data-dir", str(tmp_path / "data"), *arguments]) == EXIT_REFUSED
        printed = capsys.readouterr()
        assert printed.out == ""
        return printed.err

    return refuse


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "gonemaster_api.server", *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def test_a_refusal_ends_the_process_with_2_and_a_sentence(tmp_path: Path) -> None:
    """Invalid root hints would end each worker at every start."""
    file = tmp_path / "hints"
    file.write_text("root:x:0:0:root:/root:/bin/bash\n")
    done = command("--data-dir", str(tmp_path / "data"), "--root-hints", str(file))
    assert (done.returncode, done.stdout) == (EXIT_REFUSED, "")
    assert f"root_hints_path: the root hints file {file} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_say_nothing_of_their_connections(tmp_path: Path) -> None:
    """The command prints only the requested output."""
    done = command("db", "current", "--data-dir", str(tmp_path / "data"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "none\n", "")


@pytest.mark.parametrize(
    ("flag", "key"), [("--profile", "profile_path: resolvr"), ("--scoring-config", "scoring_config_path: resolvr")]
)
def test_file_of_the_settings_that_is_wrong(tmp_path: Path, refusal: Refusal, flag: str, key: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("resolvr: {}\n")
    assert key in refusal(flag, str(file))


def test_data_directory_that_is_none(tmp_path: Path, refusal: Refusal) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert refusal("--data-dir", str(file)) == (
        f"gonemaster-server: the data directory {file} cannot be used: it is not a directory;"
        " choose another one with --data-dir\n"
    )


def test_source_address_that_this_host_does_not_have(refusal: Refusal) -> None:
    assert "cannot send from the source address 192.0.2.53" in refusal("all", "--sourceaddr4", "192.0.2.53")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--workers", "0"), "--workers is '0' but must be an integer from 1 to 1024"),
        (("--listen", "here"), "--listen is 'here'"),
        (("worker", "--queues", ""), "--worker-queues is '' but must be a list of normal, batch, maintenance, check"),
        (("fly",), "unknown command 'fly'; choose from all, api, "),
        (("wroker",), "unknown command 'wroker'; is worker meant?"),
        (("db", "upgrde"), "unknown command 'upgrde'; is upgrade meant?"),
        (("--lisen", "127.0.0.1:0"), "unknown option --lisen; is --listen meant?"),
        (("worker", "--db-drivre=postgres"), "unknown option --db-drivre; is --db-driver meant?"),
        (("worker", "--json"), "unknown option --json\nTry 'gonemaster-server worker --help'."),
    ],
)
def test_wrong_values_name_the_setting(refusal: Refusal, arguments: tuple[str, ...], text: str) -> None:
    assert text in refusal(*arguments)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("gonemaster-server ")


def test_dump_of_the_settings_hides_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    dsn = "postgresql://me:swordfish@h/d"
    assert main(["--dump-config", "--db-driver", "postgres", "--db-dsn", dsn, "--no-debug"]) == 0
    printed = capsys.readouterr().out
    settings = json.loads(printed)
    assert settings["database.dsn"] == {"value": "postgresql://me:***@h/d", "source": "cli_flag"}
    assert settings["debug"]["value"] is False
    assert "swordfish" not in printed


@pytest.mark.parametrize(("part", "address"), [("all", OPEN[0]), ("api", OPEN[1])])
def test_open_mode_listens_on_no_address_that_others_reach(refusal: Refusal, part: str, address: str) -> None:
    text = refusal(part, "--listen", address)
    assert f"cannot listen on {address}: no admin tokens are configured" in text
    assert "--insecure-open" in text


@pytest.mark.parametrize("address", OPEN)
def test_address_that_is_not_loopback(address: str) -> None:
    with pytest.raises(NotLoopback):
        listening.bind(address, loopback_only=True)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.9.9.9:0", "localhost:0", "[::ffff:127.0.0.1]:0"])
def test_loopback_addresses_are_free_to_use(address: str) -> None:
    with listening.bind(address, loopback_only=True) as listener:
        assert listening.is_loopback(listener.getsockname())


@pytest.mark.parametrize("wrong", WRONG_DIGESTS)
def test_a_digest_that_is_none_is_refused_and_not_shown(refusal: Refusal, wrong: str) -> None:
    text = refusal("--admin-token-hashes", wrong)
    assert "--admin-token-hashes is ***" in text
    assert "0f0f" not in text


def test_public_pages_are_not_protected_by_tokens_that_are_not_there(refusal: Refusal) -> None:
    assert "auth.protect_public needs admin tokens" in refusal("--auth-protect-public")


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("sys.modules['structlog'] = None", "the Python package structlog is missing: install gonemaster again, with "),
        ("sys.version_info = (3, 9, 1)", "gonemaster needs Python 3.11 or later, and this is Python "),
    ],
)
def test_a_wrong_installation_is_one_sentence(broken: str, text: str) -> None:
    program = f"import sys; {broken}; from gonemaster_api.server.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (1, 2)
    assert text in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data-dir", "/proc/gonemaster"]) == EXIT_REFUSED
    assert "the data directory /proc/gonemaster cannot be used: " in capsys.readouterr().err
