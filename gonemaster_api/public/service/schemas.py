"""Schemas of public information about the service."""

import marshmallow as ma


class PublicProfileSchema(ma.Schema):
    """A profile that public jobs may use."""

    id = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True)


class InfoSchema(ma.Schema):
    """The public parts of results, and the excluded test cases."""

    show_score_public = ma.fields.Boolean(required=True)
    show_nameserver_timings_public = ma.fields.Boolean(required=True)
    show_dnssec_chain_public = ma.fields.Boolean(required=True)
    show_asn_names_public = ma.fields.Boolean(required=True)
    excluded_testcases = ma.fields.List(ma.fields.String(), required=True)
