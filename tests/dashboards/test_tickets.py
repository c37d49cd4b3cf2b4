"""Tickets: good for their time, and until they are taken back."""

from __future__ import annotations

from dashboards.tickets import Tickets


def test_a_ticket_is_good_for_its_time() -> None:
    now = [0.0]
    tickets = Tickets(lasts_s=60, clock=lambda: now[0])
    ticket = tickets.give("rwk_a")
    now[0] = 59.0
    assert tickets.key_of(ticket) == "rwk_a"
    now[0] = 60.0
    assert tickets.key_of(ticket) is None


def test_a_ticket_is_of_one_key_until_it_is_taken_back() -> None:
    tickets = Tickets()
    first, second = tickets.give("rwk_a"), tickets.give("rwk_a")
    assert first != second
    tickets.take_back(first)
    assert tickets.key_of(first) is None
    assert tickets.key_of(second) == "rwk_a"
    assert tickets.key_of(None) is tickets.key_of("") is tickets.key_of("rwk_a") is None
