"""The core's revisions, one file each."""
