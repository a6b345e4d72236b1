"""Hosts on one machine: network namespaces on a bridge. A cut drops what is sent, both ways and without a word."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Host:
    """A namespace; processes of the tests reach it by its address."""

    namespace: str
    address: str
    port: str  # of the bridge
    bridge: str

    @property
    def within(self) -> list[str]:
        """The command that runs another one there."""
        return ["ip", "netns", "exec", self.namespace]

    def cut(self) -> None:
        """Let nothing pass, to it and from it."""
        _ip("link", "set", self.port, "nomaster")

    def join(self) -> None:
        """Let all pass again."""
        _ip("link", "set", self.port, "master", self.bridge)


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """Make hosts beside this machine; skips the test where that is not possible."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    second, third = secrets.token_bytes(2)
    bridge, network = f"gm{second:02x}{third:02x}", f"10.{second}.{third}"
    with ExitStack() as stack:
        if subprocess.run(["ip", "link", "add", bridge, "type", "bridge"], capture_output=True, check=False).returncode:
            pytest.skip("this machine lets nobody make a bridge")
        stack.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{network}.254/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        yield [_host(stack, bridge, network, number) for number in range(1, count + 1)]


def _host(stack: ExitStack, bridge: str, network: str, number: int) -> Host:
    host = Host(f"{bridge}n{number}", f"{network}.{number}", f"{bridge}p{number}", bridge)
    inner = f"{bridge}i{number}"
    _ip("netns", "add", host.namespace)
    stack.callback(_ip, "netns", "del", host.namespace)
    _ip("link", "add", host.port, "type", "veth", "peer", "name", inner, "netns", host.namespace)
    _ip("link", "set", host.port, "master", bridge, "up")
    for command in (
        ("addr", "add", f"{host.address}/24", "dev", inner),
        ("link", "set", inner, "up"),
        ("link", "set", "lo", "up"),
    ):
        _ip("-n", host.namespace, *command)
    return host


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
