"""The programs that use the files in deploy/ accept them: systemd, nginx, Caddy, Compose, hadolint, Helm, promtool."""

from __future__ import annotations

import subprocess

import pytest

from tests.deploy.files import DEPLOY, module, tools_python_or_ours

CHECK = module("deploy/check.py")


def run(*names: str) -> subprocess.CompletedProcess[str]:
    command = [tools_python_or_ours(), str(DEPLOY / "check.py"), *names]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)


@pytest.mark.parametrize("name", CHECK.CHECKS)
def test_the_program_accepts_the_file(name: str) -> None:
    done = run(name)
    if done.returncode == 3:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ok ")


def test_an_unknown_check_is_refused() -> None:
    done = run("nothing")
    assert done.returncode == 2
    assert "nginx" in done.stderr


def test_a_missing_program_is_reported_and_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert CHECK.main(["caddy"]) == 3
    assert capsys.readouterr().out == "NOT RUN  caddy: no caddy: install the package caddy\n"
