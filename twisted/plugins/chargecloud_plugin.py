"""The twistd commands of ChargeCloud: keep this file free of other imports (a dropin
that raises is dropped by Twisted without a word)."""

from twisted.application.service import ServiceMaker

chargecloud = ServiceMaker(
    "ChargeCloud",
    "chargecloud.tap",
    "The charging cloud: chargers, orders, bills, HTTP API.",
    "chargecloud",
)

chargecloud_sim = ServiceMaker(
    "ChargeCloud simulator",
    "chargecloud.tap_sim",
    "A fleet of simulated chargers, and people who charge at them.",
    "chargecloud-sim",
)
