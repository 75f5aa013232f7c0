"""Floor 5: features, each a room furnished alike (model, tables, service, api)."""
