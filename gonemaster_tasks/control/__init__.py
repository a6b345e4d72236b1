"""What changes rows and broker together: submission, order, pause, cancellation."""
