"""Network namespaces as hosts behave as the fault tests need, and do not outlive the process that created them."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.networks import Host, network
from tests.support.workers import ROOT, wait_until

pytestmark = pytest.mark.root
SERVER = "import socketserver as s; s.TCPServer(('', 7), type('H', (s.StreamRequestHandler,), {'handle': lambda h: h.wfile.write(b'here')})).serve_forever()"  # fmt: skip  # noqa: E501 - a program
CALL = "import socket, sys; print(socket.create_connection((sys.argv[1], 7), 1).recv(9).decode(), end='')"
MAKER = """
import time
from tests.support.networks import Host, network
with network() as switch:
    host = Host(switch, "left")
    print(switch.uplink, host.run("sh", "-c", "sleep 600 > /dev/null 2>&1 & echo"), flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Host, Host]]:
    """Return a host that serves and a host that calls it."""
    with network() as switch:
        server, caller = Host(switch, "server"), Host(switch, "caller")
        server.start_program([sys.executable, "-c", SERVER], subprocess.DEVNULL, environ={}, cwd=Path("/"))
        wait_until(lambda: reaches(server, caller), what="the server")
        yield server, caller
        caller.end()
        server.end()


def reaches(server: Host, caller: Host | None = None) -> bool:
    """Return whether the server answers a caller, or this machine."""
    command = [*(caller.within if caller else []), sys.executable, "-c", CALL, server.address]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "here"


def test_a_host_has_its_own_name_and_processes(two: tuple[Host, Host]) -> None:
    server, caller = two
    assert caller.run("cat", "/proc/sys/kernel/hostname").strip() == "caller"
    assert len(server.pids()) == 1
    assert caller.pids() == []


def test_what_is_cut_parted_or_frozen_is_silent_until_it_is_over(two: tuple[Host, Host]) -> None:
    server, caller = two
    for fault, end in (
        (server.cut, server.join),
        (server.freeze, server.thaw),
        (lambda: caller.part_from(server), lambda: caller.meet(server)),
    ):
        assert reaches(server, caller)
        fault()
        assert not reaches(server, caller)
        end()
    assert reaches(server, caller)
    caller.part_from(server)
    assert reaches(server)  # other hosts are not affected
    caller.meet(server)


def test_a_link_that_loses_everything_and_one_that_delays(two: tuple[Host, Host]) -> None:
    server, caller = two
    server.worsen(delay_ms=0, jitter_ms=0, loss_percent=100)
    assert not reaches(server, caller)
    server.repair()
    server.worsen(delay_ms=5, jitter_ms=1, loss_percent=0)
    wait_until(lambda: reaches(server, caller), what="an answer over a slow link")
    server.repair()
    assert reaches(server, caller)


def test_a_host_without_power_has_no_processes_and_comes_back_without_them(two: tuple[Host, Host]) -> None:
    _, caller = two
    caller.start_program(["sleep", "600"], subprocess.DEVNULL, environ={}, cwd=Path("/"))
    wait_until(caller.pids, what="a process")
    pids = caller.pids()
    caller.power_off()
    wait_until(lambda: not any(map(_is_alive, pids)), what="its end")
    caller.power_on()
    assert caller.pids() == []
    assert caller.run("ip", "-4", "-o", "addr", "show", "dev", "eth0").split()[3] == f"{caller.address}/24"


def test_a_disk_of_a_host_is_seen_there_alone(two: tuple[Host, Host], tmp_path: Path) -> None:
    _, caller = two
    caller.mount_disk(tmp_path, "64k")
    caller.run("touch", str(tmp_path / "file"))
    assert not (tmp_path / "file").exists()
    assert caller.path(tmp_path / "file").exists()
    with pytest.raises(OSError, match="No space left"):
        caller.path(tmp_path / "big").write_bytes(bytes(1 << 20))


def test_nothing_is_left_when_its_maker_is_killed() -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("hosts are namespaces of Linux, which need root")
    maker = subprocess.Popen([sys.executable, "-c", MAKER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    with maker.stdout as output:
        uplink = output.readline().strip()
    if not uplink:
        pytest.skip("this machine makes no hosts")
    assert Path(f"/sys/class/net/{uplink}").exists()
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    wait_until(lambda: not Path(f"/sys/class/net/{uplink}").exists(), what="the end of its links")


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state not in "ZX"
