"""Tests and their results in the form of Zonemaster-Backend."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from gonemaster_api.state import State
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.zonemaster.errors import refused
from gonemaster_db.core.errors import JobNotFound
from gonemaster_db.core.ids import id_of_test, public_id_of_test
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Job, Keep, Run, RunStatus
from gonemaster_db.queue.jobs import find_by_public_id
from gonemaster_db.runs.entries import entries_of_run
from gonemaster_db.runs.run_documents import kept_of
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.messages import best_locale, description, message
from gonemaster_engine.testcases.catalogue import cases
from gonemaster_engine.texts import Text
from gonemaster_engine.version import __version__
from gonemaster_engine.zonemaster.names import entries_per_server, zonemaster_entries

_OUTSIDE_CASES = "Unspecified"
_VERSION = "GLOBAL_VERSION"
_NO_SPACE = re.compile(r"([,;])(?=\S)")
_MODULES = {"DNSSEC": "DNSSEC"}  # all others are capitalised
# Zonemaster-Backend adds one of two entries to a test without a result.
_NO_RESULT = {
    RunStatus.FAILED: ("TEST_DIED", Text("The test ended with an error, so there is no result. Test again.")),
    RunStatus.EXPIRED: ("UNABLE_TO_FINISH_TEST", Text("The test did not start in time. Test again.")),
    RunStatus.CANCELED: ("UNABLE_TO_FINISH_TEST", Text("The operator of this service canceled the test.")),
}

_REDUCED = Text("The operator of this service keeps only a part of this result.")


def find_test(state: State, test_id: str) -> Job | Run:
    """Return the job or run with a test ID.

    Raises:
        RpcError: no such test.
    """
    try:
        with state.store.read_only() as session:
            return find_by_public_id(session, public_id_of_test(test_id))
    except JobNotFound as error:
        raise refused(Text("Test not found"), test_id=test_id) from error


def time_of(moment: datetime) -> str:
    """Return a time in the form of Zonemaster."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def params_document(item: Job | Run) -> dict[str, Any]:
    """Return the parameters with which a test was submitted, completed by defaults."""
    config = item.config
    given: Mapping[str, Any] = config.get("zonemaster") or {}
    nameservers = sorted(config.get("nameservers", ()), key=lambda item: (item["ns"], item.get("ip", "")))
    ds = sorted(
        config.get("ds", ()), key=lambda item: (item["keytag"], item["algorithm"], item["digtype"], item["digest"])
    )
    return {
        "profile": item.profile_name.lower() or "default",
        "ipv4": not config.get("ipv4_disabled"),
        "ipv6": not config.get("ipv6_disabled"),
        "priority": 10,
        "queue": 0,
        **given,
        "domain": item.domain,
        "nameservers": nameservers,
        "ds_info": ds,
    }


def result_document(state: State, test_id: str, *, language: str) -> dict[str, Any]:
    """Return a test and its entries; a test that has not finished has none.

    Raises:
        RpcError: no such test.
    """
    item = find_test(state, test_id)
    results = list(_results(state, item, best_locale(language))) if isinstance(item, Run) else []
    return {
        "created_at": time_of(item.created_at),
        "hash_id": test_id,
        "params": params_document(item),
        "results": results,
        "testcase_descriptions": _descriptions((result["testcase"] for result in results), best_locale(language)),
    }


def _results(state: State, run: Run, locale: str) -> Iterator[dict[str, str]]:
    with state.store.read_only() as session:
        stored = entries_of_run(session, run.id, min_level="INFO")
        kept = kept_of(session, run)
    version = next((entry for entry in stored if entry.tag == _VERSION), None)
    others = [entry for entry in stored if entry is not version]
    version = version or EntryRecord(0.0, "SYSTEM", "", _VERSION, "INFO", {"version": __version__})
    yield from _results_of_entry(version, locale)
    if run.status in _NO_RESULT:
        yield _result_outside("CRITICAL", *_NO_RESULT[run.status])
    if kept is not Keep.FULL:
        yield _result_outside("INFO", "RESULT_REDUCED", _REDUCED)
    for entry in others:
        yield from _results_of_entry(entry, locale)


def _result_outside(level: str, tag: str, text: Text) -> dict[str, str]:
    """Return a result that no test case reports."""
    message = f"{in_language(text)}\n"
    return {"module": "Backend", "testcase": _OUTSIDE_CASES, "level": level, "message": message, "tag": tag}


def _results_of_entry(entry: EntryRecord, locale: str) -> Iterator[dict[str, str]]:
    """Yield an entry under the names of Zonemaster: once, or once per server if Zonemaster has one entry each."""
    args = dict(entry.args)
    reported = Entry(entry.timestamp, entry.module, entry.testcase, entry.tag, Level[entry.level], args)
    for each in entries_per_server(reported):
        yield _result(each, locale)


def _result(entry: Entry, locale: str) -> dict[str, str]:
    older = list(zonemaster_entries(entry))
    found = {
        "module": module_name(entry.module),
        "testcase": case_name(entry.testcase) or _OUTSIDE_CASES,
        "level": entry.level.name,
        "message": _NO_SPACE.sub(r"\1 ", message(entry.tag, entry.module, entry.args, locale=locale)) + "\n",
        "tag": older[0].tag if older else entry.tag,
    }
    if entry.module == "NAMESERVER":
        found["ns"] = str(older[0].args.get("ns") or "All") if len(older) == 1 else "All"
    return found


def module_name(module: str) -> str:
    """Return Zonemaster's spelling of a module, such as Nameserver."""
    return _MODULES.get(module, module.capitalize())


def case_name(testcase: str) -> str:
    """Return Zonemaster's spelling of a test case, such as Nameserver01; empty outside of test cases."""
    name = testcase.rstrip("0123456789")
    return module_name(name.upper()) + testcase[len(name) :] if testcase else ""


def _descriptions(names: Iterable[str], locale: str) -> dict[str, str]:
    known = {case_name(case.id): case.purpose for case in cases().values()}
    return {name: description(known[name], locale=locale) if name in known else name for name in dict.fromkeys(names)}


def overall_result(status: RunStatus, worst_level: str | None) -> str:
    """Return the worst level of a finished test in one word."""
    if status is not RunStatus.SUCCEEDED:
        return "critical"
    is_bad = worst_level is not None and LEVELS.index(worst_level) >= LEVELS.index("WARNING")
    return worst_level.lower() if is_bad and worst_level else "ok"


def ids_of_tests(public_ids: Iterable[str]) -> list[str]:
    """Return the test IDs of public IDs."""
    return [test_id for public_id in public_ids if (test_id := id_of_test(public_id))]
