"""What a process has seen, as it is handed to another one."""

from __future__ import annotations

import json

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import Import
from pytest_heavyimports.report.account import Account, as_values

from .trees import TORCH

EVENT = Import("torch", Place("setup", "test_a.py::test_one"), 1.5, 300)


def test_an_account_comes_out_as_it_went_in() -> None:
    """By way of plain values, such as JSON has."""
    sent = Account("gw0", epoch_s=1e9, duration_us=8, events=[(7, EVENT)], loads=TORCH)
    received = Account()
    received.add(as_values(sent))
    assert vars(received) == vars(sent)
    json.dumps(as_values(sent))


def test_what_is_new_is_added() -> None:
    """Lists grow, everything else is as it is now; what is empty isn't sent."""
    account = Account("gw0", duration_us=5, loads=TORCH[:1])
    new = as_values(Account(duration_us=9, loads=TORCH[1:2]))
    assert new.keys() == {"duration_us", "loads"}
    account.add(new)
    assert (account.name, account.duration_us, account.loads) == ("gw0", 9, TORCH[:2])
