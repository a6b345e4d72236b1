"""Texts of the SYNTAX module."""

TEXTS = {
    "NON_ALLOWED_CHARS": "The domain name {domain} contains characters other than letters, digits and hyphens.",
    "ONLY_ALLOWED_CHARS": "The domain name {domain} contains only letters, digits and hyphens.",
    "INITIAL_HYPHEN": "The label {label} of {domain} starts with a hyphen.",
    "TERMINAL_HYPHEN": "The label {label} of {domain} ends with a hyphen.",
    "NO_ENDING_HYPHENS": "No label of {domain} starts or ends with a hyphen.",
    "DISCOURAGED_DOUBLE_DASH": "The label {label} of {domain} has hyphens in positions 3 and 4, but is not an A-label (xn--).",
    "NO_DOUBLE_DASH": "No label of {domain} has hyphens in positions 3 and 4, except A-labels (xn--).",
    "NAMESERVER_DISCOURAGED_DOUBLE_DASH": "The label {label} of the name server name {domain} has hyphens in positions 3 and 4, but is not an A-label (xn--).",
    "NAMESERVER_NON_ALLOWED_CHARS": "The name server name {domain} contains characters that are not allowed in a host name.",
    "NAMESERVER_NUMERIC_TLD": "The last label ({tld}) of the name server name {domain} contains only digits.",
    "NAMESERVER_SYNTAX_OK": "These name server names are valid host names: {servers}.",
    "NO_RESPONSE": "{ns}/{address} did not respond to an SOA query for {domain}.",
    "NO_RESPONSE_SOA_QUERY": "No SOA record of the zone was returned in response to an SOA query.",
    "NO_RESPONSE_MX_QUERY": "No name server gave an authoritative response to an MX query.",
    "RNAME_MISUSED_AT_SIGN": "The SOA RNAME {rname} contains an at sign.",
    "RNAME_NO_AT_SIGN": "The SOA RNAME {rname} contains no at sign.",
    "RNAME_MAIL_DOMAIN_INVALID": "Mail to the contact of the zone (SOA RNAME) cannot be delivered to {domain}: the domain does not exist, its name servers do not respond, it has no address, or it accepts no mail.",
    "RNAME_MAIL_DOMAIN_LOCALHOST": "{domain}, a mail exchange of the SOA RNAME, has the loopback address {localhost}.",
    "RNAME_MAIL_ILLEGAL_CNAME": "{domain}, a mail exchange of the SOA RNAME, is an alias (CNAME).",
    "RNAME_RFC822_INVALID": "The SOA RNAME represents {rname}, which is not a valid mail address.",
    "RNAME_RFC822_VALID": "The SOA RNAME represents {rname}, a valid mail address that can receive mail.",
    "MNAME_DISCOURAGED_DOUBLE_DASH": "The label {label} of the SOA MNAME {domain} has hyphens in positions 3 and 4, but is not an A-label (xn--).",
    "MNAME_NON_ALLOWED_CHARS": "The SOA MNAME {domain} contains characters that are not allowed in a host name.",
    "MNAME_NUMERIC_TLD": "The last label ({tld}) of the SOA MNAME {domain} contains only digits.",
    "MNAME_SYNTAX_OK": "The SOA MNAME {domain} is a valid host name.",
    "MX_DISCOURAGED_DOUBLE_DASH": "The label {label} of the mail exchange {domain} has hyphens in positions 3 and 4, but is not an A-label (xn--).",
    "MX_NON_ALLOWED_CHARS": "The mail exchange {domain} contains characters that are not allowed in a host name.",
    "MX_NUMERIC_TLD": "The last label ({tld}) of the mail exchange {domain} contains only digits.",
    "MX_SYNTAX_OK": "The mail exchange {domain} is a valid host name.",
}

_HOST_NAME = (
    "A host name consists of letters, digits and hyphens (RFC 1123 section 2.1); some software rejects other names."
)
_RESERVED = "Labels with hyphens in positions 3 and 4 are reserved (RFC 5890 section 2.3.1), and software may reject them. Use another name."
_DIGITS = "If the last label of a name contains only digits, software may treat the name as an IP address. Check for an address that was entered where a name belongs."
_RNAME = "The RNAME is the mail address of the person responsible for the zone, with a dot in place of the at sign (RFC 1035 section 3.3.13)."

ADVICE = {
    "NON_ALLOWED_CHARS": f"{_HOST_NAME} Such a domain name can own records, but websites and mail addresses may not work with it.",
    "INITIAL_HYPHEN": "A label of a host name must not start with a hyphen (RFC 1123 section 2.1), and software may reject it. Use another name.",
    "TERMINAL_HYPHEN": "A label of a host name must not end with a hyphen (RFC 1123 section 2.1), and software may reject it. Use another name.",
    "DISCOURAGED_DOUBLE_DASH": _RESERVED,
    "NAMESERVER_DISCOURAGED_DOUBLE_DASH": _RESERVED,
    "NAMESERVER_NON_ALLOWED_CHARS": f"{_HOST_NAME} Rename the name server.",
    "NAMESERVER_NUMERIC_TLD": _DIGITS,
    "RNAME_MISUSED_AT_SIGN": f"{_RNAME} Replace the at sign with a dot.",
    "RNAME_MAIL_DOMAIN_INVALID": f"{_RNAME} Put a mail address that works in the RNAME, or correct the MX records of its domain: each mail exchange needs an address record.",
    "RNAME_MAIL_DOMAIN_LOCALHOST": f"{_RNAME} With a loopback address, each sender connects to itself. Give the mail exchange its globally reachable address.",
    "RNAME_MAIL_ILLEGAL_CNAME": f"{_RNAME} A mail exchange must have address records and must not be an alias (RFC 5321 section 5.1): in the MX record, use the name that has the address records.",
    "RNAME_RFC822_INVALID": f"{_RNAME} Write it as mailbox.domain, with a backslash before each dot in the mailbox.",
    "MNAME_DISCOURAGED_DOUBLE_DASH": _RESERVED,
    "MNAME_NON_ALLOWED_CHARS": f"{_HOST_NAME} The MNAME is the primary server, to which dynamic updates are sent. Correct it in the SOA record.",
    "MNAME_NUMERIC_TLD": _DIGITS,
    "MX_DISCOURAGED_DOUBLE_DASH": _RESERVED,
    "MX_NON_ALLOWED_CHARS": f"{_HOST_NAME} Mail to the domain may fail. Rename the mail exchange.",
    "MX_NUMERIC_TLD": f"{_DIGITS} An MX record contains a name, not an address.",
}
