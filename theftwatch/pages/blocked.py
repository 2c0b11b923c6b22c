"""Telling a block from a page: marketplaces answer 200 with a slider or a captcha in the page's place."""

# The words "login" and "captcha" stand in good pages too, so only marks of the block machinery count, and
# callers ask only once the page's own data was not found.
_MARKS = {
    # The slider, the script that leads to it, and the answer of the interfaces that pages call
    "Alibaba's slider": (
        "/_____tmd_____/",
        "<punish-component",
        "sufei-punish",
        "x5secdata=",
        "rgv587_flag",
        "RGV587_ERROR",
    ),
    "DataDome's captcha": ("captcha-delivery.com", "var dd={'rt':"),
}


def block_mark(body: str) -> str | None:
    """Return what blocked the page, in words; None where no mark of a block is found."""
    for what, marks in _MARKS.items():
        if any(mark in body for mark in marks):
            return what
    return None
