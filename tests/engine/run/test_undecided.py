"""An undecided query gives one entry of the run instead of the problems of a test case."""

from __future__ import annotations

import asyncio

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.server.pending import Answer, Undecided
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.run.undecided import report_undecided, without_undecided
from gonemaster_engine.run_log import Log

LOST, GOOD = "192.0.2.1", "192.0.2.2"
NOTHING_LOST: dict[Answer, Undecided] = {}


def entry(level: Level, **args: object) -> Entry:
    return Entry(0.0, "NAMESERVER", "nameserver09", "TAG", level, args)


def undecided(qtype: str = "SOA", *, sent: int = 10, loss: float = 0.6) -> Undecided:
    return Undecided("ns1.example", LOST, QueryKey("example", qtype), sent, loss)


def kept(*entries: Entry, own: bool = True) -> list[Entry]:
    async def work() -> list[Entry]:
        answer: Answer = asyncio.get_running_loop().create_future()
        return without_undecided(entries, {answer: undecided()}, [answer] if own else [])

    return asyncio.run(work())


def test_problem_of_an_undecided_server_is_removed() -> None:
    good = entry(Level.WARNING, ns="ns2.example", address=GOOD)
    assert kept(entry(Level.WARNING, ns="ns1.example", address=LOST), good) == [good]


def test_server_list_of_a_problem_loses_the_undecided_server() -> None:
    servers = [{"ns": "ns1.example", "address": LOST}, {"ns": "ns2.example", "address": GOOD}]
    (left,) = kept(entry(Level.ERROR, servers=servers))
    assert left.args == {"servers": servers[1:]}
    assert kept(entry(Level.ERROR, servers=servers[:1])) == []


def test_problem_without_servers_is_removed_and_information_stays() -> None:
    known = entry(Level.INFO, domain="example")
    assert kept(entry(Level.ERROR, domain="example"), known) == [known]


def test_other_cases_keep_their_problems() -> None:
    problem = entry(Level.ERROR, ns="ns1.example", address=LOST)
    assert kept(problem, own=False) == [problem]
    assert without_undecided([problem], NOTHING_LOST, []) == [problem]


def test_run_reports_an_address_once_with_its_counts() -> None:
    log = Log(default_profile())
    report_undecided([undecided(), undecided("NS", sent=8, loss=0.5), undecided("NS", sent=8)], log)
    log.add_deferred()
    (found,) = log.entries
    assert (found.tag, found.level) == ("NO_ANSWER_UNDECIDED", Level.INFO)
    assert found.args == {
        "ns": "ns1.example",
        "address": LOST,
        "query_types": ["NS", "SOA"],
        "queries": 3,
        "packets": 26,
        "loss": 60,
    }
