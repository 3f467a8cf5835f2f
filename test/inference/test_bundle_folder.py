"""A bundle takes the place of nothing but a bundle, and never leaves its place empty."""

import pytest

from perception_nodes.inference.bundle import BundleError, copy_bundle, read_bundle, write_bundle
from perception_nodes.inference.bundle_folder import check_target, put_in_place


def test_absent_and_empty_folders_and_older_bundles_are_targets(tmp_path, small_bundle):
    (tmp_path / 'empty').mkdir()
    for target in (tmp_path / 'absent', tmp_path / 'empty', small_bundle.path):
        assert check_target(target) == target


def test_folder_of_other_things_is_kept(tmp_path, make_spec, write_model):
    (tmp_path / 'thesis').mkdir()
    (tmp_path / 'thesis' / 'chapter.txt').write_text('years of work')
    with pytest.raises(BundleError, match=r'holds chapter\.txt, which belongs to no bundle'):
        write_bundle(tmp_path / 'thesis', make_spec(), write_model(), replace_existing=True)
    assert (tmp_path / 'thesis' / 'chapter.txt').read_text() == 'years of work'


def test_notes_beside_an_older_bundle_are_kept(small_bundle, make_spec, write_model):
    (small_bundle.path / 'notes.txt').write_text('where it was trained')
    with pytest.raises(BundleError, match=r'holds notes\.txt'):
        write_bundle(small_bundle.path, make_spec(), write_model(), replace_existing=True)
    assert read_bundle(small_bundle.path) == small_bundle


def test_model_yaml_of_something_else_makes_no_bundle(tmp_path):
    (tmp_path / 'model.yaml').write_text('nc: 80\nbackbone: []\n')
    with pytest.raises(BundleError, match=r'its model\.yaml describes no bundle'):
        check_target(tmp_path)


def test_file_is_no_target(tmp_path):
    (tmp_path / 'results').write_text('1, 2, 3')
    with pytest.raises(BundleError, match='is a file'):
        check_target(tmp_path / 'results')


def test_source_is_no_target_under_another_name_either(tmp_path, small_bundle):
    (tmp_path / 'linked').symlink_to(small_bundle.path)
    for target in (small_bundle.path, tmp_path / 'linked', small_bundle.path / '..' / 'small'):
        with pytest.raises(BundleError, match='is the model that the new one is made from'):
            check_target(target, [small_bundle.path])


def test_link_stays_a_link_to_the_new_bundle(tmp_path, small_bundle, make_spec, write_model):
    (tmp_path / 'linked').symlink_to(small_bundle.path)
    written = write_bundle(
        tmp_path / 'linked', make_spec(name='newer'), write_model(), replace_existing=True
    )
    assert written.path == tmp_path / 'linked'
    assert (tmp_path / 'linked').is_symlink()
    assert read_bundle(small_bundle.path).name == 'newer'
    assert not [item.name for item in tmp_path.iterdir() if item.name.startswith('.')]


def test_copy_holds_all_files(tmp_path, make_spec, write_model):
    frame = tmp_path / 'picture.png'
    frame.write_bytes(b'not looked at here')
    expected = [{'xyxy': [0, 0, 1, 1], 'score': 0.5, 'class': 'cat'}]
    statistics = tmp_path / 'features.safetensors'
    statistics.write_bytes(b'not looked at here either')
    first = write_bundle(
        tmp_path / 'first', make_spec(), write_model(), frame, expected,
        source_statistics=statistics,
    )  # fmt: skip
    second = copy_bundle(first, tmp_path / 'second')
    assert second.spec == first.spec
    assert check_target(second.path) == second.path, 'all of it is of a bundle'
    files = ['model.onnx', 'golden/frame.png', 'golden/expected.json']
    for file in (*files, first.spec.source_statistics.file):
        assert second.file(file).read_bytes() == first.file(file).read_bytes()


def holding(folder, text):
    """Return the folder with one file in it."""
    folder.mkdir()
    (folder / 'file').write_text(text)
    return folder


def test_the_new_one_takes_the_place_of_the_old(tmp_path):
    target = holding(tmp_path / 'place', 'old')
    put_in_place(holding(tmp_path / 'staging', 'new'), target)
    assert (target / 'file').read_text() == 'new'
    assert [item.name for item in tmp_path.iterdir()] == ['place']


def test_the_old_one_returns_when_the_new_one_cannot_move(tmp_path):
    target = holding(tmp_path / 'place', 'old')
    staging = holding(tmp_path / 'staging', 'new')
    inside = staging.rename(target / 'staging')  # moves away with the folder it should replace
    with pytest.raises(OSError, match='staging'):
        put_in_place(inside, target)
    assert (target / 'file').read_text() == 'old'
