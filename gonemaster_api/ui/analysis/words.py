"""Labels of facts, which the database stores in English, marked here for translation."""

from gonemaster_api.ui.shell.texts.languages import gettext, mark

_WORDS = (
    mark("Severity"),
    mark("Worst finding level of each domain"),
    mark("DNSSEC"),
    mark("DNSSEC status of each domain and its method of denial of existence"),
    mark("Not signed"),
    mark("Signed, NSEC"),
    mark("Signed, NSEC3"),
    mark("Mixed NSEC and NSEC3"),
    mark("Signed"),
    mark("Not tested"),
    mark("IPv6"),
    mark("Share of name servers with an IPv6 address"),
    mark("All"),
    mark("Some"),
    mark("None"),
    mark("Grade"),
    mark("Grade of each domain"),
    mark("DNSKEY algorithms"),
    mark("Key algorithms of each domain"),
    mark("Weakest DNSKEY algorithm"),
    mark("Weakest key algorithm of each domain"),
    mark("Multiple"),
)
# The causes of a change.
CLASSES = {
    "cohort_change": mark("Cohort change"),
    "new_in_engine": mark("New in engine"),
    "removed_from_engine": mark("Removed from engine"),
    "level_reclassified": mark("Level reclassified"),
    "real": mark("Real"),
    "measurement": mark("Measurement"),
    "mixed": mark("Mixed"),
    "unknown": mark("Unknown"),
}
KEYS = {
    "nameserver": mark("name server"),
    "asn": mark("network"),
    "prefix": mark("prefix"),
    "dnssec_posture": mark("DNSSEC"),
    "dnskey_algo_weakest": mark("weakest algorithm"),
    "software_version": mark("software"),
}


def translated(word: str | None) -> str:
    """Translate a label of a fact; return labels that are not in the catalogue unchanged."""
    return gettext(word) if word else ""


def class_word(name: str) -> str:
    """Return the label of the cause of a change."""
    return gettext(CLASSES.get(name, name))


def key_word(name: str) -> str:
    """Return the label of the property that the domains of a cluster have in common."""
    return gettext(KEYS.get(name, name))
