"""The server works within the restrictions of the systemd units and the image."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.files import UNITS, services
from tests.support import sealed
from tests.support.dnsworld import World
from tests.support.service import Service
from tests.support.sources import ROOT

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("hardening")]

USER = "10001"
UNIT = UNITS / "gonemaster-worker@.service"
# The root file system is read-only except for the given folder; other processes do not see the mounts.
_READ_ONLY = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,bind,ro /
shift
exec "$@"
"""


def within(home: Path) -> list[str]:
    """Return the restricting command: read-only tree, other user, no capabilities, the unit's system call filter."""
    return [
        *("unshare", "--mount", "--", "bash", "-c", _READ_ONLY, "bash", str(home)),
        *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"),
        *("--no-new-privs", sys.executable, str(ROOT / "tests" / "support" / "sealed.py"), str(UNIT)),
    ]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that the other user owns and can access."""
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: only root makes a process of another user with a read-only tree")
    for program in ("unshare", "setpriv", "systemd-analyze"):
        if not shutil.which(program):
            pytest.skip(f"NOT RUN: no {program} on this machine")
    folder = Path(tempfile.mkdtemp(prefix="gm-sealed-", dir="/tmp"))
    folder.chmod(0o755)
    for name in ("data", "tmp"):
        (folder / name).mkdir()
    shutil.chown(folder, int(USER), int(USER))
    for entry in folder.iterdir():
        shutil.chown(entry, int(USER), int(USER))
    try:
        probe = subprocess.run([*within(folder), "/bin/true"], capture_output=True, text=True, check=False, timeout=60)
        if probe.returncode and "Permission denied" in probe.stderr:
            pytest.skip(f"NOT RUN: user {USER} does not reach {ROOT}")
        assert probe.returncode == 0, probe.stderr
        yield folder
    finally:
        shutil.rmtree(folder)


def test_all_services_have_the_same_filter() -> None:
    """Therefore the test of one filter is valid for all services."""
    keys = ("SystemCallFilter", "RestrictAddressFamilies", "MemoryDenyWriteExecute", "CapabilityBoundingSet")
    filters = {tuple(tuple(unit.all(key)) for key in keys) for unit in services()}
    assert len(filters) == 1


def test_the_limits_are_in_force(home: Path) -> None:
    script = (
        "import os, socket, sys\n"
        "assert os.getuid() == 10001\n"
        "status = open('/proc/self/status').read()\n"
        "assert 'NoNewPrivs:\\t1' in status and 'Seccomp:\\t2' in status and 'CapBnd:\\t0000000000000000' in status\n"
        "def refused(do, *arguments):\n"
        "    try:\n"
        "        do(*arguments)\n"
        "    except OSError:\n"
        "        return True\n"
        "assert refused(socket.socket, socket.AF_PACKET, socket.SOCK_RAW)\n"
        "assert refused(os.chroot, '/')\n"
        f"assert refused(open, {str(ROOT / 'setup.cfg')!r}, 'a')\n"
        "assert refused(open, '/tmp/gm-not-here', 'w')\n"
        "socket.socket(socket.AF_INET6).close()\n"
        f"open({str(home / 'tmp' / 'x')!r}, 'w').close()\n"
    )
    done = subprocess.run(
        [*within(home), sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_job_runs_from_submission_to_result(home: Path, demo_world: World, demo_hints: Path) -> None:
    """Run all services at the same time, including the embedded broker: more than any single unit needs."""
    hints = home / "hints"
    shutil.copy(demo_hints, hints)
    hints.chmod(0o644)
    environ = {
        "GONEMASTER_ROOT_HINTS": str(hints),
        "GONEMASTER_DNS_PORT": str(demo_world.port),
        "GONEMASTER_ALLOW_NON_GLOBAL": "true",
        "TMPDIR": str(home / "tmp"),
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with Service(environ=environ, home=home, within=within(home)) as service:
        service.wait_until_ready()
        job = service.finished(service.submit("good.example"))
        assert job["status"] == "succeeded", service.log
    assert service.process.returncode == 0, service.log
    assert "Operation not permitted" not in service.log
    # Coverage cannot write its files here.
    log_lines = [line for line in service.log.splitlines() if ".coverage" not in line]
    assert not [line for line in log_lines if "Read-only file system" in line]


def test_the_filter_is_not_empty() -> None:
    unit = UNIT.read_text(encoding="utf-8")
    if not shutil.which("systemd-analyze"):
        pytest.skip("NOT RUN: no systemd-analyze on this machine")
    calls = sealed.allowed_calls(unit)
    assert {"read", "clone3", "setrlimit", "sendmmsg"} <= calls
    assert not calls & {"mount", "ptrace", "bpf", "reboot", "chroot", "setuid", "init_module"}
