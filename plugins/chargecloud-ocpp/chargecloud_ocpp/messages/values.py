"""What messages of several profiles have in common: cards, connectors, meter values."""

from chargecloud_ocpp.messages.fields import (
    Choice,
    Instant,
    ListOf,
    Structure,
    Text,
    may,
    must,
)

CONNECTOR = "from 1"
CONNECTOR_OR_ALL = "from 1; 0 is the charge point itself"

#: upper and lower case are the same
ID_TAG = Text(20)
ID_TAG_INFO = Structure(
    "IdTagInfo",
    (
        may("expiryDate", Instant(), "until when it is remembered"),
        may("parentIdTag", ID_TAG, "of the group that it belongs to"),
        must(
            "status",
            Choice(
                "AuthorizationStatus",
                ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"),
            ),
        ),
    ),
)

MEASURAND = Choice(
    "Measurand",
    (
        "Energy.Active.Export.Register",
        "Energy.Active.Import.Register",
        "Energy.Reactive.Export.Register",
        "Energy.Reactive.Import.Register",
        "Energy.Active.Export.Interval",
        "Energy.Active.Import.Interval",
        "Energy.Reactive.Export.Interval",
        "Energy.Reactive.Import.Interval",
        "Power.Active.Export",
        "Power.Active.Import",
        "Power.Offered",
        "Power.Reactive.Export",
        "Power.Reactive.Import",
        "Power.Factor",
        "Current.Import",
        "Current.Export",
        "Current.Offered",
        "Voltage",
        "Frequency",
        "Temperature",
        "SoC",
        "RPM",
    ),
)
_CONTEXT = Choice(
    "ReadingContext",
    (
        "Interruption.Begin",
        "Interruption.End",
        "Other",
        "Sample.Clock",
        "Sample.Periodic",
        "Transaction.Begin",
        "Transaction.End",
        "Trigger",
    ),
)
_PHASE = Choice(
    "Phase",
    ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"),
)
# "Celcius" is the first edition's spelling, which the schemas still allow
_UNITS = (
    "Wh",
    "kWh",
    "varh",
    "kvarh",
    "W",
    "kW",
    "VA",
    "kVA",
    "var",
    "kvar",
    "A",
    "V",
    "K",
    "Celcius",
    "Celsius",
    "Fahrenheit",
    "Percent",
)


def _meter_value(units: tuple[str, ...], least: int, where: str = "") -> Structure:
    """What several meters show at one instant."""
    sampled = Structure(
        f"SampledValue{where}",
        (
            must("value", Text(), "a number, or signed data"),
            may("context", _CONTEXT, "Sample.Periodic if it is left out"),
            may("format", Choice("ValueFormat", ("Raw", "SignedData")), "Raw if it is left out"),
            may("measurand", MEASURAND, "Energy.Active.Import.Register if it is left out"),
            may("phase", _PHASE, "of all together if it is left out"),
            may(
                "location",
                Choice("Location", ("Body", "Cable", "EV", "Inlet", "Outlet")),
                "Outlet if it is left out",
            ),
            may(
                "unit", Choice(f"UnitOfMeasure{where}", units), "Wh if it is an energy and left out"
            ),
        ),
    )
    return Structure(
        f"MeterValue{where}",
        (must("timestamp", Instant()), must("sampledValue", ListOf(sampled, least))),
    )


METER_VALUES = ListOf(_meter_value((*_UNITS, "Hertz"), 1), 1)
# the schema of StopTransaction has kept an older state of the same structure
TRANSACTION_DATA = ListOf(_meter_value(_UNITS, 0, " in StopTransaction"))
