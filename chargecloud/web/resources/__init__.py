"""The core's own resources; a feature's are in its own C{api.py}."""
