"""Hosts on one machine: namespaces of network, processes and host name, on a bridge in a separate namespace.

Everything ends with the process that created it, even if that process is killed: a child that dies with this process
holds each
namespace, the kernel kills the processes in it, and links disappear with their namespaces.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from gonemaster_tasks.worker.execute.process_identity import identity

_NEEDED = ("ip", "unshare", "nsenter", "setpriv")
_ANSWER_S = 30
_WORSE_LINK = str(Path(__file__).with_name("worse_link.py"))
_NOBODY = "02:00:00:00:00:01"  # a link-layer address that no host has


class Namespace:
    """A waiting first process, and the other processes in its namespaces."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._keeper: subprocess.Popen[bytes] | None = None
        self._first = 0  # the PID of the first process in our namespace
        self._programs: list[subprocess.Popen[bytes]] = []  # nsenter processes, which wait for their programs
        self.start()

    def start(self) -> None:
        """Create the namespaces, and wait until their first process is running."""
        wait = 'echo "$0" > /proc/sys/kernel/hostname && echo && exec sleep infinity'
        spaces = ["--net", "--uts", "--pid", "--mount", "--fork", "--mount-proc", "--propagation", "slave"]
        self._keeper = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *spaces, "--kill-child=KILL", "sh", "-c", wait, self.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches us, and we stop it
        )
        assert self._keeper.stdout is not None
        with self._keeper.stdout as output:
            assert output.readline(), f"no namespaces for {self.name}"
        self._first = int(_children(self._keeper.pid)[0])

    @property
    def within(self) -> list[str]:
        """Return the command that runs another command in the namespaces."""
        return ["nsenter", "-t", str(self._first), "--net", "--uts", "--pid", "--mount"]

    def run(self, *command: str) -> str:
        """Run a command in the namespaces until it exits; return its output."""
        return _run(*self.within, *command)

    def start_program(
        self, command: Sequence[str | Path], log: IO[bytes] | int, *, environ: Mapping[str, str], cwd: Path
    ) -> subprocess.Popen[bytes]:
        """Start a program in the namespaces."""
        program = subprocess.Popen(
            [*self.within, f"--wdns={cwd}", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **environ},
            start_new_session=True,
        )
        self._programs.append(program)
        return program

    def pids(self) -> list[int]:
        """Return all processes in the namespaces except the first, with their PIDs in our namespace."""
        space = _space_of(self._first)
        everything = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in everything if _space_of(pid) == space and pid != self._first]

    def path(self, path: Path) -> Path:
        """Return the path under which this process reaches a file in the mounts of the namespaces."""
        return Path(f"/proc/{self._first}/root{path}")

    def end(self) -> None:
        """Kill all processes immediately; the kernel removes the namespaces."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        keeper.kill()
        keeper.wait(_ANSWER_S)
        for program in self._programs:
            program.kill()
            program.wait(_ANSWER_S)
        self._programs.clear()
        _wait_for_end(self._first)


class Switch(Namespace):
    """A bridge with a link to this machine."""

    def __init__(self) -> None:
        super().__init__("switch")
        second, third = secrets.token_bytes(2)
        self._network = f"10.{second}.{third}"
        self.uplink = f"gm{second:02x}{third:02x}"
        self._count = 0
        self.run("ip", "link", "add", "bridge", "type", "bridge")
        self.run("ip", "link", "set", "bridge", "up")
        _run("ip", "link", "add", self.uplink, "type", "veth", "peer", "name", "outside", "netns", str(self._first))
        _run("ip", "addr", "add", f"{self._network}.254/24", "dev", self.uplink)
        _run("ip", "link", "set", self.uplink, "up")
        self.run("ip", "link", "set", "outside", "master", "bridge", "up")

    def next_host(self) -> tuple[int, str]:
        """Return the number and the address of another host."""
        self._count += 1
        return self._count, f"{self._network}.{self._count}"

    def end(self) -> None:
        """Also remove the link immediately: the kernel removes namespaces with a delay."""
        subprocess.run(["ip", "link", "del", self.uplink], check=False, capture_output=True)
        super().end()


class Host(Namespace):
    """A host on a switch; test processes reach it by its address."""

    def __init__(self, switch: Switch, name: str) -> None:
        self._switch = switch
        self._repair: Callable[[], object] = lambda: None
        number, self.address = switch.next_host()
        self._port = f"{switch.uplink}p{number}"  # the switch end; in our namespace
        # The address survives a power loss, like that of a network card: other hosts remember it for half a minute.
        self._link_address = f"02:00:00:00:01:{number:02x}"
        super().__init__(name)
        self._plug_in()

    def _plug_in(self) -> None:
        pair = ["ip", "link", "add", self._port, "type", "veth", "peer", "name", "eth0", "netns", str(self._first)]
        # In that namespace, ip knows our PIDs but no namespace names: the link is created here and moved.
        _run(*pair)
        _run("ip", "link", "set", self._port, "netns", str(self._switch._first))
        self._switch.run("ip", "link", "set", self._port, "master", "bridge", "up")
        self.run("ip", "link", "set", "eth0", "address", self._link_address)
        self.run("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        for link in ("eth0", "lo"):
            self.run("ip", "link", "set", link, "up")

    def cut(self) -> None:
        """Silently drop all packets to and from the host."""
        self._switch.run("ip", "link", "set", self._port, "nomaster")

    def join(self) -> None:
        """Let all packets pass again."""
        self._switch.run("ip", "link", "set", self._port, "master", "bridge")

    def part_from(self, other: "Host") -> None:
        """Drop the packets between two hosts: each sends to a link-layer address that no host has."""
        for here, there in ((self, other), (other, self)):
            here.run("ip", "neigh", "replace", there.address, "lladdr", _NOBODY, "dev", "eth0", "nud", "permanent")

    def meet(self, other: "Host") -> None:
        """Undo `part_from`."""
        for here, there in ((self, other), (other, self)):
            here.run("ip", "neigh", "del", there.address, "dev", "eth0")

    def worsen(self, *, delay_ms: float, jitter_ms: float, loss_percent: float) -> str:
        """Delay and drop packets to and from the host until the link is restored; return the mechanism used."""
        quality = ["delay", f"{delay_ms}ms", f"{jitter_ms}ms", "loss", f"{loss_percent}%"]
        ends = ((self._switch, self._port), (self, "eth0"))
        if all(_can(*end.within, "tc", "qdisc", "add", "dev", port, "root", "netem", *quality) for end, port in ends):
            self._repair = lambda: [end.run("tc", "qdisc", "del", "dev", port, "root") for end, port in ends]
            return "netem"
        inner, outer = f"{self._port}i", f"{self._port}o"
        plain = [sys.executable, _WORSE_LINK, "--plain"]
        self._switch.run("ip", "link", "add", inner, "type", "veth", "peer", "name", outer)
        self._switch.run(*plain, outer)
        self.run(*plain, "eth0")
        self._switch.run("ip", "link", "set", inner, "up")
        self._switch.run("ip", "link", "set", self._port, "nomaster")
        numbers = map(str, (delay_ms, jitter_ms, loss_percent))
        command = [sys.executable, _WORSE_LINK, self._port, inner, *numbers]
        program = self._switch.start_program(command, subprocess.DEVNULL, environ={}, cwd=Path("/"))
        self._switch.run("ip", "link", "set", outer, "master", "bridge", "up")

        def repair() -> None:
            self._switch.run("ip", "link", "del", outer)
            self.join()
            _kill(program)

        self._repair = repair
        return "a program that passes frames, for this kernel has no netem"

    def repair(self) -> None:
        """Undo `worsen`."""
        self._repair()

    def freeze(self) -> None:
        """Stop all its processes: the kernel acknowledges packets to them, but no process responds."""
        for _ in range(2):  # a process may have started another meanwhile
            self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the processes continue."""
        self._signal(signal.SIGCONT)
        for program in self._programs:  # nsenter stopped together with the process for which it waits
            program.send_signal(signal.SIGCONT)

    def power_off(self) -> None:
        """Kill all its processes and remove its address without notifying any peer."""
        self._switch.run("ip", "link", "del", self._port)
        self.end()

    def power_on(self) -> None:
        """Start the host again, without any process."""
        self.start()
        self._plug_in()

    def mount_disk(self, path: Path, size: str, *, user: int = 0, group: int = 0) -> None:
        """Mount a separate file system on a directory, with a size such as `64m`, until the host ends."""
        options = f"size={size},uid={user},gid={group},mode=700"
        self.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path))

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@contextmanager
def network() -> Iterator[Switch]:
    """Create a switch without hosts; skip the test if that is not possible. The caller stops its hosts."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("hosts are namespaces of Linux, which need root")
    missing = [program for program in _NEEDED if shutil.which(program) is None]
    if missing:
        pytest.skip(f"hosts need the programs {', '.join(missing)} (Debian: iproute2, util-linux)")
    probe = ["unshare", "--net", "--uts", "--pid", "--mount", "--fork", "ip", "link", "add", "probe", "type", "bridge"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine lets nobody make namespaces with a bridge: {done.stderr.strip()}")
    switch = Switch()
    try:
        yield switch
    finally:
        switch.end()


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """Create hosts on a separate switch; skip the test if that is not possible."""
    with network() as switch, ExitStack() as stack:
        made = []
        for number in range(1, count + 1):
            made.append(Host(switch, f"host{number}"))
            stack.callback(made[-1].end)
        yield made


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def _can(*command: str) -> bool:
    """Run a command that this machine may lack or refuse; return whether it succeeded."""
    return shutil.which("tc") is not None and subprocess.run(command, check=False, capture_output=True).returncode == 0


def _kill(program: subprocess.Popen[bytes]) -> None:
    """Kill the process that nsenter has started: nsenter does not forward signals."""
    for child in map(int, _children(program.pid)):
        os.kill(child, signal.SIGKILL)
    program.wait(_ANSWER_S)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _space_of(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def _wait_for_end(pid: int) -> None:
    """Wait for the first process, which ends after all others of its namespaces."""
    end = time.monotonic() + _ANSWER_S
    while identity(pid) and time.monotonic() < end:
        time.sleep(0.01)
