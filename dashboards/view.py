"""A page of the app, as the registry has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboards.session import Session


@dataclass(frozen=True)
class View:
    """A page. icon: a Material symbol; path: in the address; scope: what a key needs to see it; render: draws it;
    listed: whether it is in the navigation.
    """

    title: str
    icon: str
    path: str
    scope: str
    render: Callable[[Session], None]
    listed: bool = True
