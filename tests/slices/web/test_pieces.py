"""Each piece that pages are made of, in HTML, with texts that would like to be more than text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from app.web.marks import Tone, tone_of
from app.web.pieces import Happened, Interval, Task, plot
from app.web.templates import TEMPLATES, ago, plural, sentence
from app.web.visitors import Standing

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'{{ 7 * 7 }} \u202e\u05d0 😀" + "x" * 300
VOID = {"input", "img", "meta", "link", "br", "path", "circle", "rect"}


class Checked(HTMLParser):
    """Tags that open are closed, in order, and none of them is a script or has a style."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        assert tag not in {"script", "style"}
        assert not [name for name in names if name == "style" or name.startswith("on")]
        assert len(names) == len(attrs)
        if names.get("id"):
            self.ids.append(str(names["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def made(source: str, **values: object) -> str:
    text = TEMPLATES.from_string(source).render(now=NOW, x=HOSTILE, **values)
    checked = Checked()
    checked.feed(text)
    assert checked.open == []
    assert len(set(checked.ids)) == len(checked.ids)
    assert "49" not in text
    return text


@pytest.mark.parametrize(
    "source",
    [
        "{{ ui.seal() }}{{ ui.icon('good') }}{{ ui.icon('bad') }}{{ ui.icon('wait') }}",
        "{{ ui.status(x) }}",
        "{{ ui.hash(x) }}{{ ui.copy(x, x) }}{{ ui.command(x) }}",
        "{{ ui.id(x, '/models/' ~ x) }}{{ ui.id(x) }}",
        "{{ ui.error_summary([('a', x), (none, x)]) }}",
        "{{ ui.field('a', x, x, hint=x, error=x, more={'data-x': x}) }}",
        "{{ ui.password() }}{{ ui.code(required=false) }}",
        "{{ ui.area('a', x, x, hint=x, error=x, required=false) }}",
        "{{ ui.select('a', x, [(x, x), ('b', 'B')], 'b', hint=x, error=x) }}",
        "{{ ui.radios('a', x, [('a', x, x), ('b', 'B', none)], 'b', error=x) }}",
        "{{ ui.box('a', x, x, true, hint=x) }}",
        "{% call ui.buttons() %}<button>{{ x }}</button>{% endcall %}",
        "{{ ui.act('/x', x, x, fields={'a': x}) }}",
        "{{ ui.facts([(x, x), ('b', none), ('c', ''), ('d', 0)]) }}",
        "{{ ui.trail([(x, '/a'), ('B', '/b')]) }}",
        "{{ ui.tabs([(x, '/a', 1234), ('B', '/b', none)], '/b') }}",
        "{% call ui.banner(x, 'bad', live=true) %}<p>{{ x }}</p>{% endcall %}{{ ui.banner(x) }}",
        "{{ ui.empty(x, x, '/x') }}{% call ui.empty(x) %}<p>{{ x }}</p>{% endcall %}",
        "{{ ui.failed(x, x, x, '/x') }}",
        "{{ ui.stale(now, now, x) }}",
        "{{ ui.cite(x, 12, 3, x) }}{{ ui.cite(x, 12) }}",
        "{{ ui.progress(x, 30, poll='/x') }}{{ ui.progress(x) }}",
        "{% call ui.filters('/x', x) %}{{ ui.field('q', x, x) }}{% endcall %}",
        "{{ ui.grid(x, [x, 'n'], [[x, 1], [none, '']], (1,)) }}",
    ],
)
def test_a_piece_is_whole_and_shows_text_as_text(source: str) -> None:
    made(source)


def test_tasks_and_what_happened_are_lists() -> None:
    tasks = [Task(HOSTILE, HOSTILE, "bad", "/x", HOSTILE, HOSTILE), Task("plain", "done")]
    assert made("{{ ui.tasks(items) }}", items=tasks).count('<div class="task">') == 2
    events = [Happened(NOW, HOSTILE, HOSTILE, HOSTILE, "/x", "good"), Happened(NOW, "plain")]
    assert made("{{ ui.timeline(items) }}", items=events).count("<time ") == 2


def test_intervals_are_drawn_and_told_as_a_table() -> None:
    rows = [
        Interval(HOSTILE, 0.8, 0.7, 0.9, 1200),
        Interval("few", 1.4, 0.2, 1.9, 3, small=True),
        Interval("nobody", None, None, None, 0),
    ]
    drawn = plot("Impact ratio", rows, limit=0.8)
    text = made("{{ ui.interval_plot(plot) }}", plot=drawn)
    assert text.count("<circle ") == 4  # twice: for wide and for narrow pages
    assert "few (too few to judge)" in text
    assert re.findall(r'data-label="n" class="number"><div>([^<]+)<', text) == ["1,200", "3", "0"]
    assert text.count('<span class="none">none</span>') == 3
    for picture in (drawn.wide, drawn.narrow):
        inside = [mark.high for mark in picture.marks if mark.high is not None]
        assert max(inside) < picture.width
        assert picture.marks[0].value == picture.limit_at


def test_a_plot_of_nothing_and_one_of_a_given_width_are_drawn_too() -> None:
    assert plot("Nothing", []).wide.ticks[-1][1] == "1.00"
    given = plot("Given", [Interval("a", 3.0, None, None)], lowest=0, highest=2)
    assert given.wide.marks[0].value == 580


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        (Standing(12, 12, NOW - timedelta(seconds=40)), "12 entries · verified 40 s ago"),
        (Standing(12_345, 9, NOW), "12,345 entries · 9 verified 0 s ago"),
        (Standing(0, 0, None), "0 entries · not verified yet"),
        (Standing(2, 2, NOW, witnesses=3), "2 entries · verified 0 s ago · 3 witnesses"),
        (Standing(2, 2, NOW, halted="a tile is wrong"), "Nothing is recorded: a tile is wrong"),
    ],
)
def test_the_health_of_the_log_is_said_as_it_is(standing: Standing, told: str) -> None:
    text = made("{{ ui.health(standing, now) }}", standing=standing)
    assert told in re.sub(r"<[^>]+>", "", text).replace("Log: ", "")


@pytest.mark.parametrize(
    ("word", "tone"),
    [
        ("ALLOW", Tone.GOOD),
        ("pass_by_review", Tone.GOOD),
        ("DENY", Tone.BAD),
        ("request-changes", Tone.WAIT),
        ("AWAITING", Tone.WAIT),
        ("shadow", Tone.NOTE),
    ],
)
def test_a_word_has_its_tone(word: str, tone: Tone) -> None:
    assert tone_of(word) is tone


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s ago"),
        (59, "59 s ago"),
        (61, "1 min ago"),
        (7200, "2 h ago"),
        (180_000, "2 days ago"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_unit(seconds: int, said: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_counts_and_sentences_are_written_as_people_write_them() -> None:
    assert plural(1, "entry", "entries") == "1 entry"
    assert plural(2000, "entry", "entries") == "2,000 entries"
    assert plural(2, "row") == "2 rows"
    assert sentence("it failed") == "It failed."
    assert sentence("Did it fail?") == "Did it fail?"


def test_a_value_that_was_not_handed_over_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        TEMPLATES.from_string("{{ nothing_of_that_name }}").render()
