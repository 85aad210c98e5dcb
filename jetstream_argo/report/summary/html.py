"""Answers as HTML: sections for a notebook or a page, complete without scripts, styles of others, or the network."""

from collections.abc import Iterator, Sequence
from html import escape

from jetstream_argo.report.facts import Facts, sentences, units_line
from jetstream_argo.report.summary import words
from jetstream_argo.report.summary.charts import interval_bar
from jetstream_argo.report.summary.model import Answer, Compared, DecileTable, Verdict, Window

_GOOD = (Verdict.BETTER, Verdict.PERHAPS_BETTER)
_BAD = (Verdict.WORSE, Verdict.PERHAPS_WORSE)

STYLE = """
.ja { font-family: system-ui, sans-serif; color: CanvasText; background: Canvas; font-size: 14px; }
.ja table { border-collapse: collapse; margin: .3em 0 1em; }
.ja th, .ja td { padding: .25em .7em; text-align: left; border-bottom: 1px solid #8884; vertical-align: middle; }
.ja .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.ja h3 { font-size: 1.05em; margin: .8em 0 .2em; }
.ja .warning { border-left: 4px solid #b58900; padding-left: .6em; margin: .3em 0; }
.ja .note { opacity: .75; }
.ja .good { color: #1a7f37; font-weight: 600; }
.ja .bad { color: #c2410c; font-weight: 600; }
@media (prefers-color-scheme: dark) { .ja .good { color: #4ac26b; } .ja .bad { color: #fb923c; } }
"""


def sections(slug: str, first: Sequence[Window], rest: Sequence[Window], facts: Facts) -> str:
    """Return the answers of an experiment: what is to be known before, the first windows, and the rest folded."""
    return f'<div class="ja"><style>{STYLE}</style>{"".join(_sections(slug, first, rest, facts))}</div>'


def _sections(slug: str, first: Sequence[Window], rest: Sequence[Window], facts: Facts) -> Iterator[str]:
    yield f"<h2>{escape(slug)}</h2>"
    if facts.units is not None:
        yield f"<p>{escape(units_line(facts.units))}</p>"
    for sentence in sentences(facts):
        yield f'<p class="warning">{escape(sentence)}</p>'
    for window in first:
        yield window_section(window)
    if not first:
        yield "<p>no estimates</p>"
    if rest:
        yield f"<details><summary>{len(rest)} more: by period, segment and basis</summary>"
        for window in rest:
            yield window_section(window)
        yield "</details>"


def window_section(window: Window) -> str:
    """Return one window's answers, its other statistics and its deciles."""
    return "".join(_window(window))


def _window(window: Window) -> Iterator[str]:
    yield f"<section><h3>{escape(window.title)}</h3>"
    if window.mismatch_p_value is not None:
        p_value = words.p_valued(window.mismatch_p_value)
        yield f'<p class="warning">Units are not split as designed (p {escape(p_value)}): doubt all of this.</p>'
    if window.settles_on is not None:
        yield f'<p class="note">Complete from {window.settles_on} on; provisional before.</p>'
    yield _table(window.answers, window, with_statistic=False)
    if window.further or window.deciles:
        yield "<details><summary>other statistics</summary>"
        if window.further:
            yield _table(window.further, window, with_statistic=True)
        for deciles in window.deciles:
            yield _deciles(deciles, window)
        yield "</details>"
    yield "</section>"


def _table(answers: Sequence[Answer], window: Window, *, with_statistic: bool) -> str:
    compared = [each for answer in answers for each in answer.compared]
    scale = max((abs(end) for each in compared if each.uplift for end in _ends(each)), default=0.0)
    holm = f"p (Holm, of {window.family})" if window.family > 1 else "p"
    heads = ("metric", "branch", "value", f"against {window.reference}", "", holm, "CUPED", "verdict")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    rows = "".join(row for answer in answers for row in _rows(answer, window, scale, with_statistic=with_statistic))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _ends(compared: Compared) -> Iterator[float]:
    uplift = compared.uplift
    if uplift is not None:
        yield from (end for end in (uplift.lower, uplift.point, uplift.upper) if end is not None)


def _rows(answer: Answer, window: Window, scale: float, *, with_statistic: bool) -> Iterator[str]:
    about = answer.about.title or answer.about.description
    title = f' title="{escape(about)}"' if about else ""
    name = escape(words.titled(answer, with_statistic=with_statistic))
    own = [(window.reference, answer.reference)] if answer.compared else list(answer.alone)
    for place, (branch, value) in enumerate(own):
        shown = escape(words.valued(value, answer.about, is_share=answer.is_share))
        first = f'<th scope="row"{title}>{name}</th>' if not place else "<td></td>"
        yield f'<tr>{first}<td>{escape(branch)}</td><td class="n">{shown}</td>{"<td></td>" * 5}</tr>'
    for each in answer.compared:
        shown = escape(words.valued(each.value, answer.about, is_share=answer.is_share))
        p_value = words.p_valued(each.p_value_holm if each.family > 1 else each.p_value)
        cells = (
            f'<td class="n">{shown}</td><td class="n">{escape(words.uplifted(each.uplift))}</td>'
            f"<td>{interval_bar(each.uplift, scale)}</td>"
            f'<td class="n">{escape(p_value)}</td><td class="n">{escape(words.adjusted(each))}</td>'
        )
        yield f"<tr><td></td><td>{escape(each.branch)}</td>{cells}<td>{_verdict(each)}</td></tr>"


def _verdict(compared: Compared) -> str:
    kind = "good" if compared.verdict in _GOOD else "bad" if compared.verdict in _BAD else ""
    notes = "".join(f'; <span class="note">{escape(note)}</span>' for note in compared.notes)
    return f'<span class="{kind}">{escape(compared.verdict.value)}</span>{notes}'


def _deciles(deciles: DecileTable, window: Window) -> str:
    others = [branch for branch in deciles.branches if branch != window.reference]
    heads = ["below", *deciles.branches, *(f"{branch} − {window.reference}" for branch in others)]
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    rows = []
    for share, values, differences in deciles.rows:
        scale = max((abs(value.point or 0.0) for value in values.values()), default=0.0)
        own = [words.valued(values.get(branch), deciles.about, is_share=False) for branch in deciles.branches]
        found = [differences.get(branch) for branch in others]
        between = [words.plus_number(each.point if each else None, beside=scale) for each in found]
        cells = "".join(f'<td class="n">{escape(text)}</td>' for text in (*own, *between))
        rows.append(f'<tr><th scope="row">{share:.0%}</th>{cells}</tr>')
    caption = f"<caption>deciles of {escape(deciles.metric)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
