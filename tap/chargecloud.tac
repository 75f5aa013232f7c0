# For `twistd -ny tap/chargecloud.tac`, where a .tac is preferred to the command
# `twistd chargecloud`: the configuration is named by the environment.

import os

from twisted.application.service import Application

from chargecloud.tap import Options, makeService

options = Options()
options.parseOptions(["--config", os.environ.get("CHARGECLOUD_CONFIG", "/etc/chargecloud.toml")])

application = Application("chargecloud")
makeService(options).setServiceParent(application)
