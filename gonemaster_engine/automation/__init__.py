"""Automation for registries: observations of a delegation, decisions about its DS records, rollovers."""
