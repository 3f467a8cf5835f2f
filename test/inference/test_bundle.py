"""Bundles: what is written is read back, and everything wrong is refused with a cure."""

import hashlib
import os
import pickle
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perception_nodes.inference.bundle import (
    BundleError,
    ModelBundle,
    file_sha256,
    placeholder_weights,
    read_bundle,
    write_bundle,
)
from perception_nodes.inference.bundle_spec import (
    ArchitectureSpec,
    Calibration,
    GoldenSpec,
    InputSpec,
    Metric,
    ModelSpec,
    WeightsSpec,
)
from perception_nodes.inference.bundle_yaml import load_yaml


def edit(bundle: ModelBundle, **changes: object) -> Path:
    """Change keys of ``model.yaml`` in place; dots lead into sections, None deletes."""
    path = bundle.path / 'model.yaml'
    data = yaml.safe_load(path.read_text())
    for dotted, value in changes.items():
        *sections, key = dotted.split('__')
        part = data
        for section in sections:
            part = part[section]
        part[key] = value
    path.write_text(yaml.safe_dump(data))
    return bundle.path


def test_written_bundle_is_read_back_equal(small_bundle):
    again = read_bundle(small_bundle.path)
    assert again == small_bundle
    assert again.spec.weights.sha256 == file_sha256(again.weights_path)


def test_model_yaml_itself_may_be_named(small_bundle):
    assert read_bundle(small_bundle.path / 'model.yaml') == small_bundle


def test_every_field_survives_writing(tmp_path, make_spec, write_model):
    spec = make_spec(
        input=InputSpec(
            size_wh=(640, 480), color_order='bgr', pad_value=0, scale=1 / 255, mean=(0.1, 0.2, 0.3)
        ),
        metrics=(Metric(name='mAP50', value=0.9, data='here'),),
        calibration=Calibration(temperature=1.5, class_thresholds={'no': 0.7}),
        features={'mean': [1.0, 2.0]},
        classes=('no', 'on', '1e3', 'ünï'),
    )
    bundle = write_bundle(tmp_path / 'b', spec, write_model())
    assert read_bundle(bundle.path).spec == replace(spec, weights=bundle.spec.weights)


def test_golden_frame_and_expected_are_copied(tmp_path, make_spec, write_model):
    frame = tmp_path / 'picture.jpg'
    frame.write_bytes(b'not looked at here')
    expected = [{'xyxy': [0, 0, 1, 1], 'score': 0.5, 'class': 'cat'}]
    bundle = write_bundle(tmp_path / 'b', make_spec(), write_model(), frame, expected)
    assert bundle.spec.golden == GoldenSpec(frame='golden/frame.jpg')
    assert bundle.file('golden/frame.jpg').read_bytes() == frame.read_bytes()


def test_golden_frame_without_expected_is_refused(tmp_path, make_spec, write_model):
    with pytest.raises(BundleError, match='belong together'):
        write_bundle(tmp_path / 'b', make_spec(), write_model(), tmp_path / 'x.png')


def test_existing_folder_is_kept_unless_replaced(small_bundle, make_spec, write_model):
    with pytest.raises(BundleError, match='exists already'):
        write_bundle(small_bundle.path, make_spec(), write_model())
    renamed = make_spec(name='other')
    write_bundle(small_bundle.path, renamed, write_model(), replace_existing=True)
    assert read_bundle(small_bundle.path).name == 'other'


def test_failed_writing_leaves_nothing_behind(tmp_path, make_spec):
    with pytest.raises(BundleError, match='no such file'):
        write_bundle(tmp_path / 'out' / 'b', make_spec(), tmp_path / 'missing.onnx')
    assert list((tmp_path / 'out').iterdir()) == []


def test_failed_replacement_keeps_the_old_bundle(small_bundle, make_spec, tmp_path):
    with pytest.raises(BundleError):
        write_bundle(
            small_bundle.path, make_spec(), tmp_path / 'missing.onnx', replace_existing=True
        )
    assert read_bundle(small_bundle.path) == small_bundle


