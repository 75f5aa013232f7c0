"""C{chargecloud}: what a sysadmin does from the shell."""

from chargecloud.cli.commands import main

__all__ = ["main"]
