"""Alembic's revisions of the feature's tables."""
