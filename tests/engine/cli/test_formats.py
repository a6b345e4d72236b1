"""The output formats for other programs: several domains, `--fail-level`, `--report` and `--format`."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as SarifSchema

from gonemaster_engine.cli.formats.choice import FORMATS
from gonemaster_engine.cli.formats.markdown import escape_markdown
from gonemaster_engine.cli.formats.model import EndedRun
from gonemaster_engine.cli.formats.prometheus import MAX_DOMAINS
from gonemaster_engine.cli.options import DOCUMENTS
from gonemaster_engine.cli.output import View
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.run.run import RunResult
from gonemaster_engine.version import __version__
from tests.engine.cli.conftest import GONEMASTER, Call, Run
from tests.support.rows import NOON

CASE = ("--testcase", "delegation04")  # two findings of lame.xa, none of good.xa


@pytest.fixture
def domains(tmp_path: Path) -> str:
    file = tmp_path / "domains.txt"
    file.write_text("\ufeffgood.xa  # the first\r\n\n# none\nlame.xa\n", encoding="utf-8")
    return str(file)


def result_of(domain: str, *entries: Entry, unfinished: list[str] | None = None) -> RunResult:
    return RunResult(domain, list(entries), NOON, 1.5, 7, [], default_profile(), 0, unfinished=unfinished or [])


def written(shape: str, *results: RunResult, min_level: Level = Level.NOTICE, fail_level: Level = Level.ERROR) -> str:
    document = FORMATS[shape](View(min_level), fail_level=fail_level)
    lines = [*document.start()]
    for result in results:
        lines += document.run(EndedRun(result, None))
    return "\n".join([*lines, *document.end()]) + "\n"


def finding(tag: str = "A_TAG", level: Level = Level.WARNING, **args: Any) -> Entry:
    return Entry(0.5, "ZONE", "zone01", tag, level, args)


def test_the_options_name_each_format() -> None:
    assert tuple(sorted(FORMATS)) == DOCUMENTS


@pytest.mark.parametrize(("level", "code"), [("WARNING", 1), ("ERROR", 0), ("INFO", 1)])
def test_fail_level_decides_the_exit_code(call: Call, level: str, code: int) -> None:
    assert call("lame.xa", *CASE, "--fail-level", level, "--min-level", "CRITICAL")[0] == code


def test_fail_level_counts_each_domain(call: Call, domains: str) -> None:
    assert call("good.xa", *CASE, "--fail-level", "WARNING")[0] == 0
    assert call("--file", domains, *CASE, "--fail-level", "WARNING")[0] == 1


def test_no_network_matters_more_than_findings(call: Call, tmp_path: Path) -> None:
    hints = tmp_path / "hints"
    hints.write_text(". 60 IN NS a.\na. 60 IN A 127.9.9.9\n")
    assert call("good.xa", "--hints", str(hints), "--fail-level", "INFO", "--retry", "1", "--retrans", "1")[0] == 3


def test_domains_of_a_file_are_tested_in_their_order(call: Call, domains: str) -> None:
    code, out, err = call("missing.xa", "--file", domains, *CASE, "--format", "json-lines")
    results = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [result["domain"] for result in results] == ["missing.xa", "good.xa", "lame.xa"]
    assert [result["worst_level"] for result in results[1:]] == ["INFO", "WARNING"]
    assert [entry["tag"] for entry in results[2]["entries"]] == ["IS_NOT_AUTHORITATIVE"] * 2
    assert results[0]["no_zone"]["harm"] == "does_not_exist"
    assert "missing.xa does not exist" in err


def test_standard_input_is_read_while_tests_run(world_args: list[str]) -> None:
    command = [*GONEMASTER, *world_args, "--file", "-", *CASE, "--format", "csv", "--fail-level", "WARNING"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline().startswith("domain,timestamp,")
        process.stdin.write("lame.xa\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith("lame.xa,")  # although the input has not ended
        process.stdin.write("good.xa")
        process.stdin.close()
        assert process.wait(60) == 1


def test_lines_that_are_no_names_are_reported(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "domains.txt"
    file.write_bytes(b"a..b\n" + b"x" * 100_000 + b"\n\xff\xfe\nlame.xa\n")
    code, out, err = call("--file", str(file), *CASE, "--raw", "--fail-level", "WARNING")
    assert code == 2
    assert out.startswith("# lame.xa\nWARNING")
    lines = err.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, 1):
        assert line.startswith(f"gonemaster: {file}, line {number}: ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--file", "/nowhere"), "cannot read /nowhere: No such file"),
        (("--file", "/"), "cannot read /: Is a directory"),
        (("--file", "/dev/null", "--json"), "--json takes a single domain; --format json-lines takes several"),
        (("--file", "/dev/null", "--ns", "ns.example"), "--ns takes a single domain"),
        (("good.xa", "--format", "csv", "--score"), "--format csv has no place for --score, unlike json-lines"),
        (("good.xa", "--format", "sarif", "--nstimes"), "has no place for --nstimes"),
        (("good.xa", "--report", "text:out"), "is not FORMAT:FILE"),
        (("good.xa", "--report", "csv:/nowhere/out"), "cannot write to"),
        (("good.xa", "--format", "xml"), "invalid choice 'xml'"),
        (("good.xa", "--fail-level", "BAD"), "is not a level"),
    ],
)
def test_options_that_cannot_be_met(call: Call, args: tuple[str, ...], message: str) -> None:
    code, out, err = call(*args)
    assert (code, out) == (2, "")
    assert message in err


def test_an_empty_list_is_no_error(call: Call) -> None:
    code, out, _ = call("--file", "/dev/null", "--format", "junit", "--fail-level", "INFO")
    assert code == 0
    assert len(ET.fromstring(out)) == 0


def test_one_run_writes_several_reports(call: Call, domains: str, tmp_path: Path) -> None:
    files = {shape: tmp_path / shape for shape in DOCUMENTS}
    reports = [word for shape, file in files.items() for word in ("--report", f"{shape}:{file}")]
    code, out, _ = call("--file", domains, *CASE, *reports)
    assert code == 0
    assert out.startswith("# good.xa\nNo entries at level NOTICE or above.\n# lame.xa\nSeconds")
    assert all("lame.xa" in file.read_text() for file in files.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*DOCUMENTS, "domains.txt"])


def test_junit_has_suites_with_failures_as_ci_services_read_them(call: Call, domains: str) -> None:
    _, out, _ = call("--file", domains, *CASE, "--format", "junit", "--fail-level", "WARNING", "--score")
    root = ET.fromstring(out)
    assert (root.tag, [child.tag for child in root]) == ("testsuites", ["testsuite"] * 2)
    good, lame = root
    for suite in root:
        assert suite.attrib.keys() >= {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"}
        assert next(child.tag for child in suite) == "properties"
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        assert all(case.attrib.keys() == {"classname", "name", "time"} for case in cases)
    assert (good.get("name"), good.get("failures")) == ("good.xa", "0")
    failed = {case.get("name"): case.find("failure") for case in lame if case.find("failure") is not None}
    assert list(failed) == ["delegation04"]
    failure = failed["delegation04"]
    assert failure is not None
    assert failure.get("type") == "IS_NOT_AUTHORITATIVE"
    assert len((failure.text or "").splitlines()) == 2


def test_junit_is_understood_by_another_program(call: Call, domains: str) -> None:
    _, out, _ = call("--file", domains, *CASE, "--format", "junit", "--fail-level", "WARNING", "--score")
    good, lame = JUnitXml.fromstring(out.encode())
    for suite in (good, lame):
        failed = [case.name for case in suite if not case.is_passed]
        counts = (suite.tests, suite.failures, suite.errors, suite.skipped)
        assert counts == (len(list(suite)), len(failed), 0, 0)
        assert failed == (["delegation04"] if suite is lame else [])


def test_junit_skips_what_did_not_finish_and_escapes_what_zones_choose() -> None:
    hostile = finding("A_TAG", Level.ERROR, text='<x a="&\x1b\ufffe]]>')
    suite = ET.fromstring(written("junit", result_of("a.example", hostile, unfinished=["zone02"])))[0]
    assert suite.attrib["failures"] == suite.attrib["skipped"] == "1"
    assert "x1b" in (suite.findtext("testcase/failure") or "")


def test_sarif_has_what_the_standard_requires(call: Call, domains: str) -> None:
    _, out, _ = call("--file", domains, *CASE, "--format", "sarif", "--min-level", "INFO")
    document = json.loads(out)
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("gonemaster", __version__)
    rules = {rule["id"]: rule for rule in driver["rules"]}
    assert len(rules) == len(driver["rules"])
    assert run["invocations"] == [{"executionSuccessful": True}]
    for result in run["results"]:
        assert result["ruleId"] in rules
        assert result["message"]["text"]
        assert (result["level"], result["kind"]) in {("none", "informational"), ("warning", "fail")}
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == domains
    found = [result for result in run["results"] if result["kind"] == "fail"]
    assert {result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in found} == {4}
    assert [result["ruleId"] for result in found] == ["DELEGATION/IS_NOT_AUTHORITATIVE"] * 2


def test_sarif_follows_the_schema_of_the_standard(call: Call, domains: str) -> None:
    _, out, _ = call("--file", domains, "--format", "sarif", "--min-level", "DEBUG3")
    hostile = finding("A_TAG", Level.CRITICAL, text='<x a="&\x1b\ufffe]]>', line=7)
    for text in (out, written("sarif"), written("sarif", result_of("é.example", hostile, unfinished=["zone02"]))):
        SarifSchema.model_validate_json(text)
    with pytest.raises(ValueError, match="Extra inputs"):
        SarifSchema.model_validate_json(out.replace('"results"', '"findings"'))


def test_sarif_fingerprints_ignore_what_changes_from_run_to_run() -> None:
    def fingerprints(**args: Any) -> str:
        document = json.loads(written("sarif", result_of("a.example", finding(**args))))
        text: str = document["runs"][0]["results"][0]["partialFingerprints"]["gonemaster/v1"]
        return text

    assert fingerprints(ns="ns1", serial=1) == fingerprints(ns="ns1", serial=2) != fingerprints(ns="ns2", serial=1)


def test_csv_cells_are_no_formulas() -> None:
    text = written("csv", result_of("a.example", finding("=A_TAG", text="=1+1"), finding(text='"\n,')))
    head, first, second = csv.reader(io.StringIO(text))
    assert head == ["domain", "timestamp", "module", "testcase", "tag", "level", "message", "args"]
    assert first[4] == "'=A_TAG"
    assert json.loads(second[7]) == {"text": '"\n,'}
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in [*first, *second])


def test_markdown_escapes_what_zones_choose() -> None:
    text = written("markdown", result_of("a.example", finding(text="| <img src=x> [a](b) `c`")), result_of("b.example"))
    assert r"\| \<img src=x\> \[a\](b) \`c\`" in text
    assert text.count("| Level | Test case | Message |") == 1
    assert "No findings at level NOTICE or above." in text
    assert escape_markdown("a-b.c (d)") == "a-b.c (d)"


def test_markdown_is_translated(call: Call) -> None:
    _, out, _ = call("lame.xa", *CASE, "--format", "markdown", "--locale", "sv", "--score", "--causes")
    assert "| Nivå | Testfall | Meddelande |" in out
    assert "Poäng" in out


def test_prometheus_accepts_the_metrics(call: Call, domains: str) -> None:
    _, out, _ = call("--file", domains, *CASE, "--format", "prometheus")
    assert 'gonemaster_test_findings{domain="lame.xa",level="warning"} 2' in out.splitlines()
    assert out.count("# TYPE gonemaster_test_findings gauge") == 1
    if shutil.which("promtool") is None:
        pytest.skip("NOT RUN: no promtool on this machine")
    done = subprocess.run(["promtool", "check", "metrics"], input=out, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_labels_of_prometheus_are_escaped_and_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    results = [result_of(f'a"\\{number}') for number in range(MAX_DOMAINS + 2)]
    text = written("prometheus", *results)
    assert r'gonemaster_test_queries{domain="a\"\\7"} 7' in text
    assert text.count("gonemaster_test_queries{") == MAX_DOMAINS
    assert f"only the first {MAX_DOMAINS} of {MAX_DOMAINS + 2} domains" in capsys.readouterr().err


def test_a_file_of_metrics_is_replaced_in_one_step(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "gonemaster.prom"
    file.write_text("old")
    before = file.stat().st_ino
    assert run("a..b", "--format", "prometheus", "--output", str(file)).returncode == 2
    assert file.read_text() == "old"
    assert run("good.xa", *CASE, "--format", "prometheus", "--output", str(file)).returncode == 0
    assert file.read_text().startswith("# HELP")
    assert file.stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["gonemaster.prom"]


def test_memory_does_not_grow_with_the_list(world_args: list[str], tmp_path: Path) -> None:
    """A list of many domains needs about the memory of a list of a few."""

    def peak_kib(count: int) -> int:
        file = tmp_path / "domains.txt"
        file.write_text("good.xa\n" * count)
        command = [*GONEMASTER, *world_args, "--file", str(file), "--testcase", "syntax01", "--raw"]
        program = (
            "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
            " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert peak_kib(800) < peak_kib(100) + 8192
