"""Test the installed gonemaster of this environment, outside a clone.

The program runs the commands, starts the whole service in an empty folder, sends requests to the API, and checks that
data files are installed: templates, styles, root hints, migrations, Redis scripts. It depends only on the package.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
ASSETS = {
    "gonemaster_engine": ("py.typed", "data/*", "locale/sv/LC_MESSAGES/*.mo"),
    "gonemaster_db": ("py.typed", "runs/documents/*.txt", "migrations/*.mako", "migrations/versions/0*.py"),
    "gonemaster_tasks": ("py.typed", "broker/scripts/*.lua", "reference_data/*.txt"),
    "gonemaster_api": (
        "py.typed",
        "demo/dnsworld/*.py",
        "server/units/*.service",
        "templates/**/*.html",
        "static/*.css",
        "locale/sv/LC_MESSAGES/*.mo",
    ),
}
START_S = 90


def main() -> int:
    """Run all checks up to the first failure."""
    print(f"packages in {_home('gonemaster_engine').parent}")
    counts = [_count(package, pattern) for package, patterns in ASSETS.items() for pattern in patterns]
    print(f"assets: {sum(counts)} files")
    for program in ("gonemaster", "gonemaster-server", "gonemaster-nagios"):
        print(f"{program}: {_run(program, '--version').splitlines()[0]}")
    assert "ADDRESS" in _run("gonemaster", "--list-tests").upper(), "no test cases"
    with tempfile.TemporaryDirectory() as folder:
        _serve(Path(folder))
    print("installed package: ok")
    return 0


def _home(package: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found, f"{package} is not installed"
    return Path(str(found.origin)).parent


def _count(package: str, pattern: str) -> int:
    files = [file for file in _home(package).glob(pattern) if file.is_file()]
    assert files, f"{package} ships no {pattern}"
    return len(files)


def _run(program: str, *arguments: str) -> str:
    done = subprocess.run([BIN / program, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, 3), f"{program} {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def _serve(folder: Path) -> None:
    """Start the service, request the API and pages, and stop the service."""
    log = folder / "log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GONEMASTER_")}
    with log.open("w") as output:
        server = subprocess.Popen(
            [BIN / "gonemaster-server", "--listen", "127.0.0.1:0", "--worker-processes", "1", "--log-format", "json"],
            env={**kept, "GONEMASTER_DATA_DIR": str(folder / "data")},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = _ready(server, log)
        assert json.loads(_get(f"{url}/api/v1/readyz"))["status"] == "ok"
        cases = json.loads(_get(f"{url}/api/v1/spec/testcases"))
        assert _get(f"{url}/"), "no start page"
        assert _get(f"{url}/static/app.css"), "no style sheet"
        print(f"gonemaster-server: ready at {url}, {len(str(cases))} characters of test cases")
    finally:
        server.send_signal(signal.SIGINT)
        status = server.wait(60)
    assert status == 0, f"gonemaster-server ended with {status}\n{log.read_text()}"


def _ready(server: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        for line in _lines(log):
            if line.get("event") == "gonemaster is ready":
                return str(line["url"])
        time.sleep(0.1)
    raise AssertionError(f"gonemaster-server does not become ready\n{log.read_text()}")


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    for text in log.read_text().splitlines():
        if text.startswith("{"):
            yield json.loads(text)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


if __name__ == "__main__":
    raise SystemExit(main())
