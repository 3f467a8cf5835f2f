from pathlib import Path

import pytest

from benchmarks.classification import TRACK, parts_of
from perception_nodes.evaluation.picture_folders import ClassedPicture, PictureFolders, tracks_of


def signs(*tracks_of_class: int) -> PictureFolders:
    """Return names of crops, two of each track, without pictures."""
    pictures = tuple(
        ClassedPicture(path=Path(f'{class_id:05d}_{track:05d}_{crop:05d}.png'), class_id=class_id)
        for class_id, count in enumerate(tracks_of_class)
        for track in range(count)
        for crop in (10, 29)
    )
    classes = tuple(str(number) for number in range(len(tracks_of_class)))
    return PictureFolders(classes=classes, pictures=pictures)


@pytest.mark.parametrize('seed', [0, 1, 2])
def test_tracks_stay_whole_and_every_class_is_learnt_and_held_out(seed):
    parts = parts_of(signs(4, 3, 2), seed)
    assert [part.counts() for part in parts] == [[4, 2, 2], [2, 2, 0], [2, 2, 2]]
    seen = [track for part in parts for track in set(tracks_of(part, TRACK))]
    assert len(seen) == len(set(seen)) == 9


def test_seeds_hold_out_other_tracks():
    held_out = [set(tracks_of(parts_of(signs(4, 3), seed)[2], TRACK)) for seed in range(3)]
    assert not held_out[0] & held_out[1]
    assert not held_out[1] & held_out[2]


def test_class_of_one_track_is_only_learnt():
    assert [part.counts()[1] for part in parts_of(signs(4, 1), 0)] == [2, 0, 0]
