"""The commands in README, quickstart and how-to pages, and the tests that run them.

    python -m tests.support.documented_commands

prints the numbers for each page. Commands that no test runs are in NOT_RUN, or in a table of their page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.sources import ROOT

# The test that runs the commands of each page.
RUN_BY = {
    "README.md": "tests/system/test_howtos.py",
    "docs/quickstart.md": "tests/system/test_howtos.py",
    "docs/howto/autoscaling.md": "tests/deploy/test_howto.py",
    "docs/howto/ci.md": "tests/deploy/test_examples.py",
    "docs/howto/backup.md": "tests/system/test_backup.py",
    "docs/howto/client.md": "tests/system/test_client.py",
    "docs/howto/deploy.md": "tests/deploy/test_howto.py",
    "docs/howto/going-public.md": "tests/deploy/test_howto.py",
    "docs/howto/logs-and-traces.md": "tests/tasks/test_logs.py",
    "docs/howto/metrics.md": "tests/system/test_metrics_howto.py",
    "docs/howto/monitor-a-tld.md": "tests/system/test_howtos.py",
    "docs/howto/release.md": "tests/deploy/test_release_run.py",
    "docs/howto/second-day.md": "tests/api/web/test_second_day.py",
    "docs/howto/test-regularly.md": "tests/system/test_howtos.py",
    "docs/howto/tokens.md": "tests/system/test_tokens.py",
    "docs/howto/upgrade.md": "tests/api/server/test_database_command.py",
    "docs/howto/zone-files.md": "tests/system/test_zone_files_howto.py",
    "docs/howto/watch-domains.md": "tests/tasks/notifications/test_webhook_example.py",
}
# The beginnings of commands that no test runs literally.
NOT_RUN = (
    "pipx install", "gonemaster-server demo", "make run", "make demo", "make test", "gonemaster-server setup",  # README
    "git push", "cosign verify", "ssh -L", "pip install '.[flower]'", "curl -s localhost:8080/api/v1/watches",
)  # fmt: skip
_PROGRAMS = (
    "apt-get", "caddy", "cosign", "curl", "deploy/", "docker", "git ", "gonemaster", "gpg", "helm", "install ", "jq",
    "kill", "kubectl", "make ", "nginx", "pg_dump", "pg_restore", "pip", "promtool", "psql", "python", ".venv/bin/",
    "/opt/gonemaster", "sha256sum", "sqlite3", "ssh", "systemctl", "systemd-analyze", "zcat",
)  # fmt: skip
_BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^(?:\$ |[A-Z_]+=\S+ (?=\S))*")


@dataclass(frozen=True)
class Command:
    """A command of a page; `test` is the test that runs it, empty if no test does."""

    page: str
    text: str
    test: str


def commands() -> list[Command]:
    """Return the commands of all pages in their order."""
    pages = ["README.md", "docs/quickstart.md", *sorted(f"docs/howto/{path.name}" for path in _howtos())]
    return [Command(page, text, _test_of(page, text)) for page in pages for text in _of_page(page)]


def _howtos() -> list[Path]:
    return list((ROOT / "docs/howto").glob("*.md"))


def _of_page(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    indented = "".join(
        re.findall(r"(?:^    .*\n)+", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    )
    lines = "".join([*_BLOCK.findall(text), re.sub(r"^    ", "", indented, flags=re.MULTILINE)])
    joined = re.sub(r"\\\n\s*", "", lines).splitlines()
    return [line for line in joined if _PROMPT.sub("", line).startswith(_PROGRAMS)]


def _test_of(page: str, text: str) -> str:
    table = (ROOT / page).read_text(encoding="utf-8").partition("## Commands that no test runs")[2]
    starts = [
        start for cell in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for start in re.findall(r"`([^`]+)`", cell)
    ]
    patterns = [re.escape(start).replace(re.escape("..."), ".*") + r"(\s|$)" for start in starts]
    if text.startswith(NOT_RUN) or any(re.match(pattern, text) for pattern in patterns):
        return ""
    return RUN_BY.get(page, "")


if __name__ == "__main__":
    found = commands()
    for page in dict.fromkeys(each.page for each in found):
        of_page = [each for each in found if each.page == page]
        run = sum(bool(each.test) for each in of_page)
        print(f"{page:40} {run:3} of {len(of_page):3} run by {RUN_BY.get(page, 'no test')}")
    print(f"{'all':40} {sum(bool(each.test) for each in found):3} of {len(found):3} run")
    print("\n".join(f"NOT RUN {each.page}: {each.text}" for each in found if not each.test))
