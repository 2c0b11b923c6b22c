"""What the program says in commands, said in the words of the pages."""

import pytest

from theftwatch.web.pages import _templates
from theftwatch.web.said import Part, parts_of


def alert(says):
    """Return an alert as a page shows it."""
    show = _templates().from_string('{% from "parts.html.j2" import alert %}{{ alert(says) }}')
    return " ".join(show.render(says=says).split())


@pytest.mark.parametrize(
    ("command", "on_page"),
    [
        ("theftwatch finding show 7", Part(text="the page of finding 7", address="/findings/7")),
        ("theftwatch case list --all", Part(text="the list of all cases", address="/cases?all=1")),
        ("--after 12", Part(text="the verdict once more")),
        ("theftwatch case show", Part(text="theftwatch case show", is_command=True)),
        ("theftwatch seller link A B", Part(text="theftwatch seller link A B", is_command=True)),
    ],
)
def test_a_command_is_the_page_that_does_the_same_or_else_stands_apart(command, on_page):
    assert parts_of(f"so it is; `{command}` tells") == [Part(text="so it is; "), on_page, Part(text=" tells")]


def test_an_alert_leads_on_and_has_no_backtick():
    assert alert("Finding 3: no person has confirmed it; `theftwatch finding confirm` does.") == (
        '<p class="says" role="alert">Finding 3: no person has confirmed it; a verdict on its page does.</p>'
    )
    assert alert("See `theftwatch finding show 3`.").count('<a href="/findings/3">the page of finding 3</a>') == 1
    said = alert("Give `theftwatch deploy`.")
    assert "Give <code>theftwatch deploy</code>. A command is for whoever set this page up.</p>" in said
    assert alert(None) == ""


def test_what_strangers_wrote_stays_text():
    hostile = '`<b>`: no such `theftwatch finding show 3" onclick=x` vendor` <script>'
    said = alert(hostile)
    assert "<b>" not in said
    assert "<script>" not in said
    assert "href" not in said
    assert "<code>&lt;b&gt;</code>: no such <code>theftwatch finding show 3" in said
    assert "vendor` &lt;script&gt;" in said
