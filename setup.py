"""Packaging of ChargeCloud.  See docs/adr/0002-packaging.rst for why it looks like this."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="chargecloud",
    version="0.1.0",
    description="The charging cloud: connects chargers, runs charges, bills them.",
    long_description=Path("README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    classifiers=[
        "Environment :: No Input/Output (Daemon)",
        "Framework :: Twisted",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Typing :: Typed",
    ],
    # "." (and not an absent key) makes an editable install a plain path entry, the
    # only kind that twisted.plugin can see.  A second key would undo it.
    package_dir={"": "."},
    # twisted.plugins has no __init__.py and must not have one, so it is named here.
    packages=[*find_packages(include=["chargecloud", "chargecloud.*"]), "twisted.plugins"],
    package_data={
        "chargecloud": ["py.typed"],
        "chargecloud.plugins": ["templates/*.in", "templates/*/*.in"],
        "chargecloud.simulator.acn": ["*.csv.gz", "ATTRIBUTION.rst"],
    },
    include_package_data=True,
    python_requires=">=3.11",
    install_requires=[
        "Twisted[tls]>=24.11",
        "alembic>=1.14",
        "attrs>=24.1",
        "cattrs>=24.1",
        "cryptography>=43",
        "klein>=24.8",
        "pluggy>=1.5",
        "prometheus_client>=0.21",
        "psycopg[binary]>=3.2",
        "PyMySQL>=1.1",
        "SQLAlchemy>=2.0.36",
        "XlsxWriter>=3.2",
        "treq>=24.9",
        "txredisapi>=1.6",
        "tzdata",
        "zope.interface>=7",
    ],
    extras_require={
        "dev": [
            "aiosmtpd>=1.4.6",
            "amqtt>=0.12",
            "hypothesis>=6.120",
            "import-linter>=2.1",
            "jsonschema>=4.23",
            "mypy>=1.14",
            "mypy-zope>=1.0.9",
            "ocpp>=2.1",
            "openapi-spec-validator>=0.7",
            "pytest>=8.3",
            "pytest-twisted>=1.14.3",
            "pytest-xdist>=3.8",
            "python-alipay-sdk>=3.4",
            "ruff>=0.9",
            "schemathesis>=4.0",
            "setuptools>=80",
            "test-ocpp>=1",
            "towncrier>=24.8",
            "types-PyMySQL>=1.1",
            "websockets>=15",
            "wechatpayv3>=2.0.4",
        ],
        # make fuzz
        "fuzz": ["atheris>=3.0"],
    },
    entry_points={
        "console_scripts": ["chargecloud = chargecloud.cli:main"],
        # the conformance kit's options: pytest --pyargs chargecloud.conformance --dialect NAME
        "pytest11": ["chargecloud-conformance = chargecloud.conformance.plugin"],
    },
)
