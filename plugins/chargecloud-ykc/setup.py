"""The YunKuaiChong dialect (V1.5 and V1.6), as a plugin of ChargeCloud."""

from setuptools import setup

setup(
    name="chargecloud-ykc",
    version="1.0",
    description="YunKuaiChong (YKC V1.5/V1.6) EV piles for ChargeCloud",
    packages=["chargecloud_ykc"],
    package_data={"chargecloud_ykc": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=["chargecloud", "attrs", "fastcrc", "zope.interface"],
    entry_points={"chargecloud": ["ykc = chargecloud_ykc.hooks"]},
)
