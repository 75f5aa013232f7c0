"""WeChat Pay, API v3, for merchants who are paid directly.  The README beside this package says
how it is configured, and what is to be registered at WeChat."""
