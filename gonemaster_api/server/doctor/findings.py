"""The results of the doctor, and their output formats."""

import enum
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gonemaster_engine.version import __version__


class CheckState(enum.StrEnum):
    """The state of one checked item."""

    OK = "ok"
    WARNING = "warning"  # the service works, but not permanently or not completely
    FAULT = "fault"
    SKIPPED = "skipped"  # could not be checked because of another fault


@dataclass(frozen=True)
class DoctorResult:
    """The result of one check; `advice` is the remedy, empty if nothing needs to be done."""

    name: str
    state: CheckState
    text: str
    advice: str = ""


def ok(name: str, text: str) -> DoctorResult:
    """Return a result without problems."""
    return DoctorResult(name, CheckState.OK, text)


def warning(name: str, text: str, advice: str) -> DoctorResult:
    """Return the result for a fault that should be fixed."""
    return DoctorResult(name, CheckState.WARNING, text, advice)


def fault(name: str, text: str, advice: str) -> DoctorResult:
    """Return the result for a fault that prevents the service from working."""
    return DoctorResult(name, CheckState.FAULT, text, advice)


def skipped(name: str, why: str) -> DoctorResult:
    """Return a result for a check that was not run."""
    return DoctorResult(name, CheckState.SKIPPED, why)


def has_faults(findings: Sequence[DoctorResult]) -> bool:
    """Return whether any finding is a fault, which makes the exit status 1."""
    return any(finding.state is CheckState.FAULT for finding in findings)


def has_issues(findings: Sequence[DoctorResult]) -> bool:
    """Return whether any finding is a fault or a warning."""
    return any(finding.advice for finding in findings)


def as_text(findings: Sequence[DoctorResult]) -> str:
    """Return one line for each finding, followed by a line for its advice."""
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
