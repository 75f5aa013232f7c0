"""A certificate, to be printed: one page without anything from elsewhere."""

from html import escape

from chargecloud.features.metering.bodies import ReadingShown, SessionShown

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Certificate {number}</title>
<style>
body {{ font: 11pt/1.4 serif; max-width: 42em; margin: 2em auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border: 1px solid; padding: 0.2em 0.5em; text-align: right; }}
th {{ text-align: left; }}
</style>
</head>
<body>
<h1>Certificate of verification {number}</h1>
<table>
{facts}
</table>
<h2>Record of errors</h2>
<table>
<tr><th>Port</th><th>Load, W</th><th>Register, kWh</th><th>Reference, kWh</th><th>Error, %</th>\
<th>Clock, s</th><th>Amount, yuan</th></tr>
{readings}
</table>
<p>This record was made by the operator of the charger. It is no certificate of a metrological \
authority.</p>
</body>
</html>
"""


def page_of(session: SessionShown, charger_name: str) -> str:
    """The page of a verification that has passed."""
    facts = {
        "Charger": f"{charger_name} ({session.charger_id})",
        "Verification": session.occasion.value,
        "Registers are within": f"{session.limit_permille / 10:g} %",
        "Error farthest from zero": _percent(session.worst_error_ppm),
        "Reference meter": f"{session.reference}, within {session.reference_permille / 10:g} %",
        "Measured by": session.inspector,
        "Finished": f"{session.finished_at:%Y-%m-%d %H:%M %Z}",
        "Valid until": f"{session.valid_until:%Y-%m-%d}",
    }
    return _PAGE.format(
        number=escape(session.certificate or ""),
        facts="\n".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in facts.items()
        ),
        readings="\n".join(_row(each) for each in session.readings),
    )


def _row(reading: ReadingShown) -> str:
    cells = (
        str(reading.port),
        _or_none(reading.load_w, 1, ""),
        _or_none(reading.register_mwh, 10**6, ".6f"),
        _or_none(reading.reference_mwh, 10**6, ".6f"),
        _percent(reading.error_ppm),
        _or_none(reading.clock_ahead_ms, 1000, "+.1f"),
        _or_none(reading.payment_error_fen, 100, "+.2f"),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _percent(error_ppm: int | None) -> str:
    return _or_none(error_ppm, 10**4, "+.3f")


def _or_none(value: int | None, parts: int, how: str) -> str:
    if value is None:
        return "-"
    return format(value if parts == 1 else value / parts, how)
