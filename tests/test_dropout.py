"""Dropout masks from a counter."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.dropout import draw_key, dropout_mask, layer_keys, threefry

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry(counter: tuple[int, int], key: tuple[int, int], words: tuple[int, int]) -> None:
    """The known answers that the authors publish with it (Random123, threefry2x32 20)."""
    given = [np.array([word], np.uint32) for word in (*counter, *key)]
    assert tuple(int(word[0]) for word in threefry(*given)) == words


def test_a_part_of_a_mask_is_the_mask_of_a_part() -> None:
    """A unit's fate depends on where it stands alone, not on how many there are beside it."""
    key = draw_key(np.random.RandomState(0))
    whole = dropout_mask(key, 9, 7, 0.5)
    np.testing.assert_array_equal(dropout_mask(key, 4, 3, 0.5), whole[:4, :3])


def test_masks_differ_by_step_and_layer() -> None:
    """Each step and each layer has its own, in which a share of the units is dropped."""
    key = draw_key(np.random.default_rng(0))
    keys = layer_keys(key, np.arange(3)[:, None], np.arange(1, 3)).reshape(-1, 2)
    masks = np.array([dropout_mask(k, 200, 50, 0.25) for k in keys])
    assert len(np.unique(masks.reshape(len(masks), -1), axis=0)) == 6
    # 10,000 draws a mask: a share of 0.25 to 5 standard deviations, and no pair correlated by more
    np.testing.assert_allclose((masks == 0).mean(axis=(1, 2)), 0.25, atol=0.022)
    correlations = np.corrcoef((masks == 0).reshape(6, -1)) - np.eye(6)
    assert np.abs(correlations).max() < 0.05
