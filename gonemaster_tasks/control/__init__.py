"""Changes of rows and broker together: submission, order, pause, cancellation."""
