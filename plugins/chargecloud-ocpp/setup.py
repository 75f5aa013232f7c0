"""OCPP 1.6J, as a plugin of ChargeCloud."""

from setuptools import setup

setup(
    name="chargecloud-ocpp",
    version="1.0",
    description="OCPP 1.6J chargers for ChargeCloud",
    packages=["chargecloud_ocpp", "chargecloud_ocpp.messages", "chargecloud_ocpp.migrations"],
    package_data={"chargecloud_ocpp": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=[
        "chargecloud",
        "attrs",
        "cryptography",
        "h11>=0.16",
        "sqlalchemy",
        "wsproto>=1.3.2,<2",
        "zope.interface",
    ],
    entry_points={"chargecloud": ["ocpp = chargecloud_ocpp.hooks"]},
)
