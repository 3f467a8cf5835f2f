import pytest

from perception_nodes.imaging.disturbances import Disturbance
from perception_nodes.simulation.disturbances import (
    DisturbanceError,
    load_disturbance,
    load_presets,
)


def test_presets_grow_from_none_to_strong():
    none, medium, strong = (load_disturbance(name) for name in ('none', 'medium', 'strong'))
    assert none == Disturbance()
    for kind in ('glare', 'shadows', 'rain', 'fog', 'dirt', 'worn_percent'):
        assert 0 < getattr(medium, kind) < getattr(strong, kind)
    assert strong.illuminance_factor < medium.illuminance_factor < 1


def test_file_of_ones_own_is_named_with_the_preset(tmp_path):
    file = tmp_path / 'mine.yaml'
    file.write_text('foggy: {fog: 0.9}')
    assert load_disturbance(f'{file}:foggy') == Disturbance(fog=0.9)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(DisturbanceError, match=r'none, medium, strong.*FILE\.yaml:NAME'):
        load_disturbance('heavy')


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', 'must map names'),
        ('[', 'cannot be read'),
        ('a: 3', 'must map keys to numbers'),
        ('a: {mist: 1}', "unknown key 'mist'; allowed: illuminance_factor"),
        ('a: {fog: high}', 'fog must be a number'),
        ('a: {fog: 2}', r'a: fog: 2 is above the maximum 1'),
    ],
)
def test_broken_file_says_what_is_wrong(tmp_path, text, words):
    file = tmp_path / 'broken.yaml'
    file.write_text(text)
    with pytest.raises(DisturbanceError, match=words):
        load_presets(file)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DisturbanceError, match=r'nothing\.yaml cannot be read'):
        load_presets(tmp_path / 'nothing.yaml')
