"""Plain texts from templates, such as letters."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from theftwatch.reports import words


def environment(package: str) -> Environment:
    """Return the templates of a package, which pass what others wrote through `one_line`."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=False,  # noqa: S701  plain text; `one_line` takes out what could steer a terminal
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for function in (words.count, words.day, words.marketplace_name, words.moment, words.one_line):
        environment.filters[function.__name__] = function
    return environment
