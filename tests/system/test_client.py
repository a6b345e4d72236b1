"""Every command of `gonemaster-client`, in every format, with the real service."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gonemaster_client import AsyncClient, Client
from gonemaster_client.calls import batches, cohorts, jobs, runs
from gonemaster_client.calls.checks import check_many
from gonemaster_client.cli.catalogue import every_command
from gonemaster_client.cli.main import main
from gonemaster_client.errors import Conflict
from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from tests.db.service.test_observed_zones import decide
from tests.support.documented_commands import commands
from tests.support.service import Service, wait_for

pytestmark = pytest.mark.xdist_group("client")

DOMAINS = ["good.xa", "refused.xa"]
TESTS = ["basic", "dnssec07"]


@pytest.fixture(scope="module")
def service(in_demo_world: dict[str, str]) -> Iterator[Service]:
    """A service that captures snapshots within seconds."""
    with Service(
        environ=in_demo_world, analysis_projection_interval_seconds=1, analysis_capture_interval_seconds=1
    ) as shared:
        yield shared.wait_until_ready()


@dataclass
class Filled:
    """What the service has: two batches of a cohort with a snapshot each, and the ids in commands."""

    service: Service
    batches: list[str]
    runs: list[str]
    decision: int
    watch: int
    lines: Path  # JSON lines of delegations
    checks: str  # their batch

    def words(self, text: str) -> list[str]:
        return self.replaced(text).split()

    def replaced(self, text: str) -> str:
        names = {"BATCH": self.batches[0], "LATER": self.batches[1], "RUN": self.runs[0], "OTHER": self.runs[1]}
        names |= {"DECISION": str(self.decision), "WATCH": str(self.watch)}
        names |= {"LINES": str(self.lines), "CHECKS": self.checks, "SWEEP": str(self.lines.with_suffix(".sweep"))}
        return re.sub(
            r"\b(BATCH|LATER|RUN|OTHER|DECISION|WATCH|LINES|CHECKS|SWEEP)\b", lambda found: names[found[0]], text
        )


@pytest.fixture(scope="module")
def filled(service: Service) -> Filled:
    cohort = {"source_tag": "tld", "analysis_enabled": True, "public_enabled": True, "is_default": True}
    service.post("/analysis/cohorts", cohort)
    found = []
    for domains in (DOMAINS, ["good.xa", "missing.xa"]):
        batch = service.submit_batch(domains, tests=TESTS, tags=["tld"], snapshot_intent=True)
        service.batch_done(batch["batch_id"])
        found.append(batch["batch_id"])

    def captured() -> bool:
        status, document = service.call("GET", "/pub/api/v1/analysis/cohorts/tld/snapshots")
        return status == 200 and len(document["snapshots"]) == 2

    wait_for(captured, what="two snapshots")
    ids = [run["id"] for run in service.get("/runs?sort=domain_asc")["items"]]
    rollover = {"domain": "good.xa", "kind": "rollover", "events": ["rollover.step"]}
    watch = service.post("/watches", rollover)["id"]
    with closing(open_store(StoreSettings(dsn=str(service.data_dir / "gonemaster.db")))) as store:
        decision = decide(store, watch, "good.xa")
    lines = service.home / "delegations.jsonl"
    server = {"ns": "ns1.refused.xa", "ip": "127.21.15.53"}
    lines.write_text(json.dumps({"domain": "refused.xa", "nameservers": [server]}))
    lines.with_suffix(".sweep").write_text("good.xa\nlame.xa\n")
    with Client(service.url) as client:
        checks = client.send(check_many(lines.read_bytes()))["batch_id"]
    service.batch_done(checks)
    return Filled(service, found, [ids[0], ids[-1]], decision, watch, lines, checks)  # good.xa and refused.xa


@pytest.fixture
def command(
    service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., str]:
    """Run a command in this process, and return its output."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GONEMASTER_URL", service.url)

    def run(*words: str, code: int = 0) -> str:
        found = main(words)
        written = capsys.readouterr()
        assert found == code, written.err or written.out
        return written.out if code != 2 else written.err

    return run


