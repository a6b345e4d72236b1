"""Decisions about DS records as documents: for the feed, for webhooks and for EPP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from gonemaster_engine.automation.cds import REASON_TEXTS, CdsAction, Reason

_SECDNS = "urn:ietf:params:xml:ns:secDNS-1.1"


class StoredDecision(Protocol):
    """A stored decision, with or without its evidence."""

    key: Any
    watch_id: Any
    domain: Any
    action: Any
    reason: Any
    ds: Any
    current_ds: Any
    decided_at: Any


def decision_document(decision: StoredDecision) -> dict[str, Any]:
    """Return the document of a decision; `ds` is the complete set that the delegation should have."""
    decided_at: datetime = decision.decided_at
    return {
        "id": decision.key,
        "watch_id": decision.watch_id,
        "domain": decision.domain,
        "action": decision.action,
        "reason": decision.reason,
        "text": REASON_TEXTS[Reason(decision.reason)],
        "ds": [ds_fields(text) for text in decision.ds],
        "current_ds": [ds_fields(text) for text in decision.current_ds],
        "epp": secdns_update(decision.action, decision.ds, decision.current_ds),
        "decided_at": decided_at.isoformat().replace("+00:00", "Z"),
    }


def ds_fields(text: str) -> dict[str, Any]:
    """Return a DS record in presentation format as the fields of EPP (RFC 5910 section 4.1)."""
    tag, algorithm, digest_type, digest = text.split()
    return {"keyTag": int(tag), "alg": int(algorithm), "digestType": int(digest_type), "digest": digest}


def secdns_update(action: str, ds: Sequence[str], current_ds: Sequence[str]) -> str | None:
    """Return the `secDNS:update` of EPP (RFC 5910 section 5.2.5) that carries out a decision; None for a refusal."""
    if action == CdsAction.REFUSE:
        return None
    removed = "<secDNS:rem><secDNS:all>true</secDNS:all></secDNS:rem>" if current_ds else ""
    records = "".join(f"<secDNS:dsData>{_elements(text)}</secDNS:dsData>" for text in ds)
    added = f"<secDNS:add>{records}</secDNS:add>" if records else ""
    return f'<secDNS:update xmlns:secDNS="{_SECDNS}">{removed}{added}</secDNS:update>'


def _elements(text: str) -> str:
    return "".join(f"<secDNS:{name}>{value}</secDNS:{name}>" for name, value in ds_fields(text).items())
