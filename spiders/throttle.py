"""The delay of a host, which follows how slowly it answers."""

from scrapy.core.downloader import Slot
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response

_GOOD, _NOT_MODIFIED = 200, 304


class Throttle(AutoThrottle):
    """Scrapy's, which never shortens a delay for any status but 200, as refusals come fast.

    A page that has not changed is no refusal. Where most are of that kind, one slow answer would otherwise hold up the
    rest of the crawl.
    """

    def _adjust_delay(self, slot: Slot, latency: float, response: Response) -> None:
        told = response.replace(status=_GOOD) if response.status == _NOT_MODIFIED else response
        super()._adjust_delay(slot, latency, told)
