"""Texts of the SYSTEM module: what concerns the run itself."""

_REPLY = (
    "{rcode}, AA: {aa}, TC: {tc}, RD: {rd}, RA: {ra}, AD: {ad}, CD: {cd}, records {answers}/{authority}/{additional}"
)
_QUESTION = "{query_name} {query_class} {query_type}"

TEXTS = {
    "ASN_LOOKUP_SOURCE": "Origins of routes are looked up at {source}.",
    "BLACKLISTING": "{ns}/{address} did not answer over {protocol} and is not asked again that way.",
    "CACHE_CREATED": "A cache for {address} was made.",
    "CACHE_FETCHED": "The cache for {address} is used again.",
    "CACHED_RETURN": "Answered from the cache: {packet}",
    "CANNOT_CONTINUE": "{domain} lacks what every further test needs, so testing stops here.",
    "DEPENDENCY_VERSION": "{name} {version} is in use.",
    "EMPTY_RETURN": f"{{address}} gave no usable response to {_QUESTION}: {{exception}}",
    "ERROR_CACHE_SKIP": (
        f"{{address}} is not asked for {_QUESTION} over {{protocol}}: the same query failed, wait {{ttl_seconds}} seconds."
    ),
    "EXTERNAL_QUERY": f"{{address}} is asked for {_QUESTION} (flags: {{flags}}).",
    "EXTERNAL_RESPONSE": f"{{address}} answered {_QUESTION}: {_REPLY}.",
    "FAKE_DELEGATION_ADDED": "The supplied delegation of {domain} is taken in for {ns}/{address}: {data}",
    "FAKE_DELEGATION_IN_ZONE_NO_IP": "The supplied name server {ns} lies inside {domain} but no address was given for it.",
    "FAKE_DELEGATION_NO_IP": "The supplied name server {ns} of {domain} has no address that can be found.",
    "FAKE_DELEGATION_RETURNED": f"{_QUESTION} was answered with the supplied delegation of {{from}}.",
    "FAKE_DELEGATION_TO_SELF": "The supplied delegation of {domain} points at {ns}/{address}, which gives it: {data}",
    "FAKE_DS_ADDED": "The supplied DS records of {domain} are taken in for {ns}/{address}: {data}",
    "FAKE_DS_RETURNED": f"{_QUESTION} was answered with the supplied DS records of {{from}}.",
    "FAKE_PACKET_RETURNED": "Answered with supplied data: {packet}",
    "GLOBAL_VERSION": "This is version {version} of the engine.",
    "IPV4_BLOCKED": "IPv4 is switched off: {ns}/{address} is not asked.",
    "IPV6_AUTO_DISABLED": "This host has no IPv6, so name servers are asked over IPv4 only.",
    "IPV6_BLOCKED": "IPv6 is switched off: {ns}/{address} is not asked.",
    "IS_BLACKLISTED": "{ns}/{address} is not asked over {protocol}: it did not answer before.",
    "IS_REDIRECT": f"The response to {_QUESTION} is a referral to {{to}}.",
    "LOGGER_CALLBACK_ERROR": "The receiver of entries failed: {exception}",
    "LOOP_PROTECTION": (
        "Resolution in {caller} goes in circles (zone {zone_name}, below {child_zone_name},"
        " asking for {intermediate_query_name}) and was ended."
    ),
    "MODULE_ERROR": "Module {module} met an error of the program and could not finish: {msg}",
    "MODULE_VERSION": "Module {module} {version} starts.",
    "MODULE_END": "Module {module} has ended.",
    "NON_GLOBAL_QUERY_BLOCKED": (
        "{ns}/{address} is not asked: the address is not globally reachable, and the profile does not allow such targets."
    ),
    "NO_NETWORK": (
        "Nothing can be tested: IPv4 and IPv6 are both switched off, the network may not be used, or no name server,"
        " from the root on, gave an answer without error."
    ),
    "NO_SUCH_NAME": f"The response to {_QUESTION} says that the name does not exist.",
    "NO_SUCH_RECORD": f"The response to {_QUESTION} says that there is no such record.",
    "NS_CREATED": "{ns}/{address} was met for the first time.",
    "PACKET_BIG": "A message of {size} octets is larger than usual ({command}).",
    "QUERY": f"{_QUESTION} is wanted from {{address}} (flags: {{flags}}).",
    "REACHABILITY_CACHE_SKIP": (
        f"{{address}} is not asked for {_QUESTION} over {{protocol}}: it cannot be reached, wait {{ttl_seconds}} seconds."
    ),
    "RECURSE": f"{_QUESTION} is looked up from the root.",
    "RECURSE_QUERY": f"{{ns}}/{{address}} (known from {{source}}) is asked for {_QUESTION}.",
    "RESTORED_NS_CACHE": "Packets were read from {file}.",
    "RUN_DEADLINE_REACHED": "The run reached its limit of {seconds} seconds. Not finished: {testcases}. Name servers that let queries time out: {servers}.",
    "SAVED_NS_CACHE": "Packets were written to {file}.",
    "SKIP_IPV4_DISABLED": "IPv4 is switched off: {ns}/{address} is passed over for {query_type}.",
    "SKIP_IPV6_DISABLED": "IPv6 is switched off: {ns}/{address} is passed over for {query_type}.",
    "START_TIME": "The run started at {string}.",
    "TEST_TARGET": "{zone} is tested (module {module}, test case {testcase}).",
    "UNKNOWN_METHOD": "There is no test case {testcase} in module {module}.",
    "UNKNOWN_MODULE": "There is no module {module} for test case {testcase}. Modules are {module_list}.",
}

ADVICE = {
    "CANNOT_CONTINUE": (
        "The domain does not exist in its parent zone, or none of its name servers answers for it. Check the spelling, the"
        " registration, and that the name servers run and hold the zone; then test again."
    ),
    "FAKE_DELEGATION_IN_ZONE_NO_IP": (
        "A name server whose name lies inside the tested domain can only be reached when the parent zone has its address"
        " (glue). Give its address together with the name."
    ),
    "FAKE_DELEGATION_NO_IP": (
        "Nobody could find this server if the delegation were published. Check the name, publish its address, or leave it out."
    ),
    "MODULE_ERROR": (
        "This is a fault of the tester, not of your domain. The other results stand; please report the entry to whoever"
        " runs the tester."
    ),
    "NON_GLOBAL_QUERY_BLOCKED": (
        "The address belongs to a private, local or reserved range that the Internet cannot reach. If it stands in public"
        " DNS, replace it; to test a private network, allow such targets in the profile."
    ),
    "NO_NETWORK": (
        "Switch on IPv4 or IPv6 in the profile or options; check that this host has a network, and that nothing on"
        " the way blocks or answers its questions to port 53 of name servers."
    ),
    "RUN_DEADLINE_REACHED": "The other results stand, but those of the test cases named here are missing or incomplete. Mostly the name servers named here did not answer; mend these first, then test again, with a longer limit if need be.",
    "UNKNOWN_METHOD": "Use a name from the list of test cases.",
    "UNKNOWN_MODULE": "Use a name from the list of modules.",
}
