"""Texts of the SYSTEM module: messages about the run itself."""

_HEADER = (
    "AA: {aa}, TC: {tc}, RD: {rd}, RA: {ra}, AD: {ad}, CD: {cd}; records: {answers} answer, {authority} authority,"
    " {additional} additional"
)
_QUERY = "{query_name} {query_class} {query_type}"

TEXTS = {
    "ASN_LOOKUP_SOURCE": "The AS database {source} is used.",
    "BLACKLISTING": "{ns}/{address} did not respond over {protocol} and will not be queried over it again.",
    "CACHE_CREATED": "A cache for {address} was created.",
    "CACHE_FETCHED": "The existing cache for {address} is used.",
    "CACHED_RETURN": "The response was taken from the cache: {packet}",
    "CANNOT_CONTINUE": (
        "The other test cases did not run: the name {domain} is invalid, the zone does not exist, or none of its name servers"
        " serves it."
    ),
    "DEPENDENCY_VERSION": "The library {name} has version {version}.",
    "EMPTY_RETURN": f"{{address}} gave no usable response to a query for {_QUERY}: {{exception}}",
    "ERROR_CACHE_SKIP": (
        f"{{address}} was not queried for {_QUERY} over {{protocol}}: the same query failed recently. It can be sent"
        " again in {ttl_seconds} seconds."
    ),
    "EXTERNAL_QUERY": f"{{address}} was queried for {_QUERY} (flags: {{flags}}).",
    "EXTERNAL_RESPONSE": f"{{address}} responded with RCODE {{rcode}} to a query for {_QUERY} ({_HEADER}).",
    "FAKE_DELEGATION_ADDED": "The supplied delegation of {domain} was added for {ns}/{address}: {data}",
    "FAKE_DELEGATION_IN_ZONE_NO_IP": "No address was supplied for the in-domain name server {ns} of {domain}.",
    "FAKE_DELEGATION_NO_IP": "No address was found for the supplied name server {ns} of {domain}.",
    "FAKE_DELEGATION_RETURNED": f"A query for {_QUERY} was answered with the supplied delegation of {{from}}.",
    "FAKE_DELEGATION_TO_SELF": "The supplied delegation of {domain} contains the name server {ns}/{address} itself: {data}",
    "FAKE_DS_ADDED": "The supplied DS records of {domain} were added for {ns}/{address}: {data}",
    "FAKE_DS_RETURNED": f"A query for {_QUERY} was answered with the supplied DS records of {{from}}.",
    "FAKE_PACKET_RETURNED": "The response was built from supplied data: {packet}",
    "GLOBAL_VERSION": "The engine has version {version}.",
    "IPV4_BLOCKED": "{ns}/{address} was not queried: IPv4 is disabled.",
    "IPV6_AUTO_DISABLED": "This host has no IPv6 connectivity, so name servers are queried over IPv4 only.",
    "IPV6_BLOCKED": "{ns}/{address} was not queried: IPv6 is disabled.",
    "IS_BLACKLISTED": "{ns}/{address} was not queried over {protocol}: it did not respond to earlier queries.",
    "IS_REDIRECT": f"The response to a query for {_QUERY} is a referral to {{to}}.",
    "LOGGER_CALLBACK_ERROR": "The callback for log entries failed: {exception}",
    "LOOP_PROTECTION": (
        "{caller} stopped the resolution below {child_zone_name} after too many steps, in the zone {zone_name} at the query"
        " name {intermediate_query_name}."
    ),
    "MODULE_ERROR": "Module {module} failed with an internal error: {msg}",
    "MODULE_VERSION": "Module {module} (version {version}) started.",
    "MODULE_END": "Module {module} ended.",
    "NAME_DOES_NOT_EXIST": "The name {query_name} does not exist in the zone {zone}.",
    "NAME_NOT_A_ZONE": "{domain} is not a zone: it is a name in the zone {zone}, which does not delegate it.",
    "NON_GLOBAL_QUERY_BLOCKED": (
        "{ns}/{address} was not queried: the address is not globally reachable, and the profile does not allow such targets."
    ),
    "NO_ANSWER_UNDECIDED": "{ns}/{address} did not answer {queries} queries ({query_types}) with {packets} packets, but {loss} percent of all packets to this address are lost, so no verdict is possible.",
    "NO_NETWORK": (
        "No test is possible: IPv4 and IPv6 are both disabled, network access is disabled, or no name server, starting with"
        " the root servers, gave a response without an error."
    ),
    "NO_SUCH_NAME": f"The response to a query for {_QUERY} is NXDOMAIN: the name does not exist.",
    "NO_SUCH_RECORD": f"The response to a query for {_QUERY} is NODATA: the name has no record of this type.",
    "NS_CREATED": "The name server {ns}/{address} was added.",
    "PACKET_BIG": "A message of {size} octets is larger than expected (operation: {command}).",
    "QUERY": f"{{address}} is to be queried for {_QUERY} (flags: {{flags}}).",
    "REACHABILITY_CACHE_SKIP": (
        f"{{address}} was not queried for {_QUERY} over {{protocol}}: the address was unreachable recently. It can be"
        " queried again in {ttl_seconds} seconds."
    ),
    "RECURSE": f"{_QUERY} is resolved from the root.",
    "RECURSE_QUERY": f"{{ns}}/{{address}} (zone: {{source}}) is queried for {_QUERY}.",
    "RESTORED_NS_CACHE": "Packets were read from {file}.",
    "RUN_DEADLINE_REACHED": "The run reached its limit of {seconds} seconds. Unfinished test cases: {testcases}. Name servers with queries that timed out: {servers}.",
    "RUN_LIMIT_REACHED": "The run reached limits, so some data was left out: {limits}. Unfinished test cases: {testcases}.",
    "SAVED_NS_CACHE": "Packets were written to {file}.",
    "SKIP_IPV4_DISABLED": "{ns}/{address} was skipped for {query_type}: IPv4 is disabled.",
    "SKIP_IPV6_DISABLED": "{ns}/{address} was skipped for {query_type}: IPv6 is disabled.",
    "START_TIME": "The run started at {string}.",
    "TEST_TARGET": "The zone {zone} is tested (module: {module}, test case: {testcase}).",
    "TLD_NOT_DELEGATED": "{domain} does not exist: .{tld} is not delegated.",
    "UNKNOWN_METHOD": "The module {module} has no test case {testcase}.",
    "UNKNOWN_MODULE": "There is no module {module} for the test case {testcase}. Modules: {module_list}.",
}

