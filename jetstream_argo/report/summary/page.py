"""The answers of an experiment as one HTML file, complete without scripts and the network."""

from collections.abc import Iterator, Sequence
from html import escape

from jetstream_argo.config.model import Period
from jetstream_argo.report.facts import Facts
from jetstream_argo.report.summary import words
from jetstream_argo.report.summary.charts import interval_bar, uplift_chart
from jetstream_argo.report.summary.html import STYLE, sections
from jetstream_argo.report.summary.model import Compared, Window
from jetstream_argo.report.summary.show import Shown, chosen_windows, of_usual_period

_STYLE = (
    STYLE
    + """
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 62em; padding: 0 1em 3em; }
section, figure { overflow-x: auto; margin: 0; }
figure svg { max-width: 100%; height: auto; }
summary { cursor: pointer; padding: .3em 0; }
@media (max-width: 40em) { main .ja { font-size: 12px; } main .ja :is(th, td) { padding: .25em .35em; } }
@media print { details > * { display: block; } }
"""
)


def page(slug: str, windows: Sequence[Window], facts: Facts, *, computed: str) -> str:
    """Return the page: answers first, then each metric over time and by segment; `computed` says as of when."""
    first = chosen_windows(list(windows), Shown()) if windows else []
    # A section for each of very many days would make a page that nobody opens: they are in the metrics' own sections.
    rest = [window for window in windows if window not in first and window.period != Period.DAY.value]
    metrics = dict.fromkeys(answer.metric for window in (*first, *rest) for answer in window.answers)
    by_metric = "".join(part for metric in metrics for part in _metric(metric, windows))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"/><title>{escape(slug)}</title>'
        f"<style>{_STYLE}</style></head><body><main>{sections(slug, first, rest, facts)}"
        f'<div class="ja">{by_metric}<p class="note">{escape(computed)}</p></div></main></body></html>\n'
    )


def _metric(metric: str, windows: Sequence[Window]) -> Iterator[str]:
    """Yield a metric's own section, if there is more of it than its line above."""
    of_metric = [
        window for window in windows if any(answer.metric == metric and answer.compared for answer in window.answers)
    ]
    if not of_metric:
        return
    plain = [window for window in of_metric if window.segment == "all" and window.basis == of_metric[0].basis]
    times = of_usual_period(plain) if plain else []
    segments = [window for window in of_metric if window.segment != "all" and window.period == of_metric[0].period]
    if len(times) <= 1 and not segments:
        return
    about = next(answer.about for answer in of_metric[0].answers if answer.metric == metric)
    yield f"<section><h2>{escape(metric)}</h2>"
    if about.title or about.description:
        yield f"<p>{escape(': '.join(part for part in (about.title, about.description) if part))}</p>"
    if len(times) > 1:
        yield f"<figure>{uplift_chart(metric, times)}</figure>"
        yield _table(times[0].period, metric, [(f"{each.index}: {each.days}", each) for each in times])
    if segments:
        count = len(segments)
        yield (
            f'<p class="warning">{count} segments are {count} more chances to find a difference where there is none: '
            "read them for ideas, not for decisions.</p>"
        )
        yield _table("segment", metric, [(f"{each.segment}, {each.basis}", each) for each in segments])
    yield "</section>"


def _table(head: str, metric: str, windows: Sequence[tuple[str, Window]]) -> str:
    found = [
        (name, compared)
        for name, window in windows
        for answer in window.answers
        if answer.metric == metric
        for compared in answer.compared
    ]
    scale = max((abs(end) for _, compared in found for end in _ends(compared)), default=0.0)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(each.branch)}</td>'
        f'<td class="n">{escape(words.uplifted(each.uplift))}</td><td>{interval_bar(each.uplift, scale)}</td>'
        f'<td class="n">{"" if each.units is None else f"{each.units:,}"}</td></tr>'
        for name, each in found
    )
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in (head, "branch", "uplift", "", "units"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _ends(compared: Compared) -> Iterator[float]:
    uplift = compared.uplift
    if uplift is not None:
        yield from (end for end in (uplift.lower, uplift.point, uplift.upper) if end is not None)
