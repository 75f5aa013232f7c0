"""Safety: watches readings, and has what is dangerous stopped."""
