"""A text area that proposes names while one writes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HTML = """
<textarea spellcheck="false" autocapitalize="off" autocomplete="off" role="combobox" aria-expanded="false"
  aria-autocomplete="list" aria-label="Rules as text"></textarea>
<ul role="listbox" hidden></ul>
"""
_CSS = """
:host, div { position: relative; }
textarea { width: 100%; box-sizing: border-box; resize: vertical; padding: .6rem .7rem;
  font-family: var(--st-code-font);
  font-size: .87rem; line-height: 1.45; color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); tab-size: 2; }
textarea:focus { outline: 2px solid var(--st-primary-color); outline-offset: -1px; }
ul { margin: 2px 0 0; padding: 0; list-style: none; border: 1px solid var(--st-border-color);
  border-radius: var(--st-base-radius); background: var(--st-background-color); font-size: .85rem; }
li { display: flex; gap: .8rem; padding: .2rem .6rem; cursor: pointer; color: var(--st-text-color); }
li b { font-family: var(--st-code-font); font-weight: 600; white-space: nowrap; }
li span { opacity: .75; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
li[aria-selected=true] { background: var(--st-secondary-background-color);
  box-shadow: inset 3px 0 var(--st-primary-color); }
"""


@cache
def _component() -> Any:
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    return st.components.v2.component("riskwave_editor", html=_HTML, css=_CSS, js=script)


def edit(text: str, words: Sequence[dict[str, Any]], *, key: str, version: int, rows: int = 16) -> str:
    """The text as it is now. words: what is proposed, `name` and `said`; version: another one puts `text` in anew."""
    found = _component()(
        key=f"{key}_{version}",
        data={"text": text, "words": list(words), "version": version, "rows": rows},
        default={"text": text},
        on_text_change=lambda: None,
        height="content",
    )
    return str(found.text)
