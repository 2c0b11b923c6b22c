"""`theftwatch doctor`: whether everything that the program needs works."""

import typer

from theftwatch.commands.options import JsonObject

FAILED = 1


def doctor(
    *,
    as_json: JsonObject = False,
) -> None:
    """Try all that the program needs, and say how to mend it.

    One line each: ok, off or failed. Exit code 1 where something failed; what is off is no failure.
    """
    # Postgres and the network take a second to load.
    import json
    from dataclasses import asdict

    from theftwatch.config import settings
    from theftwatch.doctor.check import Check
    from theftwatch.doctor.examine import examine

    checks: list[Check] = []
    for check in examine(settings()):
        checks.append(check)
        if not as_json:
            mend = f"; {'mend it' if check.state == 'failed' else 'to have it'}: {check.remedy}" if check.remedy else ""
            print(f"{check.state:<7} {check.name:<10} {check.detail}{mend}", flush=True)
    well = all(check.state != "failed" for check in checks)
    if as_json:
        print(json.dumps({"ok": well, "checks": [asdict(check) for check in checks]}))
    if not well:
        raise typer.Exit(FAILED)
