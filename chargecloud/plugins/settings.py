"""Which plugins a node uses: the C{[plugins]} table of the configuration."""

from attrs import frozen

from chargecloud.domain.fields import choice


@frozen(kw_only=True)
class PluginSettings:
    """C{[plugins]}"""

    allowed: tuple[str, ...] = choice(
        "the only plugins that are wanted, by their names; if none is named, all that there are",
        default=(),
    )
    blocked: tuple[str, ...] = choice("plugins that are installed and not wanted", default=())
    plugins_dir: str = choice(
        "folder whose .py files are plugins, each by its file's name; empty for none", default=""
    )
    strict: bool = choice(
        "whether the service refuses to start if a plugin cannot be used; else it starts "
        "without that plugin, and says so",
        default=False,
    )

    def wants(self, name: str) -> bool:
        """Whether a plugin is to be used."""
        return name not in self.blocked and (not self.allowed or name in self.allowed)


ALL = PluginSettings()
