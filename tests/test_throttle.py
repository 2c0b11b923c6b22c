"""The delay of a host follows its slowness, down as well as up, also where hardly a page changes."""

import pytest
from scrapy.core.downloader import Slot
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from spiders.throttle import Throttle


@pytest.mark.parametrize(("status", "delay"), [(200, 5.5), (304, 5.5), (403, 10.0), (503, 10.0)])
def test_what_comes_fast_shortens_the_delay_unless_it_is_a_refusal(status, delay):
    throttle = Throttle(get_crawler(settings_dict={"AUTOTHROTTLE_ENABLED": True, "DOWNLOAD_DELAY": 0}))
    throttle.mindelay, throttle.maxdelay = 1.0, 60.0
    slot = Slot(concurrency=1, delay=10.0, jitter=0)
    throttle._adjust_delay(slot, 1.0, Response("https://www.etsy.com/", status=status))
    assert slot.delay == delay


@pytest.mark.parametrize("status", [200, 304, 503])
def test_what_comes_slowly_lengthens_it_whatever_it_is(status):
    throttle = Throttle(get_crawler(settings_dict={"AUTOTHROTTLE_ENABLED": True}))
    throttle.mindelay, throttle.maxdelay = 1.0, 60.0
    slot = Slot(concurrency=1, delay=2.0, jitter=0)
    throttle._adjust_delay(slot, 20.0, Response("https://www.etsy.com/", status=status))
    assert slot.delay == 20.0
