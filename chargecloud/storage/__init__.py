"""Floor 3: the database.  Everything that knows SQL, but for the features' own tables."""