# The command lines in an order in which each can succeed, and their exit codes.
LINES = (
    ("jobs create --domain good.xa --tests basic --tag mine --wait", 0),
    ("jobs create --domain signed.xa --tests basic --min-level info", 0),
    ("jobs batch --domain good.xa --domain lame.xa --tests basic --tag mine --wait --per-job", 0),
    ("jobs batch --from-tag mine --tests basic --name again", 0),
    ("jobs sweep --file SWEEP --tests basic --name sweep --wait", 0),
    ("jobs list --limit 3", 0),
    ("jobs list --status succeeded", 0),
    ("jobs get RUN", 0),
    ("jobs watch RUN", 0),
    ("jobs cancel RUN", 0),
    ("jobs purge --older-than 3000", 0),
    ("domains list --tag tld --name .xa", 0),
    ("domains get good.xa", 0),
    ("domains runs good.xa --limit 1", 0),
    ("domains tag good.xa one two", 0),
    ("domains untag good.xa one", 0),
    ("tags list", 0),
    ("tags create new-FORMAT --description text", 0),
    ("tags add-domains new-FORMAT good.xa lame.xa", 0),
    ("tags domains new-FORMAT --limit 1", 0),
    ("tags summary tld", 0),
    ("tags delete new-FORMAT", 0),
    ("runs list --tag tld --limit 2", 0),
    ("runs list --level critical --domain xa --batch BATCH", 0),
    ("runs get RUN", 0),
    ("runs results RUN", 0),
    ("runs results RUN --view modules", 0),
    ("runs results RUN --view raw --locale sv", 0),
    ("runs results RUN --view json", 0),
    ("runs diff RUN RUN", 0),
    ("runs diff RUN OTHER", 1),
    ("runs diff RUN OTHER --quiet", 1),
    ("entries query --latest --limit 3", 0),
    ("entries query --tag tld --module basic --level info --testcase basic01", 0),
    ("batches list", 0),
    ("batches get BATCH", 0),
    ("batches watch BATCH", 0),
    ("batches cancel BATCH", 0),
    ("batches diff BATCH BATCH", 0),
    ("batches diff BATCH LATER", 1),
    ("batches diff BATCH LATER --per-domain --limit 1", 1),
    ("batches diff BATCH LATER --quiet", 1),
    ("cohorts list", 0),
    ("cohorts snapshots tld", 0),
    ("cohorts schedule tld set --kind weekly --weekdays mon,thu --time-of-day 06:30", 0),
    ("cohorts schedule tld", 0),
    ("cohorts schedules", 0),
    ("cohorts schedule tld remove", 0),
    ("cds list", 0),
    ("cds list --domain good.xa --action replace --reason rollover --watch-id WATCH --cursor 0 --limit 1", 0),
    ("cds get DECISION", 0),
    ("rollovers get WATCH", 0),
    ("report", 0),
    ("report tld --min-cluster 2 --max-spread 5", 0),
    ("check --domain refused.xa --ns ns1.refused.xa/127.21.15.53 --ns ns2.refused.xa --policy default", 1),
    ("check --domain plain.xa --ns ns1.plain.xa/127.21.3.53 --ds 1,13,2,abab --deadline 30", 1),
    ("checks batch --file LINES --name transfer --policy default --key k-FORMAT", 0),
    ("checks batch --file LINES --wait", 1),
    ("checks verdicts CHECKS", 1),
    ("checks verdicts CHECKS --policy default", 1),
    ("queue pause --tier batch --reason maintenance --for 30m", 0),
    ("queue resume", 0),
    ("results --job-id RUN --job-id OTHER", 0),
    ("results --batch-id BATCH --view modules", 0),
    ("results --batch-id BATCH --aggregate", 0),
)

NOTHING = ("runs diff RUN RUN", "batches diff BATCH BATCH")  # no difference: no line


