"""Alarm sinks, from webhooks to telephones, as a plugin of ChargeCloud."""

from setuptools import setup

setup(
    name="chargecloud-alarms",
    version="1.0",
    description=(
        "Takes ChargeCloud's alarms to people: signed webhooks, group robots, WeChat, "
        "texts and calls, e-mail, syslog, MQTT"
    ),
    packages=["chargecloud_alarms"],
    package_data={"chargecloud_alarms": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=[
        "chargecloud",
        "Twisted[tls]",
        "attrs",
        "paho-mqtt>=2.1",
        "treq",
        "zope.interface",
    ],
    entry_points={"chargecloud": ["alarms = chargecloud_alarms.hooks"]},
)
