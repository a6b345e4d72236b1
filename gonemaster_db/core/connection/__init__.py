"""Connections to the database: engines, pools, time limits, and errors of the drivers."""
