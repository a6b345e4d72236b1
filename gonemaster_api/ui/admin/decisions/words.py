"""Labels of decisions about DS records."""

from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_engine.automation.cds import CdsAction, Reason


def action_names() -> dict[str, tuple[str, str]]:
    """Return a severity and a label for each action that is decided."""
    return {
        CdsAction.ADD.value: ("ok", _("Add DS")),
        CdsAction.REPLACE.value: ("ok", _("Replace DS")),
        CdsAction.REMOVE.value: ("warning", _("Remove DS")),
        CdsAction.REFUSE.value: ("error", _("Refuse")),
    }


def reason_names() -> dict[str, str]:
    """Return a label for each reason that a decision may have."""
    return {
        Reason.ROLLOVER.value: _("Key rollover"),
        Reason.BOOTSTRAPPED.value: _("Bootstrapped by signals"),
        Reason.DELETE_REQUESTED.value: _("Removal requested"),
        Reason.INCOMPLETE.value: _("Scan not completed"),
        Reason.PARENT_SILENT.value: _("Parent does not respond"),
        Reason.PARENT_DIFFERS.value: _("Parent servers differ"),
        Reason.SERVER_SILENT.value: _("Name server does not respond"),
        Reason.SIGNAL_SILENT.value: _("Signal zone does not respond"),
        Reason.SERVERS_DIFFER.value: _("Name servers differ"),
        Reason.CDS_CDNSKEY_DIFFER.value: _("CDS and CDNSKEY differ"),
        Reason.MALFORMED.value: _("Malformed record"),
        Reason.MIXED_DELETE.value: _("Removal together with other records"),
        Reason.NO_DNSKEY.value: _("No DNSKEY records"),
        Reason.NOT_SIGNED.value: _("Not signed by the chain of trust"),
        Reason.UNSUPPORTED.value: _("No supported algorithm"),
        Reason.DOWNGRADE.value: _("Weaker algorithm or digest type"),
        Reason.BREAKS_CHAIN.value: _("Would break the chain of trust"),
        Reason.NO_SIGNAL.value: _("Signals do not confirm the request"),
    }


def reason_texts() -> dict[str, str]:
    """Return a sentence with advice for each reason that a decision may have."""
    signals = _("Publish the signals of RFC 9615 below the names of all name servers, in signed zones.")
    again = _("The domain is scanned again. If this lasts, check the name servers.")
    return {
        Reason.ROLLOVER.value: _("The zone requests other DS records and signs the request with its chain of trust."),
        Reason.BOOTSTRAPPED.value: _(
            "The zone has no DS records, and the signals of all name servers confirm the request."
        ),
        Reason.DELETE_REQUESTED.value: _("The zone requests the removal of its DS records."),
        Reason.INCOMPLETE.value: again,
        Reason.PARENT_SILENT.value: _("No server of the parent zone returned the DS records."),
        Reason.PARENT_DIFFERS.value: _("The servers of the parent zone have different DS records."),
        Reason.SERVER_SILENT.value: again,
        Reason.SIGNAL_SILENT.value: signals,
        Reason.SERVERS_DIFFER.value: _("All name servers must have the same CDS and CDNSKEY records (RFC 9975)."),
        Reason.CDS_CDNSKEY_DIFFER.value: _("CDS and CDNSKEY records must be for the same keys (RFC 7344)."),
        Reason.MALFORMED.value: _("Fix the malformed CDS or CDNSKEY record. At most 64 records of a type are allowed."),
        Reason.MIXED_DELETE.value: _("A removal must be the only CDS and the only CDNSKEY record (RFC 8078)."),
        Reason.NO_DNSKEY.value: _("The zone requests DS records but has no DNSKEY records."),
        Reason.NOT_SIGNED.value: _(
            "A key that the current DS records identify must sign the request on all name servers (RFC 7344)."
        ),
        Reason.UNSUPPORTED.value: _("Request at least one record with a supported algorithm and digest type."),
        Reason.DOWNGRADE.value: _("Request DS records with a recommended algorithm and digest type (RFC 9905)."),
        Reason.BREAKS_CHAIN.value: _("Each requested key must sign the DNSKEY records on all name servers first."),
        Reason.NO_SIGNAL.value: signals,
    }
