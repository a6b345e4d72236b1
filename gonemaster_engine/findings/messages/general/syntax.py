"""Sentences for many domains, of the tags of the SYNTAX module."""

GENERAL = {
    "NON_ALLOWED_CHARS": "The domain name contains characters other than letters, digits and hyphens.",
    "ONLY_ALLOWED_CHARS": "The domain name contains only letters, digits and hyphens.",
    "INITIAL_HYPHEN": "A label of the domain name starts with a hyphen.",
    "TERMINAL_HYPHEN": "A label of the domain name ends with a hyphen.",
    "NO_ENDING_HYPHENS": "No label of the domain name starts or ends with a hyphen.",
    "DISCOURAGED_DOUBLE_DASH": "A label of the domain name has hyphens in positions 3 and 4, but is not an A-label (xn--).",
    "NO_DOUBLE_DASH": "No label of the domain name has hyphens in positions 3 and 4, except A-labels (xn--).",
    "NAMESERVER_DISCOURAGED_DOUBLE_DASH": (
        "A label of a name server name has hyphens in positions 3 and 4, but is not an A-label (xn--)."
    ),
    "NAMESERVER_NON_ALLOWED_CHARS": "A name server name contains characters that are not allowed in a host name.",
    "NAMESERVER_NUMERIC_TLD": "The last label of a name server name contains only digits.",
    "NAMESERVER_SYNTAX_OK": "All name server names are valid host names.",
    "NO_RESPONSE": "A name server did not respond to an SOA query.",
    "RNAME_MISUSED_AT_SIGN": "The SOA RNAME contains an at sign.",
    "RNAME_NO_AT_SIGN": "The SOA RNAME contains no at sign.",
    "RNAME_MAIL_DOMAIN_INVALID": (
        "Mail to the contact of the zone (SOA RNAME) cannot be delivered: its domain does not exist, its name servers do"
        " not respond, it has no address, or it accepts no mail."
    ),
    "RNAME_MAIL_DOMAIN_LOCALHOST": "A mail exchange of the SOA RNAME has a loopback address.",
    "RNAME_MAIL_ILLEGAL_CNAME": "A mail exchange of the SOA RNAME is an alias (CNAME).",
    "RNAME_RFC822_INVALID": "The SOA RNAME does not represent a valid mail address.",
    "RNAME_RFC822_VALID": "The SOA RNAME represents a valid mail address that can receive mail.",
    "MNAME_DISCOURAGED_DOUBLE_DASH": "A label of the SOA MNAME has hyphens in positions 3 and 4, but is not an A-label (xn--).",
    "MNAME_NON_ALLOWED_CHARS": "The SOA MNAME contains characters that are not allowed in a host name.",
    "MNAME_NUMERIC_TLD": "The last label of the SOA MNAME contains only digits.",
    "MNAME_SYNTAX_OK": "The SOA MNAME is a valid host name.",
    "MX_DISCOURAGED_DOUBLE_DASH": "A label of a mail exchange has hyphens in positions 3 and 4, but is not an A-label (xn--).",
    "MX_NON_ALLOWED_CHARS": "The name of a mail exchange contains characters that are not allowed in a host name.",
    "MX_NUMERIC_TLD": "The last label of a mail exchange contains only digits.",
    "MX_SYNTAX_OK": "The mail exchanges have valid host names.",
}
