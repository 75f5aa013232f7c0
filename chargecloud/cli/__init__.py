"""C{chargecloud}: what a sysadmin does from the shell."""

from chargecloud.cli.commands import main
from chargecloud.cli.opening import COMMAND_LINE_NODE

__all__ = ["COMMAND_LINE_NODE", "main"]
