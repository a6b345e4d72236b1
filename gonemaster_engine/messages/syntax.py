"""Texts of the SYNTAX module."""

TEXTS = {
    "NON_ALLOWED_CHARS": "The name {domain} has characters other than letters, digits and hyphens.",
    "ONLY_ALLOWED_CHARS": "The name {domain} has only letters, digits and hyphens.",
    "INITIAL_HYPHEN": "The label {label} of {domain} starts with a hyphen.",
    "TERMINAL_HYPHEN": "The label {label} of {domain} ends with a hyphen.",
    "NO_ENDING_HYPHENS": "No label of {domain} starts or ends with a hyphen.",
    "DISCOURAGED_DOUBLE_DASH": "The label {label} of {domain} has hyphens in the third and fourth position but is no A-label (xn--).",
    "NO_DOUBLE_DASH": "No label of {domain} has hyphens in the third and fourth position, A-labels (xn--) excepted.",
    "NAMESERVER_DISCOURAGED_DOUBLE_DASH": "The name server name {domain} has a label ({label}) with hyphens in the third and fourth position that is no A-label (xn--).",
    "NAMESERVER_NON_ALLOWED_CHARS": "The name server name {domain} has characters that a host name must not have.",
    "NAMESERVER_NUMERIC_TLD": "The name server name {domain} ends in a label ({tld}) of digits only.",
    "NAMESERVER_SYNTAX_OK": "These name server names are valid host names: {servers}.",
    "NO_RESPONSE": "{ns}/{address} does not respond when asked for the SOA record of {domain}.",
    "NO_RESPONSE_SOA_QUERY": "No SOA record was given when it was asked for.",
    "NO_RESPONSE_MX_QUERY": "No answer was given when MX records were asked for.",
    "RNAME_MISUSED_AT_SIGN": "The RNAME of the SOA record ({rname}) has an at sign, where a dot belongs.",
    "RNAME_NO_AT_SIGN": "The RNAME of the SOA record ({rname}) has no at sign.",
    "RNAME_MAIL_DOMAIN_INVALID": "The mail domain or mail host {domain} of the SOA record's RNAME cannot receive mail.",
    "RNAME_MAIL_DOMAIN_LOCALHOST": "The mail host {domain} of the SOA record's RNAME has the loopback address {localhost}.",
    "RNAME_MAIL_ILLEGAL_CNAME": "The mail host {domain} of the SOA record's RNAME is an alias (CNAME).",
    "RNAME_RFC822_INVALID": "The RNAME of the SOA record stands for {rname}, which is not a mail address.",
    "RNAME_RFC822_VALID": "The RNAME of the SOA record stands for {rname}, a mail address that can receive mail.",
    "MNAME_DISCOURAGED_DOUBLE_DASH": "The MNAME of the SOA record, {domain}, has a label ({label}) with hyphens in the third and fourth position that is no A-label (xn--).",
    "MNAME_NON_ALLOWED_CHARS": "The MNAME of the SOA record, {domain}, has characters that a host name must not have.",
    "MNAME_NUMERIC_TLD": "The MNAME of the SOA record, {domain}, ends in a label ({tld}) of digits only.",
    "MNAME_SYNTAX_OK": "The MNAME of the SOA record, {domain}, is a valid host name.",
    "MX_DISCOURAGED_DOUBLE_DASH": "The mail host {domain} has a label ({label}) with hyphens in the third and fourth position that is no A-label (xn--).",
    "MX_NON_ALLOWED_CHARS": "The mail host {domain} has characters that a host name must not have.",
    "MX_NUMERIC_TLD": "The mail host {domain} ends in a label ({tld}) of digits only.",
    "MX_SYNTAX_OK": "The mail host {domain} has a valid host name.",
}

_HOST_NAME = "Host names consist of letters, digits and hyphens; some software refuses all others."
_RESERVED = "Such labels are reserved for internationalized names, and software may refuse them. Choose another name."
_DIGITS = "A name that ends in digits only can be taken for an IP address. A final dot may be missing after an address that was put where a name belongs."
_RNAME = "The RNAME tells others whom to write to when something is wrong with the zone; its first dot stands for the at sign (RFC 1912)."

ADVICE = {
    "NON_ALLOWED_CHARS": f"{_HOST_NAME} Such a domain can hold data for machines but not the names of websites or mail addresses.",
    "INITIAL_HYPHEN": "Host names must not have labels that start with a hyphen, and software may refuse them. Use another name.",
    "TERMINAL_HYPHEN": "Host names must not have labels that end with a hyphen, and software may refuse them. Use another name.",
    "DISCOURAGED_DOUBLE_DASH": _RESERVED,
    "NAMESERVER_DISCOURAGED_DOUBLE_DASH": _RESERVED,
    "NAMESERVER_NON_ALLOWED_CHARS": f"{_HOST_NAME} Rename the name server.",
    "NAMESERVER_NUMERIC_TLD": _DIGITS,
    "RNAME_MISUSED_AT_SIGN": f"{_RNAME} Replace the at sign by a dot.",
    "RNAME_MAIL_DOMAIN_INVALID": f"{_RNAME} Give the mail domain an MX record that leads to a host with an address, or put an address that works into the SOA record.",
    "RNAME_MAIL_DOMAIN_LOCALHOST": f"{_RNAME} A loopback address leads every sender back to itself. Give the mail host its public address.",
    "RNAME_MAIL_ILLEGAL_CNAME": f"{_RNAME} A mail host must have address records of its own (RFC 5321 section 5.1): put the name that has them into the MX record.",
    "RNAME_RFC822_INVALID": f"{_RNAME} Write it as mailbox.domain, with a backslash before each dot of the mailbox.",
    "MNAME_DISCOURAGED_DOUBLE_DASH": _RESERVED,
    "MNAME_NON_ALLOWED_CHARS": f"{_HOST_NAME} The MNAME names the primary server, to which updates are sent. Correct it in the SOA record.",
    "MNAME_NUMERIC_TLD": _DIGITS,
    "MX_DISCOURAGED_DOUBLE_DASH": _RESERVED,
    "MX_NON_ALLOWED_CHARS": f"{_HOST_NAME} Mail to the domain may fail. Rename the mail host.",
    "MX_NUMERIC_TLD": f"{_DIGITS} An MX record must hold a name.",
}
