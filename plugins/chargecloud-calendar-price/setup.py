"""A price by the calendar, as a plugin of ChargeCloud."""

from setuptools import setup

setup(
    name="chargecloud-calendar-price",
    version="1.0",
    description="Energy priced by season, weekday, holiday and hour for ChargeCloud",
    py_modules=["chargecloud_calendar_price"],
    python_requires=">=3.11",
    install_requires=["chargecloud", "attrs", "zope.interface"],
    entry_points={"chargecloud": ["calendar_price = chargecloud_calendar_price"]},
)