@pytest.mark.parametrize("format", ["pretty", "json", "json-stream"])
def test_each_command_in_each_format(filled: Filled, command: Callable[..., str], format: str) -> None:
    for line, code in LINES:
        text = command(*filled.words(line.replace("FORMAT", format)), "--format", format, code=code)
        if "--quiet" in line:
            assert text == ""
        elif format == "json":
            json.loads(text)
        elif format == "json-stream":
            assert [json.loads(each) for each in text.splitlines()] or line in NOTHING, line
        else:
            assert text, line


def test_no_command_is_missing() -> None:
    elsewhere = {"batches remove", "login", "logout", "completion"}
    run = {words for words in every_command() for line, _ in LINES if line.startswith(words)}
    assert run | elsewhere == set(every_command())


def test_entries_as_csv(filled: Filled, command: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "entries.csv"
    command("--output", str(file), "--format", "csv", "entries", "query", "--tag", "tld")
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert len(rows) == filled.service.get("/entries?tag=tld&limit=1")["total"]
    limited = command("entries", "query", "--format", "csv", "--limit", "2")
    assert len(list(csv.reader(io.StringIO(limited)))) == 3


def test_results_are_split_into_one_file_per_domain(
    filled: Filled, command: Callable[..., str], tmp_path: Path
) -> None:
    for format, suffix in (("json", "json"), ("pretty", "txt")):
        words = ("results", "--batch-id", filled.batches[0], "--split-dir", str(tmp_path / suffix), "--format", format)
        command(*words)
        names = sorted(path.name.partition("_")[0] for path in (tmp_path / suffix).glob(f"*.{suffix}"))
        assert names == sorted(DOMAINS)
    [good] = (tmp_path / "json").glob("good.xa_*.json")
    assert json.loads(good.read_text())["domain"] == "good.xa"


def test_a_report_is_markdown_about_both_snapshots(filled: Filled, command: Callable[..., str]) -> None:
    text = command("report")
    assert text.startswith("# tld: ")
    assert "| domains | 2 | 2 |" in text
    assert "## Message tags" in text
    assert command("report", "--to", "nothing", code=2).endswith("has no public snapshot nothing\n")


def test_a_batch_with_unfinished_jobs_is_only_removed_if_asked(filled: Filled, command: Callable[..., str]) -> None:
    command("queue", "pause")
    try:
        text = command("--format", "json", "jobs", "batch", "--domain", "good.xa")
        batch_id = json.loads(text)[0]["batch_id"]
        assert "1 unfinished jobs: wait, or add --cancel-running" in command("batches", "remove", batch_id, code=2)
        command("batches", "remove", batch_id, "--cancel-running")
        assert "HTTP status 404" in command("batches", "get", batch_id, code=2)
    finally:
        command("queue", "resume")


def test_a_zone_file_is_submitted_in_several_batches_and_once_per_key(
    filled: Filled, command: Callable[..., str], tmp_path: Path
) -> None:
    zone = tmp_path / "xa.zone"
    lines = [f"n{number}.xa. 60 IN NS ns.n{number}.xa.\n" for number in (3, 1, 2, 1, 3)]
    zone.write_text("xa. 60 IN SOA a. b. 1 2 3 4 5\n" + "".join(lines))
    words = ("jobs", "batch", "--zone-file", str(zone), "--batch-size", "2", "--key", "k1", "--tests", "basic")
    first = json.loads(command(*words, "--format", "json"))
    assert [each["job_count"] for each in first] == [2, 1]
    assert json.loads(command(*words, "--format", "json")) == first
    found = filled.service.get(f"/batches/{first[0]['batch_id']}?sort=domain_asc")["items"]
    assert {job["domain"] for job in found} == {"n1.xa", "n2.xa"}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("jobs get nothing", "not_found, HTTP status 404"),
        ("jobs create --domain a..b", "invalid_domain, HTTP status 400"),
        ("jobs batch --domain good.xa --domain a..b", "a..b"),
        ("jobs batch", "no domains: use --domain, --file, --stdin, --zone-file, --axfr or --from-tag"),
        ("jobs batch --from-tag tld --domain a.xa", "--from-tag excludes"),
        ("jobs batch --file /no/such/file", "/no/such/file: No such file or directory"),
        ("jobs sweep --file /no/such/file", "/no/such/file: not a file"),
        ("domains get unknown.xa", "does not know the domain unknown.xa"),
        ("tags create tld", "tag_exists, HTTP status 409"),
        ("runs diff RUN nothing", "HTTP status 404"),
        ("cohorts snapshots nothing", "no cohort has the tag nothing; cohorts: tld"),
        ("cohorts schedule tld set --kind weekly", "HTTP status 400"),
        ("cohorts schedule tld --kind weekly", "only used by 'cohorts schedule tld set'"),
        ("results", "use either --job-id, which is repeatable, or --batch-id"),
        ("jobs list --format csv", "only 'entries query' has --format csv"),
        ("login --token gm_x", "needs no token: nothing was stored"),
        ("--server http://127.0.0.1:1 --retries 0 jobs list", "cannot connect to http://127.0.0.1:1/api/v1/jobs"),
        ("--server nonsense jobs list", "'nonsense' is not the URL of a server"),
    ],
)
def test_errors_say_what_is_wrong(filled: Filled, command: Callable[..., str], line: str, text: str) -> None:
    assert text in command(*filled.words(line), code=2)


