"""The verdict on a run in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from gonemaster_engine.findings.causes.model import Cause, Harm
from gonemaster_engine.findings.messages import DEFAULT_LOCALE, phrase

NO_CAUSE = "This domain works. Nothing needs to be fixed."
SENTENCES = {
    Harm.DOES_NOT_EXIST: "This domain does not exist.",
    Harm.NOT_TESTABLE: "This domain could not be tested.",
    Harm.EVERYONE: "No resolver can resolve this domain.",
    Harm.VALIDATING_RESOLVERS: "Resolvers that validate DNSSEC cannot reach this domain.",
    Harm.SOME: "This domain does not work equally well for all users: some resolvers get errors, or wait for answers.",
    Harm.RISK: "This domain works, but a failure, an expiry or a change can break it, or it can be misused.",
    Harm.STANDARD: "This domain works, but it does not follow all standards.",
    Harm.ADVICE: "This domain works. It can still be improved.",
}


def worst_harm(causes: Sequence[Cause]) -> Harm | None:
    """Return the worst harm of causes; None if there are none."""
    return min((cause.harm for cause in causes), key=lambda harm: harm.rank, default=None)


def sentence(causes: Sequence[Cause], *, locale: str = DEFAULT_LOCALE) -> str:
    """Return what the worst cause means for users."""
    worst = worst_harm(causes)
    return phrase(SENTENCES[worst] if worst else NO_CAUSE, {}, locale=locale)
