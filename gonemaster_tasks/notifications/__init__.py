"""Delivery of notifications: webhooks over HTTP, and mail. Independent of rows and queues."""
