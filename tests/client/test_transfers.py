"""Zone transfers as the source of a batch, from name servers on loopback addresses; with and without TSIG."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.rrset
import dns.tsig
import pytest

from gonemaster_client.cli.main import main
from gonemaster_client.sources.files import SourceError
from gonemaster_client.sources.transfers import transfer
from tests.client.servers import Reply, scripted
from tests.support.dnsworld import World

SOA = "example. 60 IN SOA ns.example. h.example. 1 2 3 4 5"
SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQ="
KEYS = {dns.name.from_text("transfer."): dns.tsig.Key("transfer.", SECRET, "hmac-sha256")}


def transferred(server: str, zone: str, tsig_file: str | None = None) -> list[str]:
    names: list[str] = []
    transfer(server, zone, names.append, tsig_file=tsig_file, timeout_s=5)
    return names


def test_names_are_the_delegations_of_the_zone(loopback_dns: Callable[[World], World]) -> None:
    world = World()
    world.zone(".")
    world.zone("xa", axfr=True)
    for name in ("one.xa", "two.xa"):
        world.zone(name)
    running = loopback_dns(world)
    server = f"{running.zone_of('xa').servers[0].address}#{running.port}"
    assert sorted(set(transferred(server, "xa"))) == ["one.xa", "two.xa"]
    with pytest.raises(SourceError, match=r"AXFR of one.xa from .*REFUSED"):
        transferred(f"{running.zone_of('one.xa').servers[0].address}#{running.port}", "one.xa")


def test_the_command_submits_the_names_once(
    loopback_dns: Callable[[World], World], capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()
    world.zone(".")
    world.zone("xa", axfr=True)
    world.zone("one.xa")
    running = loopback_dns(world)
    source = f"{running.zone_of('xa').servers[0].address}#{running.port}"
    accepted = Reply(202, b'{"batch_id": "b", "job_count": 1, "duplicate_count": 0, "invalid_count": 0}')
    with scripted(accepted) as server:
        words = ["jobs", "batch", "--axfr", source, "xa", "--tag", "t"]
        assert main(["--server", server.url, *words]) == 0
        assert json.loads(server.received[0].body) == {"domains": ["one.xa"], "tags": ["t"]}
        assert main(["--server", server.url, *words[:4], "one.xa"]) == 2
        assert len(server.received) == 1
    assert "NOTAUTH" in capsys.readouterr().err


@contextmanager
def signing_server(*, is_signed: bool = True, is_complete: bool = True) -> Iterator[str]:
    """A name server that transfers a zone with two delegations to holders of the key."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            size = int.from_bytes(self.rfile.read(2), "big")
            query = dns.message.from_wire(self.rfile.read(size), keyring=KEYS)
            response = dns.message.make_response(query)
            if is_signed:
                response.use_tsig(query.keyring, query.keyname)
            else:
                response.tsig = None
            texts = [SOA, "a.example. 60 IN NS ns.a.example.", "B.example. 60 IN NS ns.a.example."]
            for text in [*texts, *([SOA] if is_complete else [])]:
                name, ttl, rdclass, rdtype, data = text.split(None, 4)
                response.answer.append(dns.rrset.from_text(name, int(ttl), rdclass, rdtype, data))
            wire = response.to_wire()
            self.wfile.write(len(wire).to_bytes(2, "big") + wire)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1#{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def key_file(folder: Path, text: str) -> str:
    (folder / "key").write_text(text)
    return str(folder / "key")


@pytest.mark.parametrize("text", [f"transfer:{SECRET}", f"hmac-sha256:transfer.:{SECRET}\n"])
def test_a_signed_transfer(tmp_path: Path, text: str) -> None:
    with signing_server() as server:
        assert transferred(server, "Example.", key_file(tmp_path, text)) == ["a.example", "b.example"]


def test_an_unsigned_response_to_a_signed_request_is_refused(tmp_path: Path) -> None:
    with signing_server(is_signed=False) as server, pytest.raises(SourceError, match="missing TSIG"):
        transferred(server, "example", key_file(tmp_path, f"transfer:{SECRET}"))


def test_an_incomplete_transfer_is_refused(tmp_path: Path) -> None:
    with signing_server(is_complete=False) as server, pytest.raises(SourceError, match="AXFR of example from"):
        transferred(server, "example", key_file(tmp_path, f"transfer:{SECRET}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have one line"),
        ("transfer", "must have one line"),
        (f"hmac-md9:transfer:{SECRET}", "hmac-md9 is no algorithm of TSIG: use one of"),
        ("transfer:%%%", "the secret must be base64"),
    ],
)
def test_a_key_that_is_not_valid_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        transferred("127.0.0.1#1", "example", key_file(tmp_path, text))


@pytest.mark.parametrize(
    ("server", "zone", "message"),
    [
        ("127.0.0.1#0", "example", "is not the ADDRESS"),
        ("127.0.0.1#x", "example", "is not the ADDRESS"),
        ("127.0.0.1#1", "example", "AXFR of example from 127.0.0.1#1"),
        ("127.0.0.1#1", "a..b", "AXFR of a..b"),
    ],
)
def test_invalid_servers_and_zones_are_named(server: str, zone: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        transferred(server, zone)
