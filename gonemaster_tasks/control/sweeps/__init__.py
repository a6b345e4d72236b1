"""Batches of millions of jobs: their messages in Redis, and the rows that are written from a source."""
