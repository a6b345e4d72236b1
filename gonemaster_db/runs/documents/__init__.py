"""What is stored of a run as a whole, and the outcomes that runs share."""
