"""The time of an update, in CPU time and at its least: what else runs here does not count."""

import time

import numpy as np

from benchmarks.grid_update import drive, ground_lookup, street_mask
from perception_nodes.mapping import SemanticMap

ROUNDS = 15
AGE, PAIRS = 400, 60


def cpu_ms(size_wh, rounds=ROUNDS, warm_up=3):
    """Return the least CPU milliseconds of one update: what else runs here does not count."""
    mask, confidence = street_mask(size_wh)
    grid, poses = SemanticMap(), drive()
    observer = grid.observer()
    view = observer.prepare(*ground_lookup(size_wh))
    found = []
    for _ in range(warm_up + rounds):
        begin = time.thread_time()
        grid.update(observer.observe(mask, confidence, view), *next(poses))
        found.append((time.thread_time() - begin) * 1e3)
    return np.array(found[warm_up:])


def test_update_is_no_worse_than_linear_in_mask_pixels():
    small, large = cpu_ms((320, 240)).min(), cpu_ms((1280, 960)).min()
    assert large <= 16 * small


def test_update_from_a_640x480_mask_takes_eight_milliseconds_at_most():
    assert cpu_ms((640, 480)).min() <= 8


def test_update_is_flat_in_the_age_of_the_map():
    """Old and young map take turns on the same mask, so that a busy machine slows both."""
    mask, confidence = street_mask((160, 120))
    old, young, poses = SemanticMap(), SemanticMap(), drive()
    observer = old.observer()
    view = observer.prepare(*ground_lookup((160, 120)))
    for _ in range(AGE):
        old.update(observer.observe(mask, confidence, view), *next(poses))
    found = np.empty((PAIRS, 2))
    for index in range(PAIRS):
        pose, seen = next(poses), observer.observe(mask, confidence, view)
        for which, grid in enumerate((old, young) if index % 2 else (young, old)):
            begin = time.thread_time()
            assert grid.update(seen, *pose).cells
            found[index, which if index % 2 else 1 - which] = time.thread_time() - begin
    old_s, young_s = np.median(found, axis=0)
    assert old_s <= 1.3 * young_s
