"""Views of a result: summary, modules, raw, json."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from gonemaster_client.cli.output import Output


def show_result(output: Output, result: Any, subject: Mapping[str, Any], view: str) -> None:
    """Write a result; `subject` is its job or run, which has the name of the domain.

    JSON formats contain the domain, and a stream has one line for each entry.
    """
    document = {"domain": subject["domain"], **result}
    if output.format == "json-stream":
        for entry in result["raw"]["entries"]:
            output.json({"domain": subject["domain"], "job_id": result["job_id"], **entry})
    elif output.format == "json" or view == "json":
        output.json(document)
    else:
        _VIEWS[view](output, document, subject)


def _summary(output: Output, result: Any, subject: Mapping[str, Any]) -> None:
    grade, score = subject.get("grade"), subject.get("score")
    output.document(
        {
            "domain": result["domain"],
            "status": result["status"],
            "grade": f"{grade} (score {score})" if grade else None,
            "entries": {level: count for level, count in result["summary"].items() if count} or "none",
            "verdict": (result.get("verdict") or {}).get("sentence"),
        }
    )
    for cause in result["root_causes"]:
        output.line(f"{cause['level']}: {cause['title']}. {cause['remedy']}")


def _modules(output: Output, result: Any, subject: Mapping[str, Any]) -> None:
    output.line(f"# {result['domain']}")
    for (module, testcase), entries in groupby(
        result["raw"]["entries"], lambda each: (each["module"], each["testcase"])
    ):
        about = result["testcase_descriptions"].get(testcase, "")
        output.line(f"\n{testcase or module}{f': {about}' if about else ''}")
        output.table(("", ""), ((each["level"], each["message"]) for each in entries), has_head=False)


def _raw(output: Output, result: Any, subject: Mapping[str, Any]) -> None:
    for entry in result["raw"]["entries"]:
        output.line(f"{entry['level']}\t{entry['raw']}")


_VIEWS = {"summary": _summary, "modules": _modules, "raw": _raw}
