"""ChargeCloud: the charging cloud.  docs/architecture.rst says where everything is."""

__version__ = "0.1.0"
