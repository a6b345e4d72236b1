"""Uploads in parts, and batches from uploads and files."""
