"""Test the zone file of a stranger in a separate process: a request as JSON on standard input, its result as JSON.

The process limits its memory and processor time, so that a hostile zone cannot harm the process that starts it. It
opens no socket. The result of a zone that exceeds a limit is `{"error": ...}`, or `{"out_of_memory": true}`.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from typing import Any

from gonemaster_engine.context import DSInfo
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.errors import EngineError
from gonemaster_engine.findings.messages import message
from gonemaster_engine.findings.references import reference
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.zonefile.check import ZoneCheck, check_zone_file
from gonemaster_engine.zonefile.reading import FILES_OF_STRANGERS

MAX_MEMORY_BYTES = 1024 * 1024 * 1024  # address space; a test of the largest zone takes a quarter
MAX_CPU_S = 20
DEADLINE_S = 20.0
MAX_ENTRIES = 2_000
MAX_ARGUMENT_CHARACTERS = 20_000  # of one entry


def main() -> int:
    """Test the zone, print the result and return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The signal of the first limit says why the process ended; that of the second one cannot be ignored.
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S + 1))
    request = json.load(sys.stdin)
    try:
        document = _document(asyncio.run(_check(request)), request)
    except EngineError as error:
        document = {"error": str(error)}
    except MemoryError:
        document = {"out_of_memory": True}
    json.dump(document, sys.stdout)
    return 0


async def _check(request: dict[str, Any]) -> ZoneCheck:
    return await check_zone_file(
        request["zone"],
        request["domain"],
        default_profile(),
        limits=FILES_OF_STRANGERS,
        ds=[DSInfo(**each) for each in request["ds_info"]],
        nameservers=[(each["ns"], each.get("ip")) for each in request["nameservers"]],
        deadline_s=DEADLINE_S,
    )


def _document(check: ZoneCheck, request: dict[str, Any]) -> dict[str, Any]:
    result, locale = check.result, request["locale"]
    shown = [entry for entry in result.entries if entry.level >= Level.parse(request["min_level"])]
    return {
        "domain": result.domain,
        "loadable": check.contents is not None,
        "records": check.contents.count if check.contents else 0,
        "duration_s": round(result.duration_s, 3),
        "worst_level": max((entry.level for entry in result.entries), default=Level.DEBUG3).name,
        "unfinished": result.unfinished,
        "left_out": [{"needs": need, "testcases": testcases} for need, testcases in check.left_out.items()],
        "entry_count": len(shown),
        "entries": [_entry(entry, locale) for entry in shown[:MAX_ENTRIES]],
    }


def _entry(entry: Entry, locale: str) -> dict[str, Any]:
    found = reference(entry.tag, entry.testcase)
    is_large = len(json.dumps(entry.args)) > MAX_ARGUMENT_CHARACTERS
    text = message(entry.tag, entry.module, entry.args, locale=locale)[:MAX_ARGUMENT_CHARACTERS]
    document = {**entry.as_dict(), "message": text, "reference": found and found.url}
    return document | ({"args": {}} if is_large else {})


if __name__ == "__main__":
    sys.exit(main())
