"""Progress bars on a terminal; programs that read the output get none."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.client.servers import Received, Reply, scripted
from tests.support.sources import ROOT

EVENTS = (
    b'id: 1\nevent: counts\ndata: {"status": "running", "total": 40, "completed": 10}\n\n'
    b'id: end\nevent: done\ndata: {"status": "done", "total": 40, "completed": 40}\n\n'
)
BATCH = b'{"batch_id": "batch_1", "name": "", "status": "done", "completed": 40, "domain_count": 40}'


def answer(request: Received) -> Reply:
    if request.path.endswith("/events"):
        return Reply(200, EVENTS, {"Content-Type": "text/event-stream"})
    return Reply(200, BATCH)


def on_terminal(*words: str) -> tuple[str, str]:
    """Run the command with a terminal as standard error; return its output and what the terminal got."""
    ours, theirs = pty.openpty()
    with scripted(answer) as server:
        command = [sys.executable, "-m", "gonemaster_client", "--server", server.url, *words]
        environ = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
        done = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # all was read
            break
        shown += piece
    os.close(ours)
    return done.stdout.decode(), shown.decode()


def test_a_watched_batch_has_a_bar_on_the_terminal_only() -> None:
    written, shown = on_terminal("batches", "watch", "batch_1")
    assert "40/40" in shown
    assert "Batch" in shown
    assert "batch_1" in written
    assert "\x1b" not in written


@pytest.mark.parametrize("format", ["json", "json-stream"])
def test_json_formats_have_no_bar(format: str) -> None:
    written, shown = on_terminal("--format", format, "batches", "watch", "batch_1")
    assert shown == ""
    assert "40" in written
