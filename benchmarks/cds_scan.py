"""Measure a scan for CDS records: verdicts per minute, CPU, queries and packets per domain.

    unshare -rn sh -c 'ip link set lo up && exec python -m benchmarks.cds_scan "$@"' scan [--domains 10000]
        [--requests 0.2] [--port 5399] [--database URL]

Knot DNS serves a root, a TLD and the domains, each on two of eight loopback addresses. Most domains have no CDS
records; the share `--requests` is signed and has some, of which a third is as requested, a third has an old DS record
to remove, and a third has no DS record and no signal. The domains have a tag, a watch scans the tag, and one process
observes all domains as a worker does, with the database but without the limits per address, which need other workers.
Packets are those of the loopback interface in both directions, with the handshakes of TCP: in a network namespace, as
above, nothing else uses it. Needs `knotd` (Debian: knot) and Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.query

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import Driver, StoreSettings
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.tags import ensure_tags, tag_domains
from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.models import WatchEvent, WatchKind
from gonemaster_db.service.watches import create_watch
from gonemaster_engine.automation.cds import judge
from gonemaster_engine.automation.observation import Observation
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.watches.observing import ZoneWatching
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner

TAG, TLD = "scanned", "xa"
PARENT = "127.90.0.1"
SERVERS = tuple(f"127.90.{number}.1" for number in range(1, 9))
OLD_DS = f"4711 13 2 {'AB' * 32}"
_START_S = 600.0

_CONFIGURATION = """
server:
    listen: [{listen}]
    rundir: {directory}
    pidfile: {directory}/knot.pid
control:
    listen: {directory}/knot.sock
database:
    storage: {directory}
policy:
  - id: signed
    single-type-signing: on
    cds-cdnskey-publish: always
template:
  - id: default
    storage: {directory}
    journal-content: none
    zonefile-sync: -1
    zonefile-load: whole
