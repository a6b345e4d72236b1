"""What the doctor finds, and how it is told."""

import enum
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gonemaster_engine.version import __version__


class CheckState(enum.StrEnum):
    """How it is with one thing."""

    OK = "ok"
    WARNING = "warning"  # the service works, but not for ever, or not in full
    FAULT = "fault"
    SKIPPED = "skipped"  # cannot be looked at because of another fault


@dataclass(frozen=True)
class DoctorResult:
    """One sentence about one thing; `advice` says what to do, empty if there is nothing to do."""

    name: str
    state: CheckState
    text: str
    advice: str = ""


def ok(name: str, text: str) -> DoctorResult:
    """Say that something is as it should be."""
    return DoctorResult(name, CheckState.OK, text)


def warning(name: str, text: str, advice: str) -> DoctorResult:
    """Say that something should be changed."""
    return DoctorResult(name, CheckState.WARNING, text, advice)


def fault(name: str, text: str, advice: str) -> DoctorResult:
    """Say that something keeps the service from its work."""
    return DoctorResult(name, CheckState.FAULT, text, advice)


def skipped(name: str, why: str) -> DoctorResult:
    """Say that something was not looked at."""
    return DoctorResult(name, CheckState.SKIPPED, why)


def has_faults(findings: Sequence[DoctorResult]) -> bool:
    """Say whether the exit status is 1."""
    return any(finding.state is CheckState.FAULT for finding in findings)


def as_text(findings: Sequence[DoctorResult]) -> str:
    """Return one line for each finding, and one for each advice."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        state = finding.state.upper() if finding.state is CheckState.FAULT else finding.state
        lines.append(f"{state:8} {finding.name:{width}}  {finding.text}")
        if finding.advice:
            lines.append(f"{'':9}{'':{width}}  -> {finding.advice}")
    return "\n".join([*lines, _sum(findings)]) + "\n"


def _sum(findings: Sequence[DoctorResult]) -> str:
    faults = sum(finding.state is CheckState.FAULT for finding in findings)
    warnings = sum(finding.state is CheckState.WARNING for finding in findings)
    return f"{faults} faults, {warnings} warnings"


def as_json(findings: Sequence[DoctorResult]) -> str:
    """Return {status, version, checks[{name, state, text, advice}]}; status is `ok` or `faults`."""
    document = {
        "status": "faults" if has_faults(findings) else "ok",
        "version": __version__,
        "checks": [asdict(finding) for finding in findings],
    }
    return json.dumps(document, indent=2) + "\n"
