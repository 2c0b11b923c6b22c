"""Scrapy's settings, each deviation from a default with its reason."""

import sys

from theftwatch.chromium import launch_options, require_chromium
from theftwatch.config import settings
from theftwatch.errors import UsageError
from theftwatch.pages.archive import HOST as ARCHIVE

try:
    _OWN = settings()
    _CHROMIUM = require_chromium(_OWN) if _OWN.browser else None
except UsageError as exc:
    # Scrapy imports this module before anything of ours could catch the error.
    sys.stderr.write(f"theftwatch: {exc}\n")
    raise SystemExit(exc.exit_code) from None

_BROWSER_PAGES = 4

BOT_NAME = "theftwatch"
# Named one by one: the folder also holds modules that a plain crawl should not load.
SPIDER_MODULES = [
    "spiders.alibaba",
    "spiders.artfire",
    "spiders.capture",
    "spiders.dates",
    "spiders.etsy",
    "spiders.saved",
]
NEWSPIDER_MODULE = "spiders"
COMMANDS_MODULE = "spiders.commands"  # `scrapy crawl` that refuses a wrong argument before it starts
USER_AGENT = _OWN.user_agent
FEED_EXPORT_ENCODING = "utf-8"

# Politeness. One page at a time a site, whose hosts share a slot (`spiders.budget`), with a delay that grows when it
# answers slowly.
ROBOTSTXT_OBEY = True  # default False
CONCURRENT_REQUESTS_PER_DOMAIN = 1  # default 8
DOWNLOAD_DELAY = _OWN.delay_s  # default 0
AUTOTHROTTLE_ENABLED = True  # default False
AUTOTHROTTLE_START_DELAY = _OWN.delay_s  # default 5
AUTOTHROTTLE_MAX_DELAY = 120  # default 60
# Image hosts are content networks: made for many small requests, and one listing asks for a dozen. All hosts of one
# network (sc01 to sc04 and more) share a slot, which the requests of `pipelines.images` name.
DOWNLOAD_SLOTS = {
    "images": {"concurrency": 4, "delay": _OWN.delay_s / 20, "jitter": 0.5},
    # Not a host: what a page in Chromium wants is asked for piece by piece, each at its own host's pace. Four pages
    # serve two cores best.
    "browser": {"concurrency": _BROWSER_PAGES, "delay": 0},
    # The archive's index takes 24 questions a minute, and shuts out who goes on asking faster.
    ARCHIVE: {"concurrency": 1, "delay": _OWN.delay_s if _OWN.mapped(ARCHIVE) else max(_OWN.delay_s, 3.0)},
}
# Those of Scrapy's own that have a place here: what `DOWNLOADER_MIDDLEWARES` switches off is loaded all the same, and
# much with it. Left out are robotstxt, which takes a robots.txt that is away for leave, httpcompression, which takes a
# bomb for a bar, and cookies, as no page that we read needs a session.
DOWNLOADER_MIDDLEWARES_BASE = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": 50,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": 300,
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": 550,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": 580,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": 750,
    "scrapy.downloadermiddlewares.stats.DownloaderStats": 850,
    "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware": 900,
}
DOWNLOADER_MIDDLEWARES = {
    "spiders.robots.RobotsTxt": 100,
    "spiders.compression.Compression": 590,  # the place of Scrapy's
    "spiders.validators.Conditional": 940,  # after redirects, whose requests are of other addresses
    "spiders.budget.HostBudget": 950,  # all of this holds for all jobs together
}
DOWNLOAD_TIMEOUT = 60  # default 180
RETRY_TIMES = 2
# 403 is a refusal, not a hiccup: asking again is impolite. 429 waits for the host's back-off, not for a retry.
RETRY_HTTP_CODES = [500, 502, 503, 504, 522, 524, 408]
HTTPERROR_ALLOW_ALL = True  # default False: the spiders tell blocked from gone themselves

# Safety. Addresses come from pages that anyone may write.
DOWNLOAD_HANDLERS = {
    "http": "spiders.browser.BrowserHandler" if _OWN.browser else "spiders.net.Handler",
    "https": "spiders.browser.BrowserHandler" if _OWN.browser else "spiders.net.Handler",
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}
TWISTED_DNS_RESOLVER = "spiders.net.GuardedResolver"
HTTPPROXY_ENABLED = False  # default True: a proxy resolves names itself, where the guard does not see it
DOWNLOAD_VERIFY_CERTIFICATES = True  # default False: what we keep may become evidence
DOWNLOAD_MAXSIZE = 32 * 1024**2  # default 1 GiB
DOWNLOAD_WARNSIZE = 0  # default 32 MiB, which is refused here
MEMUSAGE_LIMIT_MB = 4096  # default 0
URLLENGTH_LIMIT = 2083

# The way of a listing.
ITEM_PIPELINES = {
    "pipelines.validate.ValidatePipeline": 100,
    "pipelines.images.ImagesPipeline": 200,
    "pipelines.fingerprint.FingerprintPipeline": 300,
    "pipelines.store.StorePipeline": 400,
    "pipelines.match.MatchPipeline": 500,
}
# As above. Left out are throttle, which takes a page that has not changed for a refusal, and two servers that execute
# Python, telnet and remote_control.
EXTENSIONS_BASE = {
    "scrapy.extensions.corestats.CoreStats": 0,
    "scrapy.extensions.logcount.LogCount": 0,
    "scrapy.extensions.memusage.MemoryUsage": 0,
    "scrapy.extensions.memdebug.MemoryDebugger": 0,
    "scrapy.extensions.closespider.CloseSpider": 0,
    "scrapy.extensions.feedexport.FeedExporter": 0,
    "scrapy.extensions.logstats.LogStats": 0,
    "scrapy.extensions.spiderstate.SpiderState": 0,
}
EXTENSIONS = {
    "spiders.throttle.Throttle": 0,
    "spiders.run.Run": 100,  # before the pipelines, which take their connections from it
}
LOG_FORMATTER = "spiders.log.LogFormatter"  # keeps page data out of the log
LOG_LEVEL = "INFO"  # default DEBUG, which logs every item

# Chromium, for pages that show nothing without scripts.
PLAYWRIGHT_MAX_PAGES_PER_CONTEXT = _BROWSER_PAGES
PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT = 30_000
if _CHROMIUM:
    PLAYWRIGHT_LAUNCH_OPTIONS = launch_options(_CHROMIUM)
