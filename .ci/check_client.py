"""Test the installed gonemaster-client of this environment, outside a clone and without the service."""

import importlib.util
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "gonemaster-client"
SERVICE = ("gonemaster_engine", "gonemaster_db", "gonemaster_tasks", "gonemaster_api", "flask", "celery", "sqlalchemy")


def main() -> int:
    """Run all checks up to the first failure."""
    assert [name for name in SERVICE if importlib.util.find_spec(name)] == [], "the service is installed, too"
    from gonemaster_client import AsyncClient, Client  # the import is a check

    folder = Path(str(importlib.util.find_spec("gonemaster_client").origin)).parent  # type: ignore[union-attr]
    assert (folder / "py.typed").exists(), "no py.typed"
    print(f"gonemaster_client in {folder}: {Client.__name__}, {AsyncClient.__name__}")
    print(run("--version"))
    assert "COMMAND" in run("--help"), "no help"
    assert "_gonemaster" in run("completion", "bash"), "no completion"
    refused = run("--server", "http://127.0.0.1:1", "--retries", "0", "jobs", "list", status=2)
    assert "cannot connect" in refused, refused
    print("installed client: ok")
    return 0


def run(*arguments: str, status: int = 0) -> str:
    """Run the command, check its exit status, and return what it wrote."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return (done.stdout + done.stderr).strip()


if __name__ == "__main__":
    raise SystemExit(main())