def test_one_changed_byte_refuses_to_load(small_bundle):
    content = bytearray(small_bundle.weights_path.read_bytes())
    content[-1] ^= 1
    small_bundle.weights_path.write_bytes(bytes(content))
    with pytest.raises(BundleError, match='was changed or is incomplete'):
        read_bundle(small_bundle.path)
    with pytest.raises(BundleError, match=small_bundle.spec.weights.sha256):
        small_bundle.read_weights()
    with pytest.raises(BundleError):
        small_bundle.verify()


def test_missing_weights_are_named(small_bundle):
    small_bundle.weights_path.unlink()
    with pytest.raises(BundleError, match=r'model\.onnx: cannot be found'):
        read_bundle(small_bundle.path)


def test_missing_golden_frame_is_named(small_bundle):
    folder = edit(small_bundle, golden={})
    with pytest.raises(BundleError, match=r'golden/frame\.png: cannot be found'):
        read_bundle(folder)


def test_missing_folder_and_missing_description(tmp_path):
    with pytest.raises(BundleError, match='no such folder'):
        read_bundle(tmp_path / 'nowhere')
    with pytest.raises(BundleError, match=r'model\.yaml: cannot be found'):
        read_bundle(tmp_path)


def test_description_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / 'b' / 'model.yaml').mkdir(parents=True)
    with pytest.raises(BundleError, match='regular file'):
        read_bundle(tmp_path / 'b')


@pytest.mark.parametrize(
    'path',
    ['../model.onnx', '/etc/passwd', 'a/../../x', '..', '.', 'C:/x', '..\\x', 'a\nb', '', 'a\0b'],
)
def test_paths_that_leave_the_folder_are_refused(small_bundle, path):
    with pytest.raises(BundleError, match=r'weights\.file'):
        read_bundle(edit(small_bundle, weights__file=path))


def test_link_that_leaves_the_folder_is_refused(small_bundle, tmp_path):
    outside = tmp_path / 'outside.onnx'
    shutil.move(small_bundle.weights_path, outside)
    small_bundle.weights_path.symlink_to(outside)
    with pytest.raises(BundleError, match='outside the bundle'):
        read_bundle(small_bundle.path)


def test_linked_folder_inside_that_leaves_is_refused(small_bundle, tmp_path):
    (tmp_path / 'elsewhere').mkdir()
    shutil.copy(small_bundle.weights_path, tmp_path / 'elsewhere' / 'model.onnx')
    (small_bundle.path / 'sub').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(BundleError, match='outside the bundle'):
        read_bundle(edit(small_bundle, weights__file='sub/model.onnx'))


def test_link_loop_is_refused(small_bundle):
    small_bundle.weights_path.unlink()
    small_bundle.weights_path.symlink_to('model.onnx')
    with pytest.raises(BundleError, match='cannot be found'):
        read_bundle(small_bundle.path)


def test_link_inside_the_folder_is_fine(small_bundle):
    (small_bundle.path / 'real').mkdir()
    shutil.move(small_bundle.weights_path, small_bundle.path / 'real' / 'w.onnx')
    small_bundle.weights_path.symlink_to('real/w.onnx')
    assert read_bundle(small_bundle.path).name == 'small'


def test_bundle_folder_that_is_itself_a_link_is_fine(small_bundle, tmp_path):
    (tmp_path / 'linked').symlink_to(small_bundle.path)
    assert read_bundle(tmp_path / 'linked').name == 'small'


def test_external_data_is_hashed_too(tmp_path, make_spec, write_model):
    model = write_model()
    (tmp_path / 'more.bin').write_bytes(b'numbers')
    digest = hashlib.sha256(b'numbers').hexdigest()
    weights = WeightsSpec(file='model.onnx', sha256='0' * 64, external={'more.bin': digest})
    bundle = write_bundle(tmp_path / 'b', make_spec(weights=weights), model)
    (bundle.path / 'more.bin').write_bytes(b'changed')
    with pytest.raises(BundleError, match=r'more\.bin: SHA-256'):
        read_bundle(bundle.path)


