"""A real signer: Knot DNS with automatic key management, on loopback addresses and with short TTLs."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

IS_MISSING = shutil.which("knotd") is None
_KNOTD = shutil.which("knotd") or "/usr/sbin/knotd"
_WAIT_S = 60.0
ALGORITHM = "ecdsap256sha256"

_CONFIGURATION = """
server:
    listen: [{listen}]
    rundir: {directory}
    pidfile: {directory}/knot.pid
    user: {user}
control:
    listen: {directory}/knot.sock
log:
  - target: {directory}/knot.log
    any: info
database:
    storage: {directory}
remote:
  - id: parent
    address: {parent}
acl:
  - id: readers
    address: 127.0.0.0/8
    action: transfer
submission:
  - id: check
    parent: parent
    check-interval: 1
policy:
  - id: rolling
    algorithm: {algorithm}
    ksk-submission: check
    cds-cdnskey-publish: {publish}
    dnskey-ttl: {ttl}
    zone-max-ttl: {ttl}
    propagation-delay: 1
    rrsig-lifetime: 14d
    rrsig-refresh: 7d
    ksk-lifetime: 0
    zsk-lifetime: 0
    delete-delay: 0
    {more}
template:
  - id: default
    storage: {directory}
    journal-content: none
    zonefile-sync: -1
    zonefile-load: whole
zone:
  - domain: {zone}
    file: zone.txt
    dnssec-signing: on
    dnssec-policy: rolling
    acl: readers
"""


class Knot:
    """A running signer of one zone."""

    def __init__(self, directory: Path, zone: str) -> None:
        self.directory = directory
        self.zone = zone

    def command(self, *words: str) -> str:
        """Run a command of knotc and return its output."""
        call = ["knotc", "-s", str(self.directory / "knot.sock"), *words]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout

    def key_states(self) -> list[str]:
        """Return the lines of the keys, with their times."""
        call = ["keymgr", "-c", str(self.directory / "knot.conf"), self.zone, "list", "-e"]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout.splitlines()

    def roll(self, kind: str) -> None:
        """Begin a rollover of the `ksk` or the `zsk`."""
        self.command("zone-key-rollover", self.zone, kind)

    def change_algorithm(self, algorithm: str) -> None:
        """Begin a rollover to another algorithm."""
        file = self.directory / "knot.conf"
        text = file.read_text(encoding="ascii").replace(f"algorithm: {ALGORITHM}", f"algorithm: {algorithm}")
        file.write_text(text, encoding="ascii")
        self.command("reload")

    def withdraw(self, tag: int) -> None:
        """Remove a key now, without regard to caches and to the parent."""
        configuration = ["-c", str(self.directory / "knot.conf")]
        call = ["keymgr", *configuration, self.zone, "delete", str(tag)]
        subprocess.run(call, check=True, capture_output=True, text=True)
        self.command("zone-sign", self.zone)

    def ds(self) -> list[str]:
        """Return the DS records of the keys that should be in the parent, from their CDS records or their files."""
        call = ["keymgr", "-c", str(self.directory / "knot.conf"), self.zone, "ds"]
        lines = subprocess.run(call, check=True, capture_output=True, text=True).stdout.splitlines()
        texts = [" ".join(line.split()[2:]) for line in lines if "DS" in line.split()[:3]]
        return [text for text in texts if text.split()[2] == "2"]


@contextmanager
def knot(
    directory: Path,
    zone: str,
    records: str,
    *,
    addresses: Sequence[str],
    port: int,
    parent: str,
    ttl: int = 2,
    publish: str = "rollover",
    more: str = "",
) -> Iterator[Knot]:
    """Sign and serve a zone; `parent` is the address that it asks for DS records."""
    (directory / "zone.txt").write_text(f"$ORIGIN {zone}.\n$TTL {ttl}\n{records}\n", encoding="ascii")
    configuration = _CONFIGURATION.format(
        listen=", ".join(f"{address}@{port}" for address in addresses),
        directory=directory,
        parent=f"{parent}@{port}",
        zone=zone,
        ttl=ttl,
        publish=publish,
        algorithm=ALGORITHM,
        more=more,
        user="root" if Path("/proc/self").owner() == "root" else Path("/proc/self").owner(),
    )
    (directory / "knot.conf").write_text(configuration, encoding="ascii")
    process = subprocess.Popen(
        [_KNOTD, "-c", str(directory / "knot.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    signer = Knot(directory, zone)
    try:
        _wait_until_ready(signer)
        yield signer
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(signer: Knot) -> None:
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        try:
            if f"[{signer.zone}.] " in signer.command("zone-status", signer.zone) and signer.ds():
                return
        except subprocess.CalledProcessError:
            pass
        time.sleep(0.1)
    log = signer.directory / "knot.log"
    raise RuntimeError(log.read_text(encoding="utf-8") if log.exists() else "knotd did not start")
