"""Floor 3: the database: its schema, its transactions, its log and its threads."""
