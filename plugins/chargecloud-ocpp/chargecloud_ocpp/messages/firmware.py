"""The firmware management profile: new firmware, and files with what happened."""

from chargecloud_ocpp.messages.fields import (
    Action,
    Choice,
    Instant,
    Sender,
    Text,
    Whole,
    may,
    must,
)

_RETRIES = may("retries", Whole(), "how often it tries at the most")
_RETRY_INTERVAL = may("retryInterval", Whole(), "s between two tries")

FIRMWARE = (
    Action(
        "DiagnosticsStatusNotification",
        Sender.CHARGE_POINT,
        "4.4",
        (
            must(
                "status",
                Choice("DiagnosticsStatus", ("Idle", "Uploaded", "UploadFailed", "Uploading")),
            ),
        ),
    ),
    Action(
        "FirmwareStatusNotification",
        Sender.CHARGE_POINT,
        "4.5",
        (
            must(
                "status",
                Choice(
                    "FirmwareStatus",
                    (
                        "Downloaded",
                        "DownloadFailed",
                        "Downloading",
                        "Idle",
                        "InstallationFailed",
                        "Installing",
                        "Installed",
                    ),
                ),
            ),
        ),
    ),
    Action(
        "GetDiagnostics",
        Sender.CENTRAL_SYSTEM,
        "5.9",
        (
            must("location", Text(), "URI of the folder to put the file in"),
            _RETRIES,
            _RETRY_INTERVAL,
            may("startTime", Instant(), "of the oldest entry"),
            may("stopTime", Instant(), "of the newest entry"),
        ),
        (may("fileName", Text(255), "none if there is nothing to be put there"),),
    ),
    Action(
        "UpdateFirmware",
        Sender.CENTRAL_SYSTEM,
        "5.19",
        (
            must("location", Text(), "URI of the firmware"),
            _RETRIES,
            must("retrieveDate", Instant(), "from when on it may be fetched"),
            _RETRY_INTERVAL,
        ),
    ),
)
