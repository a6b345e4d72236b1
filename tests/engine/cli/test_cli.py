"""The `gonemaster` command against the demo world, in separate processes where the process matters."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from gonemaster_engine.version import engine_kind
from tests.engine.cli.conftest import GONEMASTER, Call, Run, entries_of, tags_of
from tests.support.dnsworld import World, faults


def test_text_has_seconds_level_testcase_and_message(run: Run) -> None:
    done = run("lame.xa", "--testcase", "delegation04")
    assert done.returncode == 0
    assert done.stderr == ""
    heading, _, *lines = done.stdout.splitlines()
    assert heading.split() == ["Seconds", "Level", "Testcase", "Message"]
    assert len(lines) == 2
    for line in lines:
        seconds, level, testcase, text = line.split(maxsplit=3)
        assert float(seconds) >= 0
        assert (level, testcase) == ("WARNING", "delegation04")
        assert "ns2.lame.xa/" in text


def test_several_domains_are_printed_in_their_order(call: Call) -> None:
    tests = ("--testcase", "delegation04", "--raw")
    code, out, err = call("lame.xa", "good.xa", "missing.xa", "LAME.xa.", *tests)
    assert code == 0
    _, lame, _ = call("lame.xa", *tests)
    _, missing, verdict = call("missing.xa", *tests)
    assert out == f"# lame.xa\n{lame}# good.xa\n# missing.xa\n{missing}"
    assert err == verdict


def test_nothing_found_is_said(call: Call) -> None:
    assert call("good.xa", "--testcase", "syntax01") == (0, "No entries at level NOTICE or above.\n", "")


def test_json_is_one_list_of_entries(run: Run) -> None:
    done = run("good.xa", "--module", "syntax", "--json", "--min-level", "INFO")
    entries = entries_of(done.stdout)
    assert done.returncode == 0
    assert {entry["module"] for entry in entries} == {"SYSTEM", "SYNTAX"}
    for entry in entries:
        assert list(entry) == ["timestamp", "module", "testcase", "tag", "level", "args", "message", "reference"]


def test_json_of_a_run_without_entries_is_an_empty_list(call: Call) -> None:
    assert call("good.xa", "--testcase", "syntax01", "--json") == (0, "[]\n", "")


def test_json_stream_has_the_same_objects_one_a_line(call: Call) -> None:
    _, listed, _ = call("good.xa", "--testcase", "basic01", "--json", "--min-level", "DEBUG")
    _, streamed, _ = call("good.xa", "--testcase", "basic01", "--json-stream", "--min-level", "DEBUG")
    assert [json.loads(line)["tag"] for line in streamed.splitlines()] == tags_of(listed)


def test_raw_has_level_tag_and_arguments(call: Call) -> None:
    _, out, _ = call("lame.xa", "--testcase", "delegation04", "--raw")
    address = "127.22.4.53"
    assert out.splitlines() == [
        f"WARNING  IS_NOT_AUTHORITATIVE ns=ns2.lame.xa; address={address}; proto={protocol}"
        for protocol in ("UDP", "TCP")
    ]


def test_chain_of_trust_is_drawn(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "chain.svg"
    code, out, err = call("good.xa", "--module", "dnssec", "--chain-svg", str(file))
    assert (code, err) == (0, "")
    assert "<svg" not in out
    root = ET.parse(file).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {"good.xa", "Root", "xa"} <= {*root.itertext()}


def test_chain_of_trust_on_standard_output(run: Run, tmp_path: Path) -> None:
    done = run("expired.xa", "--testcase", "dnssec02", "--output", str(tmp_path / "results"), "--chain-svg", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The signature over DNSKEY has expired." in [*ET.fromstring(done.stdout).itertext()]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--chain-svg", "-"), "--chain-svg - needs --output"),
        (("--chain-svg", "/nowhere/chain.svg"), "cannot write to /nowhere/chain.svg: /nowhere is not a directory"),
        (("--chain-svg", "/"), "cannot write to /: Is a directory"),
        (("--chain-svg", "/dev/null", "--testcase", "syntax01"), "no chain of trust for /dev/null"),
        (("--chain-svg", "/dev/full", "--testcase", "dnssec02"), "cannot write to /dev/full: No space left"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_chain_of_trust_that_cannot_be_written(call: Call, args: tuple[str, ...], message: str) -> None:
    code, _, err = call("good.xa", *args)
    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--profile", "net: {ipv4: 5}", "{file}: net.ipv4: must be true or false"),
        ("--profile", "net: {", "{file}: is neither valid JSON nor valid YAML"),
        ("--scoring-config", "words", "{file}: must be a mapping"),
        ("--scoring-config", "nothing: 1", "{file}: nothing: is not a known key"),
    ],
)
def test_file_that_is_wrong_is_named(call: Call, tmp_path: Path, option: str, text: str, message: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    code, out, err = call("good.xa", option, str(file))
    assert (code, out) == (2, "")
    assert err.startswith(f"gonemaster: {message.format(file=file)}")


@pytest.mark.parametrize("closed", ["1", "2"])
def test_stream_that_the_caller_has_closed(world_args: list[str], closed: str) -> None:
    command = shlex.join([*GONEMASTER, *world_args, "good.xa", "--testcase", "basic01", "--debug-queries", "--count"])
    done = subprocess.run(f"{command} {closed}>&-", shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_selection_of_modules_and_test_cases(call: Call) -> None:
    _, out, _ = call(
        "good.xa",
        "--json",
        "--min-level",
        "DEBUG",
        "--module",
        "SYNTAX",
        "--test",
        "Zone/BASIC01",
        "--exclude",
        "syntax02,syntax03",
        "--exclude",
        "syntax04",
    )
    cases = list(dict.fromkeys(entry["testcase"] for entry in entries_of(out) if entry["testcase"]))
    assert cases == ["basic01", "syntax01", "syntax05", "syntax06", "syntax07", "syntax08"]


def test_stop_level_ends_the_run_at_the_first_such_entry(call: Call) -> None:
    _, out, _ = call("lame.xa", "--json", "--stop-level", "WARNING", "--exclude", "address")
    assert [entry["level"] for entry in entries_of(out)] == ["WARNING"]


def test_domain_may_be_an_option_and_a_u_label(call: Call) -> None:
    code, out, _ = call("--domain", "bücher.xa", "--testcase", "basic01", "--json")
    assert code == 0
    assert "xn--bcher-kva.xa" in out


def test_results_go_to_a_file(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    file.write_text("old " * 1000, encoding="utf-8")
    assert call("good.xa", "--testcase", "syntax01", "--json", "--min-level", "INFO", "--output", str(file))[1:] == (
        "",
        "",
    )
    assert "ONLY_ALLOWED_CHARS" in tags_of(file.read_text(encoding="utf-8"))


def test_file_stays_as_it_was_when_the_run_cannot_start(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    file.write_text("old", encoding="utf-8")
    assert call("a..b", "--output", str(file))[0] == 2
    assert file.read_text(encoding="utf-8") == "old"


def test_counts_follow_the_entries(call: Call) -> None:
    _, out, err = call("lame.xa", "--testcase", "delegation04", "--count")
    assert out.splitlines()[-5:] == [
        "Level     Count",
        "WARNING       2",
        "",
        "Level     Count Tag",
        "WARNING       2 IS_NOT_AUTHORITATIVE",
    ]
    _, out, err = call("lame.xa", "--testcase", "delegation04", "--count", "--json")
    assert tags_of(out) == ["IS_NOT_AUTHORITATIVE"] * 2
    assert "WARNING       2 IS_NOT_AUTHORITATIVE" in err


def test_timings_are_listed_per_name_server(call: Call) -> None:
    _, out, _ = call("good.xa", "--testcase", "basic02", "--nstimes")
    assert "Name server" in out
    (row,) = [line.split() for line in out.splitlines() if line.startswith("ns1.good.xa/")]
    assert len(row) == 8
    assert int(row[-1]) > 0
    _, out, _ = call("good.xa", "--testcase", "basic02", "--nstimes", "--json")
    document = json.loads(out)
    assert list(document) == ["entries", "nameserver_timings"]
    assert {"ns1.good.xa", "ns2.good.xa"} <= {timing["nameserver"] for timing in document["nameserver_timings"]}


def test_causes_come_before_the_findings_in_text(call: Call) -> None:
    _, out, _ = call("lame.xa", "--causes")
    lines = out.splitlines()
    assert (
        lines[0]
        == "This domain does not work equally well for all users: some resolvers get errors, or wait for answers."
    )
    title = next(
        place for place, line in enumerate(lines) if line.startswith("1. Some name servers do not serve the zone (")
    )
    assert title < next(place for place, line in enumerate(lines) if line.startswith("Seconds"))
    assert any(line.strip().startswith("dig SOA lame.xa @") for line in lines)


def test_causes_name_the_entries_of_the_json_document(call: Call) -> None:
    _, out, _ = call("lame.xa", "--causes", "--json")
    document = json.loads(out)
    (lame,) = (cause for cause in document["root_causes"] if cause["cause"] == "server_lame")
    explained = {document["entries"][place]["tag"] for place in lame["explains"]}
    assert "IS_NOT_AUTHORITATIVE" in explained
    assert document["verdict"]["harm"] == lame["harm"] == "some"


def test_causes_in_the_other_formats(call: Call) -> None:
    _, out, _ = call("lame.xa", "--causes", "--raw")
    assert any(line.startswith("CAUSE    server_lame level=") for line in out.splitlines())
    _, out, _ = call("lame.xa", "--causes", "--json-stream")
    assert json.loads(out.splitlines()[-1])["root_causes"]
    _, out, _ = call("good.xa", "--testcase", "basic02")  # not a terminal
    assert "resolvers" not in out


def test_score_follows_the_entries_and_leaves_json_alone(call: Call, tmp_path: Path) -> None:
    _, out, _ = call("lame.xa", "--testcase", "delegation04", "--score")
    assert "Score 74, grade C" in out  # the cap of a lame server
    config = tmp_path / "scoring.yaml"
    config.write_text("severity_penalties: {WARNING: 30}\nharm_caps: {}\n", encoding="utf-8")
    _, out, err = call("lame.xa", "--testcase", "delegation04", "--score", "--json", "--scoring-config", str(config))
    assert len(entries_of(out)) == 2
    assert json.loads(err)["score"] == 84


def test_undelegated_name_servers_and_ds(call: Call, demo_world: World) -> None:
    address = demo_world.address_of("ns1.good.xa")
    _, out, _ = call(
        "good.xa",
        "--testcase",
        "basic02",
        "--ns",
        f"ns.good.xa/{address}",
        "--ds",
        f"1,13,2,{'ab' * 32}",
        "--json",
        "--min-level",
        "INFO",
    )
    (found,) = [entry for entry in entries_of(out) if entry["tag"] == "B02_AUTH_RESPONSE_SOA"]
    assert found["args"]["servers"] == [{"ns": "ns.good.xa", "address": address}]


def test_address_families_can_be_switched_off(call: Call) -> None:
    code, out, error = call("good.xa", "--testcase", "basic01", "--json", "--no-ipv4", "--no-ipv6")
    assert tags_of(out) == ["NO_NETWORK"]
    assert (code, error.startswith("No test is possible: ")) == (3, True)


def test_run_without_a_network_prints_one_sentence(call: Call) -> None:
    code, out, error = call("good.xa", "--score", "--no-ipv4", "--no-ipv6")
    assert (code, error, len(out.splitlines())) == (3, "", 1)
    assert out.startswith("No test is possible: ")


def test_name_that_does_not_exist_prints_one_answer_and_no_score(call: Call) -> None:
    code, out, error = call("a.missing.xa", "--score")
    sentence, advice, suggestion = out.splitlines()
    assert (code, error) == (0, "")
    assert sentence == "The name missing.xa does not exist in the zone xa."
    assert advice.startswith("The domain is not registered")
    assert suggestion == "  gonemaster xa"
    assert call("example.invalid")[1].splitlines()[0] == "example.invalid does not exist: .invalid is not delegated."


def test_findings_about_a_missing_name_are_printed_on_request(call: Call) -> None:
    _, out, _ = call("missing.xa", "--min-level", "INFO")
    heading, *lines = out.splitlines()
    assert heading.split()[0] == "Seconds"
    assert any("is not a zone: the name is not delegated" in line for line in lines)
    assert "The name missing.xa does not exist in the zone xa." in lines


def test_json_of_a_missing_name_has_the_sentence_on_standard_error(call: Call) -> None:
    code, out, error = call("missing.xa", "--json", "--score")
    assert "NAME_DOES_NOT_EXIST" in tags_of(out)
    assert (code, error.splitlines()[0]) == (0, "The name missing.xa does not exist in the zone xa.")
    assert "{" not in error


def test_zonemaster_words(call: Call) -> None:
    _, out, _ = call("lame.xa", "--testcase", "delegation04", "--zonemaster-tags", "--json")
    assert entries_of(out)[0]["args"] == {"ns": "ns2.lame.xa/127.22.4.53", "proto": "UDP"}


def test_queries_are_shown_on_standard_error(call: Call) -> None:
    _, out, err = call("good.xa", "--testcase", "basic02", "--debug-queries", "--json")
    assert entries_of(out) == []
    assert "was queried for good.xa IN SOA" in err
    assert "responded with RCODE NOERROR to a query for good.xa IN SOA (AA: yes" in err


def test_unknown_tags_in_a_profile_are_a_warning(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text('{"test_levels": {"DELEGATION": {"REFERRAL_SIZE_TOO_LARGE": "CRITICAL", "NS_IS_CNAM": "INFO"}}}')
    code, out, error = call("--dump-profile", "--profile", str(file))
    assert code == 0
    assert json.loads(out)["test_levels"]["DELEGATION"]["REFERRAL_SIZE_LARGE"] == "CRITICAL"
    assert error.startswith(f"warning: {file}: ")
    assert "NS_IS_CNAM (similar: NS_IS_CNAME)" in error


def test_replaced_tags_in_a_profile_are_a_note_with_the_new_tags(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text('{"test_levels": {"CONSISTENCY": {"IN_BAILIWICK_ADDR_MISMATCH": "CRITICAL"}}}')
    code, out, error = call("--dump-profile", "--profile", str(file))
    assert code == 0
    assert json.loads(out)["test_levels"]["CONSISTENCY"]["CS05_ID_ADDR_MISMATCH"] == "CRITICAL"
    assert error.startswith(f"note: {file}: test_levels.CONSISTENCY has tags that Zonemaster 2026.1 replaces")
    assert "IN_BAILIWICK_ADDR_MISMATCH (now CS05_ID_ADDR_MISMATCH)" in error


def test_options_change_the_effective_profile(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "profile.yaml"
    file.write_text("resolver: {defaults: {retry: 7, parallel: 3}}\n", encoding="utf-8")
    _, out, _ = call(
        "--dump-profile",
        "--profile",
        str(file),
        "--retry",
        "4",
        "--timeout",
        "2.5",
        "--no-fallback",
        "--no-ipv6",
        "--sourceaddr4",
        "127.0.0.9",
        "--ordered",
        "--error-cache-ttl",
        "9",
        "--badkeys-path",
        "/keys",
    )
    profile = json.loads(out)
    defaults = profile["resolver"]["defaults"]
    assert (defaults["retry"], defaults["parallel"], defaults["timeout"]) == (4, 3, 2.5)
    assert (defaults["fallback"], defaults["unordered"], defaults["error_cache_ttl"]) == (False, False, 9)
    assert profile["resolver"]["source4"] == "127.0.0.9"
    assert profile["net"] == {"ipv4": True, "ipv6": False, "allow_non_global_targets": True}
    assert profile["badkeys"] == {"path": "/keys"}


def test_list_of_tests_has_a_purpose_for_each(call: Call) -> None:
    _, out, _ = call("--list-tests")
    lines = [line for line in out.splitlines() if line.startswith("  ")]
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)
    assert any(line.split()[0] == "basic01" for line in lines)


def test_version_has_two_lines(call: Call) -> None:
    code, out, _ = call("--version")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert out.startswith("gonemaster ")
    assert out.rstrip().endswith(f"{engine_kind()} engine")


BAD = {
    "no domain": ([], "no domain name given"),
    "two domains": (["a.xa", "--domain", "b.xa"], "two domain names given"),
    "several domains as JSON": (["a.xa", "b.xa", "--json"], "--json takes a single domain"),
    "several domains and a file": (["a.xa", "b.xa", "--save", "x"], "--save takes a single domain"),
    "invalid domain": (["a..b"], "empty label"),
    "URL": (["https://www.example.com/start"], "enter only the domain name www.example.com"),
    "email address": (["me@example.com"], "enter only the domain name example.com"),
    "IP address": (["192.0.2.1"], "for example 2.0.192.in-addr.arpa"),
    "unknown option": (["good.xa", "--nope"], "unknown option --nope"),
    "unknown level": (["good.xa", "--min-level", "LOUD"], "'LOUD' is not a level; allowed levels are DEBUG3"),
    "unknown test case": (["good.xa", "--testcase", "basic99"], "'basic99' is neither a test case nor a module"),
    "unknown module to leave out": (["good.xa", "--exclude", "nope"], "'nope' is neither a test case nor a module"),
    "two shapes": (["good.xa", "--json", "--raw"], "not allowed with argument"),
    "two wishes for IPv6": (["good.xa", "--ipv6", "--no-ipv6"], "not allowed with argument"),
    "two wishes for truncated answers": (["good.xa", "--fallback", "--no-fallback"], "not allowed with argument"),
    "two wishes for the order": (["good.xa", "--ordered", "--unordered"], "not allowed with argument"),
    "name server without address": (["good.xa", "--ns", "ns1.good.xa/"], "not in the form NAME or NAME/IP"),
    "name server with a bad address": (["good.xa", "--ns", "ns1.good.xa/1.2.3"], "'1.2.3' is not an IP address"),
    "name server with a bad name": (["good.xa", "--ns", "ns..xa"], "empty label"),
    "DS of three fields": (["good.xa", "--ds", "1,2,3"], "not in the form KEYTAG,ALGORITHM,DIGESTTYPE,DIGEST"),
    "DS with a bad digest": (["good.xa", "--ds", "1,13,2,xyz"], "hexadecimal"),
    "DS with a bad key tag": (["good.xa", "--ds", "70000,13,2,ab"], "65535"),
    "value out of range": (
        ["good.xa", "--retry", "0"],
        "resolver.defaults.retry: must be an integer from 1 to 255",
    ),
    "source that this host does not have": (
        ["good.xa", "--sourceaddr4", "192.0.2.53"],
        "cannot send from the source address 192.0.2.53",
    ),
    "source of the wrong family": (
        ["good.xa", "--sourceaddr6", "127.0.0.1"],
        "resolver.source6: must be an IPv6 address",
    ),
    "profile that is not there": (["good.xa", "--profile", "/nonexistent"], "cannot read /nonexistent"),
    "hints that are not there": (["good.xa", "--hints", "/nonexistent"], "/nonexistent"),
    "output that cannot be written": (
        ["good.xa", "--output", "/nonexistent/file"],
        "cannot write to /nonexistent/file",
    ),
    "cache that is not there": (["good.xa", "--restore", "/nonexistent"], "cannot read the packet cache /nonexistent"),
    "queries beyond a recording without one": (["good.xa", "--restore-live"], "--restore-live needs --restore FILE"),
    "scoring that is not there": (
        ["good.xa", "--score", "--scoring-config", "/nonexistent"],
        "cannot read /nonexistent",
    ),
    "time that is none": (["good.xa", "--at", "noon"], "'noon' is not a time"),
    "port that is none": (["good.xa", "--dns-port", "0"], "0 is not a port number"),
}


@pytest.mark.parametrize(("args", "reason"), BAD.values(), ids=BAD)
def test_bad_input_is_an_error_with_its_reason(call: Call, args: list[str], reason: str) -> None:
    code, out, err = call(*args)
    assert code == 2
    assert out == ""
    assert err.startswith("gonemaster: ")
    assert reason in err


def test_profile_with_wrong_keys_names_them(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text('{"net": {"ipv5": true}, "test_cases": ["zone99"]}', encoding="utf-8")
    code, _, err = call("good.xa", "--profile", str(file))
    assert code == 2
    assert "net.ipv5: " in err
    assert "test_cases[0]: 'zone99' is not a test case" in err


def test_interrupted_run_ends_soon_with_130(loopback_dns: Callable[[World], World], tmp_path: Path) -> None:
    described = World()
    described.zone(".")
    for address in list(described.servers):
        described.server(address).fault(faults.silence())
    world = loopback_dns(described)
    hints = world.write_hints(tmp_path / "hints")
    command = [*GONEMASTER, "quiet.xa", "--hints", str(hints), "--dns-port", str(world.port), "--allow-non-global"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a shell starts background commands with SIGINT ignored, which child processes inherit
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until(lambda: bool(world.log))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("the condition was not met within 20 s")
        time.sleep(0.02)


def test_reader_that_leaves_early_is_no_error(world_args: list[str]) -> None:
    command = [*GONEMASTER, *world_args, "good.xa", "--json-stream", "--min-level", "DEBUG3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_full_disk_ends_the_run_with_its_reason(run: Run) -> None:
    done = run("good.xa", "--json-stream", "--min-level", "DEBUG3", "--output", "/dev/full")
    assert done.returncode == 2
    assert done.stderr == "gonemaster: [Errno 28] No space left on device\n"


def test_progress_is_shown_on_a_terminal_only(world_args: list[str]) -> None:
    leader, follower = pty.openpty()
    command = [*GONEMASTER, *world_args, "good.xa", "--json"]
    command.remove("--no-progress")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=follower, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(follower)
        assert process.stdout
        shown = read_all(leader)
        assert process.wait(timeout=60) == 0
        assert isinstance(json.loads(process.stdout.read()), list)
    assert "Testing" in shown
    assert "100%" in shown


def read_all(descriptor: int) -> str:
    parts = []
    try:
        while part := os.read(descriptor, 4096):
            parts.append(part)
    except OSError:  # Linux: the other end was closed
        pass
    os.close(descriptor)
    return b"".join(parts).decode()
