"""What to search with: addresses that a person opens by hand, by a photo and by words, and the words of a title.

None of these addresses is asked for by the program: the hosts bar machines, or would have to be paid.
"""

import re
from urllib.parse import quote

#: By the address of a photo, which has to be public
_BY_IMAGE = {
    "Google Lens": "https://lens.google.com/uploadbyurl?url={}",
    "Bing": "https://www.bing.com/images/search?view=detailv2&iss=sbi&q=imgurl:{}",
    "Yandex": "https://yandex.com/images/search?rpt=imageview&url={}",
    "TinEye": "https://tineye.com/search?url={}",
}
_BY_WORDS = {
    "Alibaba": "https://www.alibaba.com/trade/search?SearchText={}",
    "AliExpress": "https://www.aliexpress.com/wholesale?SearchText={}",
    "Amazon": "https://www.amazon.com/s?k={}",
    "eBay": "https://www.ebay.com/sch/i.html?_nkw={}",
    "Etsy": "https://www.etsy.com/search?q={}",
}
#: What sellers put between the name of a thing and the words they add to be found
_BREAK = re.compile(r"\s*(?:[|,;:•·]|\s[-–—]\s)\s*")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_WORDS_MOST = 6
_SHOWROOM_MOST = 4
# What is said of any goods
_SALES = """
    a an and at best bulk buy by cheap china custom customized direct discount dropshipping factory fashion fast for
    free from high hot in latest logo lot low manufacturer moq new odm oem of off on or price promotion quality sale
    sales seller selling shipping stock style supplier supply the to top trendy with wholesale
"""
_SALES_WORDS = frozenset(_SALES.split())


def image_searches(url: str) -> dict[str, str]:
    """Return where to search by a photo, by the name of the search."""
    return {name: address.format(quote(url, safe="")) for name, address in _BY_IMAGE.items()}


def word_searches(title: str) -> dict[str, str]:
    """Return where to search by the words of a title, by the name of the marketplace; none where it has no words."""
    words = " ".join(telling_words(title))
    return {name: address.format(quote(words, safe="")) for name, address in _BY_WORDS.items()} if words else {}


def showroom_words(title: str) -> list[str]:
    """Return the words of a title, in lower case, that a page of goods of many vendors may have in its address.

    Titles are strings of words to be found by: without those that say nothing of the thing, the first four name it.
    Only words that an address can hold as they are; none where fewer than two are left.
    """
    words = (word.lower() for word in _WORD.findall(title) if word.isascii() and not word.isdigit())
    kept = [word for word in dict.fromkeys(words) if word not in _SALES_WORDS and len(word) > 1][:_SHOWROOM_MOST]
    return kept if len(kept) > 1 else []


def telling_words(title: str) -> list[str]:
    """Return the words that say what a thing is: the first part of a title, six words at most."""
    parts = (_WORD.findall(part) for part in _BREAK.split(title))
    return next((words for words in parts if len(words) > 1), _WORD.findall(title))[:_WORDS_MOST]
