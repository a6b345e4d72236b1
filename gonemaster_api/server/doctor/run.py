"""Runner of the checks. Independent checks run at the same time, and each check has a time limit."""

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from time import monotonic

from gonemaster_api.server.doctor import checks, reference
from gonemaster_api.server.doctor.analytics import check_analytics
from gonemaster_api.server.doctor.findings import DoctorResult, as_json, as_text, fault, has_faults, skipped
from gonemaster_api.server.supervisor.programs import with_broker
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.masking import mask_password

FINE, FAULTS = 0, 1
FIRST_LIMIT_S = 6.0
SECOND_LIMIT_S = 5.0

Check = Callable[[Settings], list[DoctorResult]]


@dataclass(frozen=True)
class TimedCheck:
    """A check, and the advice for the case that it takes too long."""

    name: str
    check: Check
    advice: str


# Checks of the second step need the database or the broker, so they only run if the first step reached them.
FIRST = (
    TimedCheck("settings", checks.check_settings, "check the disk of the files named in the settings"),
    TimedCheck("database", checks.check_database, "check the address of the database and the firewalls on the path"),
    TimedCheck("broker", checks.check_broker, "check the address of the broker and the firewalls on the path"),
    TimedCheck("analytics", check_analytics, "check the disk or the network on the path to analytics.location"),
    TimedCheck("dns", checks.check_dns, "check the network of this host"),
    TimedCheck("root", reference.check_root, "check the network of this host"),
)
_WITH_BROKER = (
    TimedCheck("clock", checks.check_clock, "run the command again; the database or the broker is slow"),
    TimedCheck("beat", checks.check_beat, "run the command again; the broker is slow"),
    TimedCheck("workers", checks.check_workers, "run the command again; the broker is slow"),
)
_WITH_BOTH = (TimedCheck("queue", checks.check_queue, "run the command again; the database or the broker is slow"),)


def diagnose(settings: Settings) -> list[DoctorResult]:
    """Run all checks. This takes less than fifteen seconds, even if services do not respond."""
    with suppress(BrokerUnavailable):  # the broker check reports a socket path that is too long
        settings = with_broker(settings)
    found = _run(FIRST, settings, FIRST_LIMIT_S)
    works = {name: not has_faults(findings) for name, findings in found.items()}
    second: tuple[TimedCheck, ...] = _WITH_BROKER if works["broker"] else ()
    if works["broker"] and works["database"]:
        second += _WITH_BOTH
    found |= _run(second, settings, SECOND_LIMIT_S)
    for part in (*_WITH_BROKER, *_WITH_BOTH):
        found.setdefault(part.name, [skipped(part.name, "the database or the broker does not answer")])
    order = ("settings", "database", "broker", "clock", "beat", "workers", "queue", "analytics", "dns", "root")
    return [_without_secrets(finding) for name in order for finding in found[name]]


def _run(parts: Sequence[TimedCheck], settings: Settings, limit_s: float) -> dict[str, list[DoctorResult]]:
    """Run checks in daemon threads, so that a check that hangs does not keep the process alive."""
    answers: SimpleQueue[tuple[str, list[DoctorResult]]] = SimpleQueue()
    for part in parts:
        threading.Thread(target=_attempt, args=(part, settings, answers), daemon=True).start()
    found: dict[str, list[DoctorResult]] = {}
    until = monotonic() + limit_s
    with suppress(Empty):
        while len(found) < len(parts):
            name, findings = answers.get(timeout=max(0.001, until - monotonic()))
            found[name] = findings
    for part in parts:
        found.setdefault(part.name, [fault(part.name, f"no answer within {limit_s:g} s", part.advice)])
    return found


def _attempt(part: TimedCheck, settings: Settings, answers: "SimpleQueue[tuple[str, list[DoctorResult]]]") -> None:
    try:
        findings = part.check(settings)
    except Exception as error:  # noqa: BLE001 - any error is a finding
        text = f"{type(error).__name__}: {error}".splitlines()[0][:500]
        findings = [fault(part.name, text, "if this does not help, report it with the output of --dump-config")]
    answers.put((part.name, findings))


def _without_secrets(finding: DoctorResult) -> DoctorResult:
    return replace(finding, text=mask_password(finding.text), advice=mask_password(finding.advice))


def run_doctor(settings: Settings | None, problems: Sequence[str], *, as_document: bool) -> int:
    """Print the findings and return 1 if there are faults. `problems` are those of invalid settings."""
    if settings is None:
        advice = "correct it; gonemaster-server settings lists the settings"
        findings = [fault("settings", problem, advice) for problem in problems]
    else:
        disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)  # failures are reported once, as findings
        try:
            findings = diagnose(settings)
        finally:
            logging.disable(disabled)
    sys.stdout.write(as_json(findings) if as_document else as_text(findings))
    sys.stdout.flush()
    return FAULTS if has_faults(findings) else FINE
