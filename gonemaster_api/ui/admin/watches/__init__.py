"""Watches: recipients of notifications, and deliveries."""
