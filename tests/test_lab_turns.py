"""Turns: one at a time, first come first served."""

import threading

import pytest

from chainrule.laboratory.turns import Turns


def test_one_at_a_time_in_the_order_in_which_they_came() -> None:
    turns, order, inside = Turns(), [], []
    first_may_end = threading.Event()
    waiting: list[threading.Thread] = []

    def take(name: int) -> None:
        with turns.turn():
            inside.append(name)
            assert len(inside) == 1
            order.append(name)
            if name == 0:
                first_may_end.wait(30)
            inside.remove(name)

    for name in range(6):
        waiting.append(threading.Thread(target=take, args=(name,)))
        waiting[-1].start()
        while len(turns._waiting) < name or not order:  # it stands in the queue
            pass
    first_may_end.set()
    for thread in waiting:
        thread.join(30)
    assert order == [0, 1, 2, 3, 4, 5]


def test_a_turn_is_given_on_after_an_error() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="gone wrong"), turns.turn():
        raise ValueError("gone wrong")
    with turns.turn():
        pass  # it would wait for ever
