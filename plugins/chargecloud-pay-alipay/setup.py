"""Alipay, as a plugin of ChargeCloud."""

from pathlib import Path

from setuptools import setup

setup(
    name="chargecloud-pay-alipay",
    version="1.0",
    description=(
        "Takes payments for ChargeCloud by Alipay: codes to scan, pages on phones, refunds, "
        "royalties and the bill of each day"
    ),
    long_description=Path(__file__).with_name("README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    packages=["chargecloud_pay_alipay"],
    package_data={"chargecloud_pay_alipay": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=[
        "chargecloud",
        "Twisted[tls]",
        "attrs",
        "cryptography>=43",
        "treq>=24.9",
        "zope.interface",
    ],
    entry_points={"chargecloud": ["alipay = chargecloud_pay_alipay.hooks"]},
)
