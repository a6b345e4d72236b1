"""Sends what watches tell: webhooks over HTTP, and mail. Knows nothing of rows and queues."""
