"""The command line: what each command is called; what it does stands in `theftwatch.commands`."""

import io
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import theftwatch
from theftwatch.commands import (
    alarm,
    artisan,
    backup,
    case,
    compare,
    crawl,
    dates,
    db,
    demo,
    doctor,
    erase,
    evidence,
    export,
    extract,
    files,
    finding,
    look,
    match,
    metrics,
    notify,
    receive,
    relation,
    report,
    review,
    schedule,
    seller,
    status,
    suppression,
    target,
)
from theftwatch.errors import TheftWatchError
from theftwatch.log import log_everything

logger = logging.getLogger(__name__)

FAILED = 1
INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it

#: The commands by what they are for, in the order in which somebody comes to need them
_COMMANDS: Mapping[str, Mapping[str, typer.Typer | Callable[..., None]]] = {
    "First steps": {"demo": demo.demo, "doctor": doctor.doctor, "db": db.app},
    "Crawling": {
        "crawl": crawl.crawl,
        "target": target.app,
        "import": crawl.import_,
        "receive": receive.receive,
        "look": look.look,
        "extract": extract.extract,
    },
    "Matching": {
        "originals": match.originals,
        "rematch": match.rematch,
        "dates": dates.dates,
        "suppression": suppression.app,
        "relation": relation.app,
        "compare": compare.compare,
        "scan": compare.scan,
    },
    "Judging": {"review": review.review, "account": review.accounts, "finding": finding.app},
    "Acting": {
        "case": case.app,
        "evidence": evidence.app,
        "notify": notify.notify,
        "notice": notify.app,
        "artisan": artisan.app,
        "seller": seller.app,
    },
    "Analysing": {"report": report.report, "export": export.export},
    "Operating": {
        "status": status.status,
        "alarm": alarm.app,
        "metrics": metrics.metrics,
        "schedule": schedule.schedule,
        "deploy": schedule.deploy,
        "backup": backup.backup,
        "restore": backup.restore,
        "files": files.app,
        "keep": erase.keep,
        "erase": erase.app,
    },
}


class _Sections(TyperGroup):
    """Lists the commands under what they are for."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  typer's signature
        """Write a section for each purpose, with all texts in one column."""
        column = max(map(len, self.commands))
        room = formatter.width - column - 4
        for section, commands in _COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl(
                    [(name.ljust(column), self.commands[name].get_short_help_str(room)) for name in commands]
                )


app = typer.Typer(
    name="theftwatch",
    cls=_Sections,
    help="Find product photos that vendors copied from artisans' shops, and keep the record of it.",
    epilog="Settings are read from the environment: docs/settings.md. All commands: docs/commands.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # its boxes take longer to load than all else, and pipes cut them up
)
for _commands in _COMMANDS.values():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name)
        else:
            app.command(_name)(_command)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"TheftWatch {theftwatch.__version__}")  # noqa: T201  to the user
        raise typer.Exit


@app.callback()
def options(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log what goes on, and show the traceback of what fails.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    if debug:
        log_everything()


def main() -> None:
    """Run the command line and exit: whatever ends it early is one line, and an exit code of docs/commands.md."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Titles of listings hold what not every terminal has letters for.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads, such as `head`, has seen enough; the interpreter would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)


def _run() -> int:
    """Run the command and return the exit code."""
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:  # a second one, while the first was being cleaned up after
        code = INTERRUPTED
    except typer.TyperException as exc:
        return _refuse(exc)
    except TheftWatchError as exc:
        logger.debug("it failed here:", exc_info=True)
        _say(str(exc))
        return exc.exit_code
    except Exception as exc:
        logger.debug("it failed here:", exc_info=True)
        _say(_explain(exc))
        return FAILED
    if code == INTERRUPTED:
        _say("interrupted")
    return code or 0


def _refuse(exc: typer.TyperException) -> int:
    """Say which argument is wrong and return the exit code."""
    message = exc.format_message().replace("Value error, ", "")  # pydantic's word, which Typer passes on
    if "\n" in message:  # no command was named, so this is the help
        print(message, file=sys.stderr)  # noqa: T201  to the user
    else:
        context = getattr(exc, "ctx", None)
        _say(f"{message.rstrip('.')}; see `{context.command_path if context else app.info.name} --help`")
    return exc.exit_code


def _explain(exc: Exception) -> str:
    """Return what may be said of an error that no code of ours has put into words."""
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.filename or 'the system'}: {exc.strerror}"
    psycopg = sys.modules.get("psycopg")  # which few commands load
    if psycopg is not None and isinstance(exc, psycopg.OperationalError):
        return f"the database failed: {exc}; `theftwatch db status` shows its state"
    return (
        f"a fault of the program, {type(exc).__name__}: {exc}; "
        "run it again as `theftwatch --debug …` and report what that shows"
    )


def _say(message: str) -> None:
    from theftwatch.reports.words import one_line  # with what it needs, only where something goes wrong

    # An error may say what a stranger wrote.
    print(f"theftwatch: {one_line(message)}", file=sys.stderr)  # noqa: T201  where errors meet the user
