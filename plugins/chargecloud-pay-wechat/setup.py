"""WeChat Pay, as a plugin of ChargeCloud."""

from setuptools import setup

setup(
    name="chargecloud-pay-wechat",
    version="1.0",
    description="Takes payments for ChargeCloud by WeChat Pay (API v3), and splits them",
    packages=["chargecloud_pay_wechat"],
    package_data={"chargecloud_pay_wechat": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=[
        "chargecloud",
        "Twisted[tls]",
        "attrs",
        "cryptography>=43",
        "treq",
        "zope.interface",
    ],
    entry_points={"chargecloud": ["pay-wechat = chargecloud_pay_wechat.hooks"]},
)
