"""Several processes on one database: who is where, and how they speak with each other."""
