"""The examples for CI and monitoring: parsed, and their commands run against the demo world."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from gonemaster_engine.cli import nagios
from gonemaster_engine.cli.options import build_parser
from tests.support.dnsworld import World
from tests.support.sources import ROOT

EXAMPLES = ROOT / "deploy/examples"
PAGE = (ROOT / "docs/howto/ci.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the commands expect."""
    (tmp_path / "domains.txt").write_text("good.xa\nlame.xa\n")
    subprocess.run("gzip -c domains.txt > list.gz", shell=True, cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def environ(demo_world: World, demo_hints: Path, folder: Path) -> dict[str, str]:
    """An environment whose `gonemaster` tests the demo world."""
    programs = folder / "bin"
    programs.mkdir()
    options = f"--hints {demo_hints} --dns-port {demo_world.port} --allow-non-global"
    for name, module in (
        ("gonemaster", "gonemaster_engine.cli"),
        ("gonemaster-nagios", "gonemaster_engine.cli.nagios"),
    ):
        script = (
            f'case "$1" in diff) exec {sys.executable} -m {module} "$@";; esac\n'
            f'exec {sys.executable} -m {module} {options} "$@"\n'
        )
        (programs / name).write_text(f"#!/bin/sh\n{script}")
        (programs / name).chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}


def sh(command: str, folder: Path, environ: dict[str, str], *, code: int = 0) -> str:
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_commands_of_the_page(folder: Path, environ: dict[str, str]) -> None:
    codes = {"--fail-level ERROR": 1, "gonemaster diff": 1}
    metrics = "/var/lib/prometheus/node-exporter/"
    for command in COMMANDS:
        if "diff" in command:
            (folder / "yesterday.jsonl").write_text((folder / "dns.jsonl").read_text().splitlines()[0] + "\n")
        code = next((code for part, code in codes.items() if part in command), 0)
        sh(command.replace(metrics, f"{folder}/"), folder, environ, code=code)
    assert {path.name for path in folder.iterdir()} >= {"dns.xml", "dns.sarif", "dns.md", "gonemaster.prom"}


def test_github_workflow(folder: Path, environ: dict[str, str]) -> None:
    workflow = yaml.safe_load((EXAMPLES / "github/dns.yml").read_text())
    assert workflow["permissions"] == {"contents": "read", "security-events": "write"}
    assert workflow[True].keys() == {"schedule", "push"}  # YAML 1.1 reads the key `on` as true
    steps = workflow["jobs"]["gonemaster"]["steps"]
    assert [step["run"] for step in steps if "pip" in step.get("run", "")] == ["pip install gonemaster"]
    (command,) = [step["run"] for step in steps if "--file" in step.get("run", "")]
    sh(command, folder, environ, code=1)
    assert "## lame.xa" in (folder / "summary.md").read_text()
    upload = next(step["with"] for step in steps if "upload-sarif" in step.get("uses", ""))
    assert json.loads((folder / upload["sarif_file"]).read_text())["version"] == "2.1.0"
    assert len((folder / "dns.jsonl").read_text().splitlines()) == 2


def test_gitlab_pipeline(folder: Path, environ: dict[str, str]) -> None:
    job = yaml.safe_load((EXAMPLES / "gitlab/dns.gitlab-ci.yml").read_text())["dns"]
    (command,) = job["script"]
    sh(command, folder, environ, code=1)
    artifacts = job["artifacts"]
    assert len(ET.parse(folder / artifacts["reports"]["junit"]).getroot()) == 2
    assert all((folder / path).exists() for path in artifacts["paths"])


def icinga_arguments() -> dict[str, str]:
    text = (EXAMPLES / "icinga2/gonemaster.conf").read_text()
    return dict(re.findall(r'^    "(-[\w-]+)" = (.*)$', text, re.MULTILINE))


def test_icinga_configuration(tmp_path: Path) -> None:
    text = (EXAMPLES / "icinga2/gonemaster.conf").read_text()
    assert text.count("{") == text.count("}")
    assert text.count("[") == text.count("]")
    assert icinga_arguments().keys() <= set(nagios.build_parser().flags())
    macros = set(re.findall(r"\$(\w+)\$", text))
    assert macros == set(re.findall(r"vars\.(gonemaster_\w+) =", text))
    if shutil.which("icinga2") is None:
        pytest.skip("NOT RUN: no icinga2 on this machine; braces, options and variables were checked")
    (tmp_path / "icinga2.conf").write_text('const PluginDir = "/usr/lib/nagios/plugins"\n' + text)
    subprocess.run(["icinga2", "daemon", "-C", "-c", tmp_path / "icinga2.conf"], check=True)


def test_the_command_of_icinga_runs(folder: Path, environ: dict[str, str]) -> None:
    text = (EXAMPLES / "icinga2/gonemaster.conf").read_text()
    values = dict(re.findall(r"vars\.(gonemaster_\w+) = \"?(\w+)", text)) | {"gonemaster_domain": "lame.xa"}
    words = ["gonemaster-nagios"]
    for flag, value in icinga_arguments().items():
        macro = re.search(r"\$(\w+)\$", value if value != "{" else text.partition(f'"{flag}" = {{')[2])
        words += [flag] if "set_if = true" in value or macro is None else [flag, values[macro[1]]]
    assert "ZONE CRITICAL" in sh(shlex.join(words), folder, environ, code=2)


def zabbix() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / "zabbix/template.yaml").read_text())["zabbix_export"]
    return document


def test_zabbix_template() -> None:
    (template,) = zabbix()["templates"]
    items = {item["key"]: item for item in template["items"]}
    uuids = re.findall(r"uuid: (\w+)", (EXAMPLES / "zabbix/template.yaml").read_text())
    assert len(uuids) == len(set(uuids))
    assert all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", uuid) for uuid in uuids)
    for item in items.values():
        if item.get("type") == "DEPENDENT":
            assert item["master_item"]["key"] in items
        for trigger in item.get("triggers", ()):
            assert f"/{template['template']}/{item['key']}" in trigger["expression"]


def test_zabbix_parameter_gives_what_the_template_reads(folder: Path, environ: dict[str, str]) -> None:
    text = (EXAMPLES / "zabbix/gonemaster.conf").read_text()
    found = re.search(r"^UserParameter=gonemaster\.test\[\*\],(.*)$", text, re.MULTILINE)
    assert found
    result = json.loads(sh(found[1].replace("$1", "lame.xa"), folder, environ))
    for item in zabbix()["templates"][0]["items"]:
        for step in item.get("preprocessing", ()):
            value = result
            for key in step["parameters"][0].removeprefix("$.").split("."):
                value = value[key]
            assert value is not None
    sh(found[1].replace("$1", "lame.xa;id"), folder, environ, code=1)


def test_node_exporter_units() -> None:
    service = (EXAMPLES / "node_exporter/gonemaster-textfile.service").read_text()
    found = re.search(r"^ExecStart=/usr/bin/env gonemaster (.*)$", service, re.MULTILINE)
    assert found
    options = build_parser().parse_args(shlex.split(found[1]))
    assert (options.shape, options.output.suffix) == ("prometheus", ".prom")
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT RUN: no systemd-analyze on this machine; the command was checked")
    units = sorted(map(str, (EXAMPLES / "node_exporter").iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert "gonemaster" not in done.stderr, done.stderr


def test_the_page_names_each_example() -> None:
    for folder in EXAMPLES.iterdir():
        assert f"deploy/examples/{folder.name}" in PAGE
