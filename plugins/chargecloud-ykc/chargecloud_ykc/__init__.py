"""YunKuaiChong (YKC) V1.5 and V1.6: EV piles.  Begin with L{chargecloud_ykc.messages}."""