zone:
  - domain: .
    file: root.zone
  - domain: {tld}
    file: {tld}.zone
{zones}
"""


def name_of(number: int) -> str:
    """Return the name of a domain."""
    return f"d{number}.{TLD}"


def addresses_of(number: int) -> tuple[str, str]:
    """Return the addresses of the two servers of a domain."""
    first = number % len(SERVERS)
    return SERVERS[first], SERVERS[(first + 1) % len(SERVERS)]


def write_parent(directory: Path, domains: int, ds: dict[int, list[str]]) -> None:
    """Write the zone of the TLD, with the DS records of these domains."""
    lines = [
        f"$ORIGIN {TLD}.",
        "$TTL 3600",
        "@ SOA ns.nic host 1 3600 900 86400 60",
        "@ NS ns.nic",
        f"ns.nic A {PARENT}",
    ]
    for number in range(domains):
        for at, address in enumerate(addresses_of(number), 1):
            lines += [f"d{number} NS ns{at}.d{number}", f"ns{at}.d{number} A {address}"]
        lines += [f"d{number} DS {text}" for text in ds.get(number, ())]
    (directory / f"{TLD}.zone").write_text("\n".join([*lines, ""]), encoding="ascii")


def write_zones(directory: Path, domains: int, signed: int, port: int) -> None:
    """Write the zone files and the configuration; the first `signed` domains are signed."""
    root = f"@ 3600 SOA ns. host. 1 3600 900 86400 60\n@ 3600 NS ns.\nns. 3600 A {PARENT}\n"
    root += f"{TLD}. 3600 NS ns.nic.{TLD}.\nns.nic.{TLD}. 3600 A {PARENT}\n"
    (directory / "root.zone").write_text(f"$ORIGIN .\n{root}", encoding="ascii")
    write_parent(directory, domains, {})
    (directory / "zone.txt").write_text("@ 3600 SOA ns1 host 1 3600 900 86400 60\n", encoding="ascii")
    zones = []
    for number in range(domains):
        file = f"d{number}.zone"
        first, second = addresses_of(number)
        text = f"$ORIGIN {name_of(number)}.\n$TTL 3600\n@ SOA ns1 host 1 3600 900 86400 60\n@ NS ns1\n@ NS ns2\n"
        (directory / file).write_text(f"{text}ns1 A {first}\nns2 A {second}\n", encoding="ascii")
        signing = "\n    dnssec-signing: on\n    dnssec-policy: signed" if number < signed else ""
        zones.append(f"  - domain: {name_of(number)}\n    file: {file}{signing}")
    listen = ", ".join(f"{address}@{port}" for address in (PARENT, *SERVERS))
    text = _CONFIGURATION.format(listen=listen, directory=directory, tld=TLD, zones="\n".join(zones))
    (directory / "knot.conf").write_text(text, encoding="ascii")


def ask(number: int, rtype: str, port: int) -> dns.message.Message:
    """Return the answer of a server of a domain, once it has records of a type."""
    query, end = dns.message.make_query(name_of(number), rtype), time.monotonic() + _START_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError, EOFError, dns.exception.Timeout):
            answer = dns.query.tcp(query, addresses_of(number)[0], port=port, timeout=10)
            if answer.answer:
                return answer
        time.sleep(0.5)
    raise RuntimeError(f"{name_of(number)} is not served")


def ds_of(number: int, port: int) -> list[str]:
    """Return the DS records of the parent for a signed domain: as requested, with an old record, or none."""
    name, group = dns.name.from_text(name_of(number)), number % 3
    if group == 2:
        return []
    texts = [dns.dnssec.make_ds(name, key, "SHA256").to_text() for key in ask(number, "DNSKEY", port).answer[0]]
    return [*texts, OLD_DS] if group else texts


@contextmanager
def served(directory: Path, domains: int, signed: int, port: int) -> Iterator[None]:
    """Serve the zones with Knot."""
    write_zones(directory, domains, signed, port)
    process = subprocess.Popen(["knotd", "-c", str(directory / "knot.conf")], stdout=subprocess.DEVNULL)
    try:
        ask(domains - 1, "SOA", port)
        write_parent(directory, domains, {number: ds_of(number, port) for number in range(signed)})
        command = ["knotc", "-b", "-s", str(directory / "knot.sock"), "zone-reload", TLD]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        yield
    finally:
        process.terminate()
        process.wait()


def watch_all(store: Store, domains: int) -> None:
    """Tag the domains, and watch the tag without a hold-down."""
    now = utcnow()
    with store.transaction() as session:
        ensure_tags(session, [TAG], now=now)
        ids = ensure_domains(session, [name_of(number) for number in range(domains)], now=now)
        tag_domains(session, [TAG], ids.values(), now=now)
        create_watch(
            session,
            kind=WatchKind.CDS,
            interval_s=86_400,
            hold_down_s=0,
            events=[WatchEvent.CDS_DECIDED],
            tag=TAG,
            url=None,
            host="",
            min_level="ERROR",
            grade_drop=1,
            now=now,
        )


class CountingRunner(EngineRunner):
    """A runner that counts verdicts and queries."""

    def __init__(self, settings: LiveSettings) -> None:
        super().__init__(settings)
        self.queries = 0
        self.verdicts: Counter[str] = Counter()

    async def observe(self, domain: str, *, for_rollover: bool = False, transfer: bool = False) -> Observation:
        """Observe a domain, and count what was found."""
        found = await super().observe(domain, for_rollover=for_rollover, transfer=transfer)
        verdict = judge(found)
        self.verdicts[f"{verdict.action} ({verdict.reason})"] += 1
        self.queries += found.queries
        return found


def loopback_packets() -> int:
    """Return the number of packets that the loopback interface has sent."""
    for line in Path("/proc/net/dev").read_text(encoding="ascii").splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == "lo":
            return int(figures.split()[9])
    raise RuntimeError("no loopback interface")


async def scan(store: Store, settings: Settings, domains: int) -> None:
    """Observe all domains once, and print the figures."""
    runner = CountingRunner(LiveSettings(settings))
    await runner.open()
    try:
        watching = ZoneWatching(store, runner, utcnow)
        await asyncio.to_thread(watching.is_due)
        packets, cpu, started = loopback_packets(), time.process_time(), time.monotonic()
        number = await watching.observe_due()
        elapsed, cpu = time.monotonic() - started, time.process_time() - cpu
        packets = loopback_packets() - packets
    finally:
        await runner.close()
    print(f"domains            {number} of {domains}")
    print(f"verdicts a minute  {number / elapsed * 60:,.0f}")
    print(f"CPU a domain       {cpu / number * 1000:.2f} ms")
    print(f"queries a domain   {runner.queries / number:.2f}")
    print(f"packets a domain   {packets / number:.1f}")
    for verdict, count in runner.verdicts.most_common():
        print(f"  {count:6} {verdict}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the zones, scan them, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domains", type=int, default=10_000)
    parser.add_argument("--requests", type=float, default=0.2, help="share of domains with CDS records")
    parser.add_argument("--port", type=int, default=5399)
    parser.add_argument("--database", default="", help="an empty database of PostgreSQL; by default SQLite")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gm-cds-", dir="/tmp") as name:
        directory = Path(name)
        hints = directory / "root.hints"
        hints.write_text(f". 3600 NS ns.\nns. 3600 A {PARENT}\n", encoding="ascii")
        settings = Settings(root_hints_path=hints, dns_port=options.port, allow_non_global=True)
        driver: Driver = "postgres" if options.database else "sqlite"
        store_settings = StoreSettings(driver=driver, dsn=options.database or str(directory / "store.db"))
        signed = int(options.domains * options.requests)
        serving = partial(served, directory, options.domains, signed, options.port)
        with closing(open_store(store_settings)) as store, serving():
            upgrade(store)
            watch_all(store, options.domains)
            asyncio.run(scan(store, settings, options.domains))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