@pytest.mark.core
def test_the_installed_command_tests_a_domain(service: Service) -> None:
    program = shutil.which("gonemaster-client", path=str(Path(sys.executable).parent))
    assert program, "make setup installs the client"
    words = [program, "--server", service.url, "jobs", "create", "--domain", "good.xa", "--tests", "basic", "--wait"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "good.xa" in done.stdout


def test_the_library_with_and_without_asyncio(filled: Filled) -> None:
    url = filled.service.url
    with Client(url) as client:
        job = client.send(jobs.create(domain="good.xa", tests=["basic"]))
        events = [event.kind for event in client.events(jobs.events(job["id"]))]
        assert events[-1] == "done"
        assert client.send(jobs.result(job["id"]))["job_id"] == job["id"]
        first, again = (client.send(jobs.create(domain="good.xa", key="k2")) for _ in range(2))
        assert first["id"] == again["id"]
        with pytest.raises(Conflict, match=r"."):
            client.send(jobs.create(domain="lame.xa", key="k2"))

    async def use() -> tuple[list[Any], int]:
        async with AsyncClient(url) as client:
            accepted = await client.send(batches.create(domains=["good.xa", "lame.xa"], tests=["basic"]))
            found = [event async for event in client.events(batches.events(accepted["batch_id"]))]
            listed = [run async for run in client.each(runs.search(batch=accepted["batch_id"]))]
            assert len(await client.send(cohorts.search())) == 1
            return found, len(listed)

    found, count = asyncio.run(use())
    assert (found[-1].kind, found[-1].data["completed"], count) == ("done", 2, 2)


def test_the_commands_of_the_manual(
    filled: Filled, command: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The commands of docs/howto/client.md, with the names of this world; its last table lists the others."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("good.xa\nlame.xa\n")
    (tmp_path / "example.zone.gz").write_bytes(
        gzip.compress(b"xa. 60 IN SOA a. b. 1 2 3 4 5\ngood.xa. 60 IN NS ns.xa.\n")
    )
    names = {"example.com": "good.xa", "customers": "tld", "EARLIER": filled.batches[0]}
    ran = 0
    for each in commands():
        if each.page == "docs/howto/client.md" and each.test:
            words = [names.get(word, word) for word in shlex.split(filled.replaced(each.text.partition(" >")[0]))]
            command(*words[1:], code=1 if "diff" in words else 0)
            ran += 1
    assert ran >= 10