def test_source_statistics_are_copied_hashed_and_of_one_network(tmp_path, make_spec, write_model):
    statistics = tmp_path / 'measured.safetensors'
    statistics.write_bytes(b'numbers')
    bundle = write_bundle(tmp_path / 'b', make_spec(), write_model(), source_statistics=statistics)
    spec = read_bundle(bundle.path).spec
    assert bundle.file(spec.source_statistics.file).read_bytes() == b'numbers'
    other = write_bundle(tmp_path / 'other', spec, write_model())
    assert other.spec.source_statistics is None, 'another network has others'
    bundle.file(spec.source_statistics.file).write_bytes(b'changed')
    with pytest.raises(BundleError, match=r'source_statistics\.safetensors: SHA-256'):
        read_bundle(bundle.path)


WRONG_FIELDS = {
    'format': (2, 'this version reads 1'),
    'name': ('../evil', 'is not a name'),
    'task': ('detecton', "did you mean 'detection'"),
    'weights__sha256': ('abc', '64 lower-case'),
    'architecture__name': ('tensorflow', 'neither onnx nor'),
    'architecture__options': ({'x': 1}, 'takes none'),
    'input__size_wh': ([640], 'has 1 values, needs 2'),
    'input__color_order': ('RGB', "did you mean 'rgb'|is not one of rgb, bgr"),
    'input__resize': ('leterbox', "did you mean 'letterbox'"),
    'input__pad_value': (256, 'in 0..255'),
    'input__scale': ('1e-3', r'write 1\.0e-3'),
    'input__mean': ([0, 0], 'has 2 values, needs 3'),
    'input__std': ([1, 0, 1], r'input\.std\[1\]'),
    'decoder__name': (None, 'is not a name'),
    'decoder__options': ([1], 'is not a mapping'),
    'classes': ([], '0 names'),
    'provenance__licence': (3, 'put it into quotes'),
    'metrics': ([{'name': 'mAP', 'value': float('nan'), 'data': 'x'}], 'finite'),
    'calibration__temperature': (0, 'above 0'),
    'calibration__score_threshold': (1.5, 'in 0'),
    'calibration__class_thresholds': ({'dgo': 0.5}, "did you mean 'dog'"),
    'features': ([1], 'is not a mapping'),
    'source_statistics': ({'sha256': 'abc'}, '64 lower-case'),
    'golden': ({'min_iou': 2}, r'golden\.min_iou'),
}


@pytest.mark.parametrize('field', WRONG_FIELDS)
def test_wrong_field_is_named_with_the_cure(small_bundle, field):
    value, words = WRONG_FIELDS[field]
    with pytest.raises(BundleError, match=words) as caught:
        read_bundle(edit(small_bundle, **{field: value}))
    assert field.split('__')[0] in str(caught.value)
    assert str(small_bundle.path) in str(caught.value)


def test_class_that_yaml_reads_as_boolean_is_explained(small_bundle):
    with pytest.raises(BundleError, match=r'classes\[1\]: False is not text; put it into quotes'):
        read_bundle(edit(small_bundle, classes=['cat', False]))


def test_repeated_class_is_refused_but_not_the_gaps_of_coco(make_spec):
    assert make_spec(classes=('__background__', 'N/A', 'cat', 'N/A')).classes[3] == 'N/A'
    with pytest.raises(BundleError, match='stands twice'):
        make_spec(classes=('cat', 'dog', 'cat'))


def test_unknown_key_gets_a_hint(small_bundle):
    with pytest.raises(BundleError, match=r"unknown key 'colour_order' \(did you mean 'color_or"):
        read_bundle(edit(small_bundle, input__colour_order='rgb'))


def test_missing_key_is_named(small_bundle):
    path = small_bundle.path / 'model.yaml'
    data = yaml.safe_load(path.read_text())
    del data['decoder']
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(BundleError, match="'decoder' is missing"):
        read_bundle(small_bundle.path)


def test_any_size_needs_no_resize(make_spec):
    assert make_spec(input=InputSpec(size_wh=None, resize='none')).input.size_wh is None
    with pytest.raises(BundleError, match=r'set input\.resize to none'):
        InputSpec(size_wh=None)


