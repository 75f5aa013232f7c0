"""Plugins: found, checked, and asked for what they provide, once at start-up."""

from chargecloud.plugins.loading import load_plugins
from chargecloud.plugins.provided import PluginError, Plugins, Refused
from chargecloud.plugins.settings import PluginSettings

__all__ = ["PluginError", "PluginSettings", "Plugins", "Refused", "load_plugins"]
