"""Tests of the Model Context Protocol, with the SDK's own client."""
