"""Programs that belong together: started in order, watched, restarted, stopped in order."""
