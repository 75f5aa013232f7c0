"""The DNY dialect (AP3000 family), as a plugin of ChargeCloud."""

from setuptools import setup

setup(
    name="chargecloud-dny",
    version="1.0",
    description="DNY (AP3000) two-wheeler chargers and hosts for ChargeCloud",
    packages=["chargecloud_dny"],
    package_data={"chargecloud_dny": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=["chargecloud", "attrs", "zope.interface"],
    entry_points={"chargecloud": ["dny = chargecloud_dny.hooks"]},
)
