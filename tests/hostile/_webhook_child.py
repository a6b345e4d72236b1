"""Sends webhooks to hosts of a hostile zone. Prints, for each URL, the error and the addresses that were connected to.

It is started in separate network and mount namespaces. A second network namespace is the rest of the world: a link
leads to it, it has all addresses of `WORLD`, a name server at port 53, and HTTP servers at ports 80 and 8080.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import socket
import ssl
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from gonemaster_tasks.notifications.failures import DeliveryFailed
from gonemaster_tasks.notifications.webhooks import Webhook, send_webhook

INSIDE: Final = ("198.18.0.1", "2a00:7::1")
OUTSIDE: Final = ("198.18.0.2", "2a00:7::2")
PUBLIC: Final = ("6.6.6.6", "2a00:6::6")
PORTS: Final = (80, 8080)
WORLD: Final = (
    "6.6.0.0/16", "10.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
    "192.168.0.0/16", "2a00:6::/32", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "fd00::/8", "2001::/32",
)  # fmt: skip
REBINDING: Final = "rebinding.test"


class World:
    """The rest of the world: answers queries from a table of addresses by name, and accepts every connection."""

    def __init__(self, names: dict[str, list[str]]) -> None:
        self._names = names
        self._queries: Counter[str] = Counter()
        self._connections: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._listen(OUTSIDE[0], 53, self._answer_queries)
        for host in ("0.0.0.0", "::"):
            for port in PORTS:
                self._listen(host, port, self._answer_request)

    def _listen(self, host: str, port: int, answer: Any) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._selector.register(socket.create_server((host, port), family=family), selectors.EVENT_READ, answer)

    def serve(self) -> None:
        """Serve until standard input ends; a line on it requests a report of what happened since the previous one."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        print(flush=True)  # Ready.
        while True:
            for key, _ in self._selector.select():
                if key.data:
                    with suppress(OSError):
                        key.data(key.fileobj)
                elif sys.stdin.readline():
                    print(json.dumps({"connections": self._connections, "queries": self._queries}), flush=True)
                    self._connections, self._queries = [], Counter()
                else:
                    return

    def _answer_queries(self, listener: socket.socket) -> None:
        connected, _ = listener.accept()
        with connected, connected.makefile("rb") as stream:
            connected.settimeout(2)
            while size := int.from_bytes(stream.read(2)):  # The resolver asks for both families.
                data = self._response(dns.message.from_wire(stream.read(size))).to_wire(max_size=65535)
                connected.sendall(len(data).to_bytes(2) + data)

    def _response(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        alias, _, target = next(iter(self._names.get(name, [])), "").partition(">")
        if target:
            response.answer.append(dns.rrset.from_text(name + ".", 0, "IN", "CNAME", target + "."))
            name = target
        found = self._names.get(name)
        if found is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif alias == "SERVFAIL":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name == REBINDING and kind == "A":
            found = found[min(self._queries[f"{name} A"], 1) :][:1]
        self._queries[f"{name} {kind}"] += 1
        records = [each for each in found or [] if (":" in each) == (kind == "AAAA") and each != "SERVFAIL"]
        if kind in ("A", "AAAA") and records:
            response.answer.append(dns.rrset.from_text_list(name + ".", 0, "IN", kind, records))
        return response

    def _answer_request(self, listener: socket.socket) -> None:
        connected, _ = listener.accept()
        self._connections.append(connected.getsockname()[0])
        with connected:
            connected.settimeout(2)
            _, path, _ = connected.recv(65536).decode().split(" ", 2)
            status, _, location = path.lstrip("/").partition("/")
            connected.sendall(f"HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _address(device: str, ours: tuple[str, str]) -> None:
    for command in (
        ("link", "set", "lo", "up"),
        ("address", "add", f"{ours[0]}/30", "dev", device),
        ("-6", "address", "add", f"{ours[1]}/64", "dev", device, "nodad"),
        ("link", "set", device, "up"),
    ):
        _run("ip", *command)


def _outside() -> None:
    sys.stdin.readline()  # The link is there.
    _address("v1", OUTSIDE)
    for network in WORLD:
        _run("ip", *(["-6"] if ":" in network else []), "route", "add", "local", network, "dev", "lo")
    World(json.loads(sys.argv[2])).serve()


def _inside() -> None:
    names, urls = json.loads(sys.argv[2]), json.loads(sys.argv[3])
    world = subprocess.Popen(
        ["unshare", "--net", sys.executable, "-m", __spec__.name, "outside", json.dumps(names)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert world.stdin
    assert world.stdout
    while True:  # Until the process is in its namespace.
        if subprocess.run(["ip", "link", "show", "v0"], capture_output=True, check=False).returncode:
            _run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", str(world.pid))
        if subprocess.run(["ip", "link", "show", "v1"], capture_output=True, check=False).returncode:
            break
        _run("ip", "link", "delete", "v0")
    _address("v0", INSIDE)
    _run("ip", "route", "add", "default", "via", OUTSIDE[0])
    _run("ip", "-6", "route", "add", "default", "via", OUTSIDE[1])
    with tempfile.NamedTemporaryFile("w") as resolver:
        resolver.write(f"nameserver {OUTSIDE[0]}\noptions use-vc timeout:2 attempts:2\n")
        resolver.flush()
        _run("mount", "--bind", resolver.name, "/etc/resolv.conf")
        world.stdin.write("\n")
        world.stdin.flush()
        world.stdout.readline()
        own = [socket.create_server((host, PORTS[1]), family=family) for host, family in _OWN]
        outcomes = {}
        for url in urls:
            outcome: dict[str, Any] = {"error": asyncio.run(_send(url))}
            world.stdin.write("\n")
            world.stdin.flush()
            outcome |= json.loads(world.stdout.readline())
            outcome["connections"] += _accepted(own)
            outcomes[url] = outcome
    world.stdin.close()
    world.wait()
    print(json.dumps(outcomes))


_OWN: Final = (("127.0.0.1", socket.AF_INET), (INSIDE[0], socket.AF_INET), (INSIDE[1], socket.AF_INET6))


def _accepted(listeners: list[socket.socket]) -> list[str]:
    found = []
    for listener in listeners:
        listener.setblocking(False)
        with suppress(BlockingIOError):
            connected, _ = listener.accept()
            found.append(connected.getsockname()[0])
            connected.close()
    return found


async def _send(url: str) -> str:
    webhook = Webhook(url, b"{}", "domain.regressed", "dlv_1", None)
    try:
        await send_webhook(webhook, timestamp=1800000000, allow_private=False, tls=ssl.create_default_context())
    except DeliveryFailed as error:
        return str(error)
    return ""


if __name__ == "__main__":
    {"inside": _inside, "outside": _outside}[sys.argv[1]]()
