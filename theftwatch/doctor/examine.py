"""Everything, one after another."""

from collections.abc import Iterator

from theftwatch.clock import Clock, system_clock
from theftwatch.config import Settings
from theftwatch.doctor.authority import check_timestamps
from theftwatch.doctor.browser import check_chromium
from theftwatch.doctor.check import Check
from theftwatch.doctor.database import check_database
from theftwatch.doctor.mail import check_mail, check_operator
from theftwatch.doctor.network import check_descriptor
from theftwatch.doctor.nodes import check_nodes
from theftwatch.doctor.storage import check_disk, check_files


def examine(settings: Settings, *, clock: Clock = system_clock) -> Iterator[Check]:
    """Try everything and yield what came of each.

    The embedded Postgres is started, and its database made, where that has not been done.
    """
    yield from check_database(settings, clock)
    yield check_descriptor()
    yield check_files(settings, clock)
    yield check_disk(settings.data_dir)
    yield check_chromium(settings)
    yield from check_nodes(settings)
    yield check_timestamps(settings, clock)
    yield check_mail(settings)
    yield check_operator(settings)
