"""Who refuses us: when a host is to be left alone, and when a crawl is over, as it meets nothing but refusals."""

from collections import Counter
from dataclasses import dataclass, field

#: One refusal may be of a page, two in a row may be chance
IN_A_ROW_MAX = 3


@dataclass(slots=True)
class Refusals:
    """Refusals in a row, by each host and by all hosts of a crawl together.

    A marketplace may refuse its searches and show vendors' own hosts: then the crawl goes on with these. Where no host
    shows anything any more, it is us that the marketplace refuses, and none of its hosts is asked on.
    """

    _by_host: Counter[str] = field(default_factory=Counter)
    #: Since any host showed something
    _since_shown: Counter[str] = field(default_factory=Counter)

    def note_shown(self, host: str) -> None:
        """Note that a host gave an answer that is no refusal."""
        del self._by_host[host]
        self._since_shown.clear()

    def note_refused(self, host: str) -> set[str]:
        """Note a refusal, and return the hosts that are to be left alone now."""
        self._by_host[host] += 1
        self._since_shown[host] += 1
        if self.is_over:
            return set(self._since_shown)
        return {host} if self._by_host[host] >= IN_A_ROW_MAX else set()

    @property
    def is_over(self) -> bool:
        """Whether the crawl meets nothing but refusals."""
        return self._since_shown.total() >= IN_A_ROW_MAX