ADVICE = {
    "CANNOT_CONTINUE": (
        "The findings of the BASIC test cases show which of these is the cause. Check the spelling of the domain name, its"
        " registration, and that the name servers run and serve the zone. Then test again."
    ),
    "FAKE_DELEGATION_IN_ZONE_NO_IP": (
        "A name server with a name in the tested zone can be reached only if the parent zone has its address as glue. Supply"
        " the address together with the name."
    ),
    "FAKE_DELEGATION_NO_IP": (
        "Resolvers could not use this name server if the delegation were published. Check the name, add address records for"
        " it, or leave it out."
    ),
    "MODULE_ERROR": (
        "This is a fault of the software, not of your domain. The other results are valid. Please report this entry to the"
        " operator of the service."
    ),
    "NAME_DOES_NOT_EXIST": (
        "The domain is not registered, has expired or is misspelled. Check the spelling and the registration, or test the"
        " zone that the name is in."
    ),
    "NAME_NOT_A_ZONE": "Name servers and DNSSEC belong to a zone. Test the zone that the name is in.",
    "NON_GLOBAL_QUERY_BLOCKED": (
        "The address is in a private, local or reserved range, which cannot be reached from the Internet. If it is published"
        " in the public DNS, replace it. To test a private network, allow such targets in the profile."
    ),
    "NO_ANSWER_UNDECIDED": (
        "The name server answers other queries, so the packets were probably lost on the way. Test again later. If the"
        " packet loss remains, check the connection of the name server, and whether it limits its responses."
    ),
    "NO_NETWORK": (
        "Enable IPv4 or IPv6 in the profile or the options. Check that this host has a network connection, and that nothing"
        " blocks or intercepts its queries to port 53 of name servers."
    ),
    "RUN_DEADLINE_REACHED": (
        "The other results are valid, but those of the unfinished test cases are missing or incomplete. In most cases the name"
        " servers listed here did not respond. Repair them first, then test again, with a longer limit if necessary."
    ),
    "RUN_LIMIT_REACHED": (
        "The results are valid, but the data that was left out was not tested. The limits protect third"
        " parties and this service; no well-configured zone reaches them. Reduce the number of name servers, addresses, mail servers"
        " or records that are listed here, or contact the operator of this service, who can raise the limits."
    ),
    "TLD_NOT_DELEGATED": (
        "Check the spelling of the last label. A zone of a private network can be tested if its name servers are supplied."
    ),
    "UNKNOWN_METHOD": "Use a name from the list of test cases.",
    "UNKNOWN_MODULE": "Use a name from the list of modules.",
}
