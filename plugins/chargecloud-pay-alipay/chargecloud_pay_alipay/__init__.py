"""Alipay: codes to scan, pages on phones, refunds, royalties and the bill of each day.
C{README.rst} beside it says how it is configured, and what to register at Alipay."""
