"""Pieces of a page: everything that comes from outside is escaped, and nothing is loaded.

The page has no script and asks no server for anything; pictures are part of it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

__all__ = [
    "details",
    "document",
    "heading",
    "listed",
    "paragraph",
    "picture",
    "preformatted",
    "table",
]

_STYLE = """
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1a1a1a; background: #fff;
       font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: right;
         vertical-align: top; }
th { color: #444; font-weight: 600; }
.text { text-align: left; }
img { max-width: 100%; height: auto; }
pre { overflow-x: auto; padding: .8rem; background: #f5f5f5; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.5rem; overflow-wrap: anywhere; }
.enable { border-left: .4rem solid #1a7f37; } .disable { border-left: .4rem solid #b42318; }
.inconclusive { border-left: .4rem solid #9a6700; }
.enable, .disable, .inconclusive { padding: .2rem 1rem; background: #f8f8f8; }
"""


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page."""
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def heading(text: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind` is how it looks, such as the answer of a verdict."""
    looks = f' class="{escape(kind)}"' if kind else ""
    return f"<p{looks}>{escape(text)}</p>"


def table(rows: Sequence[Sequence[str]], texts: Sequence[int] = (0,)) -> str:
    """The first row is the head; columns in `texts` begin at the left."""
    lines = []
    for number, row in enumerate(rows):
        cells = [_cell("td" if number else "th", place in texts, cell) for place, cell in
                 enumerate(row)]  # fmt: skip
        lines.append(f"<tr>{''.join(cells)}</tr>")
    head, *body = lines
    whole = f"<thead>{head}</thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody>"
    return f'<div class="scroll"><table>\n{whole}\n</table></div>'


def listed(pairs: Iterable[tuple[str, str]]) -> str:
    """Terms, each with what it is."""
    items = [f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in pairs]
    return "<dl>\n" + "\n".join(items) + "\n</dl>"


def preformatted(text: str) -> str:
    """Text with its lines as they are."""
    return f"<pre>{escape(text)}</pre>"


def details(summary: str, content: str) -> str:
    """What is shown on a click; `content` is a piece of a page."""
    return f"<details><summary>{escape(summary)}</summary>\n{content}\n</details>"


def picture(svg: bytes, alt: str) -> str:
    """A picture that is part of the page; two of them cannot disturb each other's names."""
    data = base64.b64encode(svg).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'


def _cell(tag: str, text: bool, content: str) -> str:
    looks = ' class="text"' if text else ""
    return f"<{tag}{looks}>{escape(content)}</{tag}>"
