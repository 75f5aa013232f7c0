"""The security extension: certificates, signed firmware, logs.

"Improved security for OCPP 1.6-J", editions 2 and 3; the sections name its messages.
"""

from chargecloud_ocpp.messages.fields import (
    Action,
    Choice,
    Instant,
    ListOf,
    Sender,
    Structure,
    Text,
    Whole,
    may,
    must,
    status,
)
from chargecloud_ocpp.messages.values import CONNECTOR

_WHITEPAPER = "security whitepaper"
_RETRIES = may("retries", Whole(), "how often it tries at the most")
_RETRY_INTERVAL = may("retryInterval", Whole(), "s between two tries")
_REQUEST = "of the request that it is about"

_CERTIFICATE_USE = Choice(
    "CertificateUseEnumType", ("CentralSystemRootCertificate", "ManufacturerRootCertificate")
)
_CERTIFICATE_HASH = Structure(
    "CertificateHashDataType",
    (
        must("hashAlgorithm", Choice("HashAlgorithmEnumType", ("SHA256", "SHA384", "SHA512"))),
        must("issuerNameHash", Text(128), "hex"),
        must("issuerKeyHash", Text(128), "hex"),
        must("serialNumber", Text(40), "hex"),
    ),
)
_UPLOAD_STATUS = Choice(
    "UploadLogStatusEnumType",
    (
        "BadMessage",
        "Idle",
        "NotSupportedOperation",
        "PermissionDenied",
        "Uploaded",
        "UploadFailure",
        "Uploading",
    ),
)
_FIRMWARE_STATUS = Choice(
    "FirmwareStatusEnumType",
    (
        "Downloaded",
        "DownloadFailed",
        "Downloading",
        "DownloadScheduled",
        "DownloadPaused",
        "Idle",
        "InstallationFailed",
        "Installing",
        "Installed",
        "InstallRebooting",
        "InstallScheduled",
        "InstallVerificationFailed",
        "InvalidSignature",
        "SignatureVerified",
    ),
)
_FIRMWARE = Structure(
    "FirmwareType",
    (
        must("location", Text(512), "URI of the firmware"),
        must("retrieveDateTime", Instant(), "from when on it may be fetched"),
        may("installDateTime", Instant(), "from when on it may be installed"),
        must("signingCertificate", Text(5500), "PEM"),
        must("signature", Text(800), "of the firmware, base64"),
    ),
)
_LOG = Structure(
    "LogParametersType",
    (
        must("remoteLocation", Text(512), "URI of the folder to put the file in"),
        may("oldestTimestamp", Instant()),
        may("latestTimestamp", Instant()),
    ),
)
_TRIGGER = Choice(
    "MessageTriggerEnumType",
    (
        "BootNotification",
        "LogStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "SignChargePointCertificate",
        "StatusNotification",
    ),
)

FROM_CHARGE_POINT = (
    Action(
        "LogStatusNotification",
        Sender.CHARGE_POINT,
        _WHITEPAPER,
        (must("status", _UPLOAD_STATUS), may("requestId", Whole(), _REQUEST)),
    ),
    Action(
        "SecurityEventNotification",
        Sender.CHARGE_POINT,
        _WHITEPAPER,
        (
            must("type", Text(50), "of the whitepaper's list of security events"),
            must("timestamp", Instant()),
            may("techInfo", Text(255)),
        ),
    ),
    Action(
        "SignCertificate",
        Sender.CHARGE_POINT,
        _WHITEPAPER,
        (must("csr", Text(5500), "PKCS#10, PEM"),),
        status("GenericStatusEnumType", "Accepted", "Rejected"),
    ),
    Action(
        "SignedFirmwareStatusNotification",
        Sender.CHARGE_POINT,
        _WHITEPAPER,
        (must("status", _FIRMWARE_STATUS), may("requestId", Whole(), _REQUEST)),
    ),
)

FROM_CENTRAL_SYSTEM = (
    Action(
        "CertificateSigned",
        Sender.CENTRAL_SYSTEM,
        _WHITEPAPER,
        (must("certificateChain", Text(10000), "PEM, the charge point's own first"),),
        status("CertificateSignedStatusEnumType", "Accepted", "Rejected"),
    ),
    Action(
        "DeleteCertificate",
        Sender.CENTRAL_SYSTEM,
        _WHITEPAPER,
        (must("certificateHashData", _CERTIFICATE_HASH),),
        status("DeleteCertificateStatusEnumType", "Accepted", "Failed", "NotFound"),
    ),
    Action(
        "ExtendedTriggerMessage",
        Sender.CENTRAL_SYSTEM,
        _WHITEPAPER,
        (must("requestedMessage", _TRIGGER), may("connectorId", Whole(), CONNECTOR)),
        status("TriggerMessageStatusEnumType", "Accepted", "Rejected", "NotImplemented"),
    ),
    Action(
        "GetInstalledCertificateIds",
        Sender.CENTRAL_SYSTEM,
        _WHITEPAPER,
        (must("certificateType", _CERTIFICATE_USE),),
        (
            may("certificateHashData", ListOf(_CERTIFICATE_HASH, 1)),
            *status("GetInstalledCertificateStatusEnumType", "Accepted", "NotFound"),
        ),
    ),
    Action(
        "GetLog",
        Sender.CENTRAL_SYSTEM,
        _WHITEPAPER,
        (
            must("log", _LOG),
            must("logType", Choice("LogEnumType", ("DiagnosticsLog", "SecurityLog"))),
            must("requestId", Whole(), "that its notifications name"),
            _RETRIES,
            _RETRY_INTERVAL,
        ),
        (
            *status("LogStatusEnumType", "Accepted", "Rejected", "AcceptedCanceled"),
            may("filename", Text(255)),
        ),
    ),
    Action(
        "InstallCertificate",
        Sender.CENTRAL_SYSTEM,
        _WHITEPAPER,
        (must("certificateType", _CERTIFICATE_USE), must("certificate", Text(5500), "PEM")),
        status("InstallCertificateStatusEnumType", "Accepted", "Failed", "Rejected"),
    ),
    Action(
        "SignedUpdateFirmware",
        Sender.CENTRAL_SYSTEM,
        _WHITEPAPER,
        (
            _RETRIES,
            _RETRY_INTERVAL,
            must("requestId", Whole(), "that its notifications name"),
            must("firmware", _FIRMWARE),
        ),
        status(
            "UpdateFirmwareStatusEnumType",
            "Accepted",
            "Rejected",
            "AcceptedCanceled",
            "InvalidCertificate",
            "RevokedCertificate",
        ),
    ),
)

SECURITY = (*FROM_CHARGE_POINT, *FROM_CENTRAL_SYSTEM)
