"""
One target under atheris, in a process of its own: C{python -m tests.fuzz.one TARGET FOLDER ...}.

What follows the target is libFuzzer's.
"""

import sys

import atheris

with atheris.instrument_imports(
    include=["chargecloud.dialects", "chargecloud_dny", "chargecloud_ocpp", "chargecloud_ykc"]
):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """The command line; it does not come back."""
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
