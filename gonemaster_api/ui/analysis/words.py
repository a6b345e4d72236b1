"""Labels of facts, which the database stores in English, marked here for translation."""

from gonemaster_api.queries.causes import cause_title
from gonemaster_api.ui.shell.texts.languages import gettext, language, mark
from gonemaster_engine.findings.causes.registry import RULES

_WORDS = (
    mark("Severity"),
    mark("Worst level of the findings of a domain"),
    mark("DNSSEC"),
    mark("Whether a domain is signed, and how it denies the existence of names"),
    mark("Not signed"),
    mark("Signed, NSEC"),
    mark("Signed, NSEC3"),
    mark("NSEC and NSEC3 mixed"),
    mark("Signed"),
    mark("Not tested"),
    mark("IPv6"),
    mark("How many of the name servers have an IPv6 address"),
    mark("All"),
    mark("Some"),
    mark("None"),
    mark("Grade"),
    mark("Grade of the score of a domain"),
    mark("DNSKEY algorithms"),
    mark("Algorithms of the keys of a domain"),
    mark("Weakest DNSKEY algorithm"),
    mark("The weakest algorithm of the keys of a domain"),
    mark("Multiple"),
    mark("Root causes"),
    mark("What is wrong with a domain, or can be improved; a domain can have several"),
)
_TITLES = {rule.texts.title: rule.id for rule in RULES}
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
_MEANINGS = {
    "cohort_change": mark("the domains, or the list of domains, changed"),
    "new_in_engine": mark("the earlier engine did not have this check"),
    "removed_from_engine": mark("the newer engine no longer has this check"),
    "level_reclassified": mark("the newer engine reports the finding at another level"),
    "real": mark("the domain changed"),
    "measurement": mark("the engine changed, not the domain"),
    "mixed": mark("the domain and the engine changed"),
    "unknown": mark("the version of an engine is not known"),
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
    """Translate a label of a fact or the title of a cause; return labels that are not in a catalogue unchanged."""
    if word in _TITLES:
        return cause_word(_TITLES[word])
    return gettext(word) if word else ""


def cause_word(cause: str) -> str:
    """Return the title of a cause."""
    return cause_title(cause, locale=language())


def class_word(name: str) -> str:
    """Return the label of the cause of a change."""
    return gettext(CLASSES.get(name, name))


def class_meaning(name: str) -> str:
    """Return an explanation of the cause of a change."""
    return gettext(_MEANINGS[name]) if name in _MEANINGS else ""


def key_word(name: str) -> str:
    """Return the label of the property that the domains of a cluster have in common."""
    return gettext(KEYS.get(name, name))
