"""Ways to people for alarms: signed webhooks, the group robots of WeCom, DingTalk and Feishu, and
e-mail.  docs/alarms.rst says how they are configured."""
