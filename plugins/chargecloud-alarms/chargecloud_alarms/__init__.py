"""Ways to people for alarms: signed webhooks, the group robots of WeCom, DingTalk and Feishu,
WeChat, texts and calls, e-mail, syslog and MQTT.  docs/alarms.rst says how they are configured."""