def test_state_dict_needs_an_architecture(make_spec):
    weights = placeholder_weights('model.pt')
    with pytest.raises(BundleError, match='torchvision:<builder>'):
        make_spec(weights=weights)
    make_spec(weights=weights, architecture=ArchitectureSpec(name='torchvision:fcos_resnet50_fpn'))


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'a: &x [1]\nb: *x\n', 'alias'),
        (b'a: 1\na: 2\n', 'stands twice'),
        (b'!!python/object/apply:os.system ["echo"]', 'not valid YAML'),
        (b'!!python/name:os.system', 'not valid YAML'),
        (b'[' * 200 + b']' * 200, 'nested'),
        (b'{' * 5000, 'nested'),
        (b'x' * (1 << 20) + b'yy', 'larger than'),
        (b'a: \xff\xfe', 'not valid YAML'),
        (b'a: 2001-99-99', 'not valid YAML'),
        (b'? [1, 2]\n: 3', 'not valid YAML'),
        (b'a: ' + b'9' * 10000, 'not valid YAML'),
        (b'a: b: c', 'not valid YAML'),
        (b'--- 1\n--- 2', 'not valid YAML'),
    ],
)
def test_yaml_from_strangers_is_refused(content, words):
    with pytest.raises(BundleError, match=words):
        load_yaml(content)


def test_billion_laughs_is_refused_at_once():
    lines = ['a0: &a0 [lol]'] + [
        f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 9)}]' for i in range(1, 30)
    ]
    with pytest.raises(BundleError, match='alias'):
        load_yaml('\n'.join(lines))


def test_tagged_code_in_model_yaml_never_runs(small_bundle, tmp_path):
    witness = tmp_path / 'ran'
    text = f'!!python/object/apply:os.system ["touch {witness}"]\n'
    (small_bundle.path / 'model.yaml').write_text(text)
    with pytest.raises(BundleError):
        read_bundle(small_bundle.path)
    assert not witness.exists()


def test_errors_are_value_errors_and_short(make_spec):
    with pytest.raises(ValueError, match='task') as caught:
        make_spec(task='x' * 10_000)
    assert len(str(caught.value)) < 400
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(scalars, inner, max_size=4),
    max_leaves=12,
)


def leaves(data: object, path: tuple = ()) -> list[tuple]:
    """Return the paths of everything in nested data."""
    found = [path]
    if isinstance(data, dict):
        found += [p for key, item in data.items() for p in leaves(item, (*path, key))]
    elif isinstance(data, list):
        found += [p for i, item in enumerate(data) for p in leaves(item, (*path, i))]
    return found


def mutated(data: object, path: tuple, value: object) -> object:
    """Return the data with one place replaced."""
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = mutated(data[path[0]], path[1:], value)
    return copy


FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(data=st.data())
def test_mutated_descriptions_raise_nothing_but_bundle_errors(small_bundle, data):
    valid = replace(small_bundle.spec, metrics=(Metric(name='a', value=1, data='b'),)).to_dict()
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(leaves(valid)))
        valid = mutated(valid, path, data.draw(values))
        if not isinstance(valid, dict):
            break
    try:
        text = yaml.safe_dump(valid)
    except (yaml.YAMLError, TypeError):
        return
    (small_bundle.path / 'model.yaml').write_text(text)
    with suppress(BundleError):
        bundle = read_bundle(small_bundle.path)
        assert ModelSpec.from_dict(bundle.spec.to_dict()) == bundle.spec


@FUZZ
@given(noise=st.binary(max_size=60), start=st.integers(0, 900), length=st.integers(0, 40))
def test_corrupted_bytes_raise_nothing_but_bundle_errors(small_bundle, noise, start, length):
    path = small_bundle.path / 'model.yaml'
    original = path.read_bytes()
    path.write_bytes(original[:start] + noise + original[start + length :])
    try:
        with suppress(BundleError):
            assert read_bundle(small_bundle.path).spec.classes
    finally:
        path.write_bytes(original)


def test_unreadable_description_is_refused(small_bundle):
    if os.geteuid() == 0:
        pytest.skip('root reads everything')
    (small_bundle.path / 'model.yaml').chmod(0)
    with pytest.raises(BundleError, match='cannot be read'):
        read_bundle(small_bundle.path)
