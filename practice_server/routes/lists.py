"""The form of a list."""

from __future__ import annotations

from collections.abc import Callable

from practice_server.store import Page, Row


def as_list(page: Page, as_object: Callable[[Row], Row], *, with_ends: bool = False) -> Row:
    """A page as the API shows it; `with_ends` names its first and last id."""
    data = [as_object(row) for row in page.rows]
    shown = {"object": "list", "data": data, "has_more": page.has_more}
    if with_ends:
        shown["first_id"] = data[0]["id"] if data else None
        shown["last_id"] = data[-1]["id"] if data else None
    return shown
