"""dig accepts each command of the pages, and each server accepts its part of a configuration."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest

from gonemaster_engine.help.pages import remedy, tag_help, tags
from gonemaster_engine.help.texts import table
from tests.support.dnsworld import World

REMEDIES = tuple(table("remedies"))
CHECKS = {
    "bind": ["named-checkconf", "{file}"],
    "knot": ["knotc", "-c", "{file}", "conf-check"],
    "nsd": ["nsd-checkconf", "{file}"],
    "powerdns": ["pdns_server", "--config-dir={folder}", "--config=check"],
}
USAGE_ERROR = 1  # exit code of dig
APEX = "@ 3600 IN SOA ns1 hostmaster 1 14400 3600 1814400 3600\n@ 3600 IN NS ns1\n$TTL 3600\n"


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        pytest.skip(f"NOT RUN: no {name}; .ci/apt-tools installs it")
    return found


def commands() -> list[str]:
    return sorted({query.command for tag in tags() if (found := tag_help(tag)) for query in found.see})


def test_dig_accepts_each_command(demo_world: World) -> None:
    dig = program("dig")
    assert len(commands()) > 60
    (address, *_) = demo_world.servers
    for command in commands():
        words = shlex.split(command)
        # Each query goes to a server on this host, in place of the documentation addresses.
        words = [word for word in words[1:] if not word.startswith("@") and word not in ("+trace", "+nssearch")]
        sent = [dig, f"@{address}", "-p", str(demo_world.port), "+tries=1", "+time=1", *words]
        done = subprocess.run(sent, capture_output=True, text=True, check=False)
        assert done.returncode != USAGE_ERROR, f"{command}: {done.stderr}"
        assert "Invalid option" not in done.stderr, command


def test_dig_refuses_a_wrong_command() -> None:
    done = subprocess.run([program("dig"), "+nosuchoption", "."], capture_output=True, text=True, check=False)
    assert done.returncode == USAGE_ERROR


@pytest.mark.parametrize("server", CHECKS)
@pytest.mark.parametrize("name", REMEDIES)
def test_each_server_accepts_its_configuration(name: str, server: str, tmp_path: Path) -> None:
    (part,) = (part for part in remedy(name).servers if part.id == server)
    if part.config:
        assert check(server, part.config, tmp_path) == ""


@pytest.mark.parametrize("server", CHECKS)
def test_each_server_refuses_a_wrong_configuration(server: str, tmp_path: Path) -> None:
    assert check(server, "no-such-option=yes\n", tmp_path)


def check(server: str, config: str, folder: Path) -> str:
    """Return what the server says about a wrong configuration; empty for one that it accepts."""
    name, *arguments = CHECKS[server]
    file = folder / "pdns.conf"
    file.write_text(config)
    command = [program(name), *(each.format(file=file, folder=folder) for each in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    return said or "refused" if done.returncode or "error" in said.lower() else ""


@pytest.mark.parametrize("name", REMEDIES)
def test_records_are_lines_of_a_zone_file(name: str) -> None:
    for part in remedy(name).servers:
        if part.records:
            own_soa = " SOA " in part.records
            text = ("$TTL 3600\n@ IN NS ns1\n" if own_soa else APEX) + part.records
            zone = dns.zone.from_text(text, origin="example.com.", check_origin=True)
            assert zone.find_rdataset("@", dns.rdatatype.NS)
