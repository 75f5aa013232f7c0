"""Floor 4: who and what exists: tenants, sites, chargers, customers, tokens."""
