"""Plugins: what there is, whether it can be used, and a beginning for a new one."""

import argparse
from pathlib import Path
from typing import Any

from chargecloud.cli.parsing import command, room
from chargecloud.config import read_config
from chargecloud.plugins import Plugins, PluginSettings, load_plugins
from chargecloud.plugins.writing import KINDS, write_plugin


def plugins_list(arguments: argparse.Namespace) -> int:
    """List what the plugins provide, one line each: what it is, its name, the plugin that it
    comes from with its version, and the module.  Plugins that cannot be used come last, with
    the reason."""
    plugins = read_config(Path(arguments.config)).plugins
    for kind, provided in plugins.kinds().items():
        for name, provider in provided.items():
            origin = str(plugins.origins[kind, name])
            print(f"{kind:19} {name:16} {origin:24} {type(provider).__module__}")
    tell_refused(plugins)
    return 0


def plugins_check(arguments: argparse.Namespace) -> int:
    """Load all plugins that are installed and hold what each provides against its interface,
    without a configuration.  Each that cannot be used is named with the reason, and the exit
    status is 1 then."""
    plugins = load_plugins(PluginSettings(plugins_dir=arguments.plugins_dir or ""))
    print(f"good: {len(plugins.origins)} providers keep to their interfaces")
    return tell_refused(plugins)


def tell_refused(plugins: Plugins) -> int:
    """Say which plugins cannot be used; the exit status."""
    for refused in plugins.refused:
        print(f"cannot be used: {refused}")
    return 1 if plugins.refused else 0


def plugins_new(arguments: argparse.Namespace) -> int:
    """Write a new plugin that works, with tests that pass: a distribution of its own, to be
    changed from there.  Nothing is overwritten."""
    folder = Path(arguments.folder or f"chargecloud-{arguments.name}")
    for path in write_plugin(arguments.kind, arguments.name, folder):
        print(path)
    print(f"next: pip install -e {folder} && pytest {folder}")
    return 0


def plugin_commands(rooms: Any) -> None:
    """Add the commands about plugins."""
    plugins = room(rooms, "plugins", "what is installed beside the core")
    command(plugins, "list", plugins_list, example="chargecloud plugins list")
    made = command(
        plugins, "check", plugins_check, example="chargecloud plugins check", configured=False
    )
    made.add_argument("--plugins-dir", metavar="FOLDER", help="of loose files to check as well")
    made = command(
        plugins,
        "new",
        plugins_new,
        example="chargecloud plugins new dialect acme",
        configured=False,
    )
    made.add_argument("kind", choices=KINDS, help="what it is to provide")
    made.add_argument("name", metavar="NAME", help="small letters, digits and _")
    made.add_argument("--folder", help="to be made for it; chargecloud-NAME if not given")
