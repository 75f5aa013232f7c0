"""Firmware: vendors' images, brought to chargers a few at a time, and halted when it goes wrong."""
