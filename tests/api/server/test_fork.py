"""Programs that the supervisor forks run as `python -m` would run them, with the memory of the supervisor."""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import pytest

from gonemaster_api.server.supervisor import fork
from gonemaster_api.server.supervisor.fork import ForkedProcess, fork_program
from tests.support.service import wait_for

pytestmark = pytest.mark.skipif(not fork.AVAILABLE, reason="only on Linux")

REPORT = """
    import json, os, signal, sys
    names = os.listdir("/proc/self/fd")
    report = {
        "arguments": sys.argv[1:],
        "variable": os.environ["WANTED"],
        "others": sorted(name for name in os.environ if name.startswith("PYTEST")),
        "session": os.getsid(0) == os.getpid(),
        "input": sys.stdin.read(),
        "descriptors": [int(name) for name in names if os.path.exists(f"/proc/self/fd/{name}")],
        "terminates": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "title": open("/proc/self/cmdline").read().rstrip(chr(0)),
    }
    print(json.dumps(report))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules can be run."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def started(folder: Path, text: str, *arguments: str, inherited: tuple[int, ...] = ()) -> ForkedProcess:
    name = f"program_{len(list(folder.iterdir()))}"
    (folder / f"{name}.py").write_text(textwrap.dedent(text))
    environ = {"WANTED": "yes"}
    return fork_program(name, arguments, environ=environ, inherited=inherited, on_orphaned=signal.SIGKILL)


def test_a_forked_program_has_its_own_arguments_session_and_files(folder: Path) -> None:
    kept, other = os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)
    process = started(folder, REPORT, "--name", "one", inherited=(kept,))
    with process.stdout as output:
        report: dict[str, Any] = json.loads(output.read())
    assert process.wait() == 0
    os.close(kept)
    os.close(other)
    title = report.pop("title")
    assert title.endswith("--name one")
    assert report == {
        "arguments": ["--name", "one"],
        "variable": "yes",
        "others": [],
        "session": True,
        "input": "",
        "descriptors": [0, 1, 2, kept],
        "terminates": True,
    }


@pytest.mark.parametrize(
    ("text", "status", "output"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('refused')", 1, "refused\n"),
        ("raise ValueError('broken')", 1, "ValueError: broken\n"),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
        ("import atexit; atexit.register(print, 'last')", 0, "last\n"),
        ("import threading; threading.Timer(0.1, print, ['thread']).start()", 0, "thread\n"),
    ],
)
def test_a_forked_program_ends_as_an_interpreter_does(folder: Path, text: str, status: int, output: str) -> None:
    process = started(folder, text)
    with process.stdout as stream:
        assert stream.read().endswith(output)
    assert process.wait() == status
    assert process.poll() == status


def test_a_package_that_the_supervisor_has_imported_runs_without_a_warning(folder: Path) -> None:
    package = folder / "package_of_a_program"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("print(__name__)")
    importlib.import_module(f"{package.name}.__main__")
    process = fork_program(package.name, (), environ={}, inherited=(), on_orphaned=signal.SIGKILL)
    with process.stdout as output:
        assert output.read() == "__main__\n"
    assert process.wait() == 0


def test_the_end_of_a_program_leaves_what_the_supervisor_removes_at_its_own_end(folder: Path) -> None:
    temporary = tempfile.TemporaryDirectory()
    process = started(folder, "import tempfile; kept = tempfile.TemporaryDirectory(); print(kept.name)")
    with process.stdout as output:
        own = Path(output.read().strip())
    assert process.wait() == 0
    assert Path(temporary.name).exists()
    assert not own.exists()
    temporary.cleanup()


def test_a_forked_program_receives_signals_and_may_be_waited_for(folder: Path) -> None:
    process = started(folder, "import signal; print('ready', flush=True); signal.pause()")
    assert process.stdout.readline() == "ready\n"
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    process.send_signal(signal.SIGTERM)  # has ended: no other process receives it
    process.stdout.close()


def test_a_forked_program_ends_with_its_killed_supervisor(folder: Path) -> None:
    (folder / "sleeper.py").write_text("import os, signal; print(os.getpid(), flush=True); signal.pause()")
    supervisor = f"""
        import sys
        sys.path.insert(0, {str(folder)!r})
        from gonemaster_api.server.supervisor.fork import fork_program
        child = fork_program("sleeper", [], environ={{}}, inherited=(), on_orphaned=9)
        print(child.stdout.readline(), flush=True)
        child.wait()
    """
    command = [sys.executable, "-c", textwrap.dedent(supervisor)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
    wait_for(lambda: not Path(f"/proc/{child}").exists(), what="the end of the child")
