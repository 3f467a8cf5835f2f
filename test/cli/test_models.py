"""``perception models``: what a user sees, and the exit codes that scripts see."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from perception_nodes.cli.model_import import parse_options, parse_size, parse_three
from perception_nodes.cli.models import app
from perception_nodes.inference.bundle import BundleError, read_bundle
from perception_nodes.inference.golden import read_frame
from perception_nodes.inference.registry import resolve_model
from perception_nodes.inference.resources import resource_path


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('PERCEPTION_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setenv('COLUMNS', '250')
    return tmp_path / 'cache'


@pytest.fixture
def fetched(shared_data: Path) -> Path:
    """Return the folder of a model that was fetched from a file."""
    weights = shared_data / 'models' / 'yolox_nano.onnx'
    call('fetch', 'yolox_nano_sample', '--from-file', str(weights))
    return resolve_model('yolox_nano_sample').path


def call(*words: str, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def refusal(*words: str) -> str:
    """Return the error that the root of the command line prints."""
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, (ValueError, OSError)), result.output
    return str(result.exception)


def test_list_shows_what_can_be_fetched():
    output = call('list').output
    assert 'yolox_tiny' in output
    assert 'fetch 20.2 MB' in output
    assert 'Apache-2.0' in output
    assert 'torchvision://' in output
    assert 'yolox_tiny' in call('list', '--names').output.split()


def test_list_survives_a_broken_model(own_cache):
    (own_cache / 'models' / 'broken').mkdir(parents=True)
    (own_cache / 'models' / 'broken' / 'model.yaml').write_text('x: [')
    assert 'not valid YAML' in call('list').output


def test_show_works_before_fetching():
    output = call('show', 'fastestdet').output
    assert 'not fetched yet' in output
    assert 'BSD-3-Clause' in output
    assert 'person, bicycle' in output


def test_show_unknown_model_gets_a_hint():
    assert "did you mean 'fastestdet'" in refusal('show', 'fastestdett')


@pytest.mark.data
def test_fetched_model_is_proven_listed_shown_and_verified(fetched):
    assert read_bundle(fetched).spec.golden is not None
    assert 'fetched' in call('list').output
    assert str(fetched) in call('show', 'yolox_nano_sample').output
    output = call('verify', 'yolox_nano_sample').output
    assert 'ok' in output
    assert 'golden frame' in output


@pytest.mark.data
def test_fetching_again_keeps_the_golden_frame(fetched):
    before = read_bundle(fetched).spec
    call('fetch', 'yolox_nano_sample')
    assert read_bundle(fetched).spec == before


@pytest.mark.data
def test_changed_weights_fail_verification(fetched):
    weights = read_bundle(fetched).weights_path
    weights.write_bytes(weights.read_bytes()[:-1])
    output = call('verify', exit_code=1).output
    assert 'wrong' in output
    assert 'was changed or is incomplete' in output


@pytest.mark.data
def test_wrong_colour_order_fails_verification_with_the_likely_cause(fetched):
    path = fetched / 'model.yaml'
    path.write_text(path.read_text().replace('color_order: bgr', 'color_order: rgb'))
    output = call('verify', 'yolox_nano_sample', exit_code=1).output
    assert 'input.color_order' in output


@pytest.mark.data
def test_unknown_outputs_print_shapes_and_known_decoders(fetched):
    path = fetched / 'model.yaml'
    data = yaml.safe_load(path.read_text())
    data['decoder'] = {'name': 'fastestdet'}
    path.write_text(yaml.safe_dump(data))
    output = call('verify', 'yolox_nano_sample', exit_code=1).output
    assert '(1, 3549, 85)' in output
    assert 'yolo_multi_head' in output


def test_verify_of_nothing_says_so(monkeypatch):
    monkeypatch.setattr('perception_nodes.cli.models.bundled_models', dict)
    assert 'no models yet' in call('verify').output


def test_verify_unknown_model_fails():
    assert 'no such model' in call('verify', 'nothing', exit_code=1).output


def test_fetch_of_unknown_name():
    assert 'is not in the catalogue' in refusal('fetch', 'nothing')


def importing(shared_data: Path, *words: str, decoder: str = 'yolox') -> tuple[str, ...]:
    model = shared_data / 'models' / 'yolox_nano.onnx'
    return (
        *('import', str(model), '--name', 'mine', '--decoder', decoder, '--classes', 'coco80'),
        *('--color', 'bgr', '--resize', 'letterbox_top_left', '--scale', '1', *words),
    )


@pytest.fixture
def picture() -> str:
    return str(resource_path('config/models/golden/frame.jpg'))


@pytest.mark.data
def test_import_writes_a_bundle_with_a_drawn_picture(shared_data, picture, tmp_path):
    words = ('--golden', picture, '--licence', 'MIT', '--option', 'strides=[8, 16, 32]')
    output = call(*importing(shared_data, *words)).output
    bundle = resolve_model('mine')
    assert bundle.spec.input.size_wh == (416, 416)
    assert bundle.spec.provenance.licence == 'MIT'
    assert bundle.spec.decoder.options == {'strides': [8, 16, 32]}
    expected = json.loads(bundle.file('golden/expected.json').read_text())
    assert {'person', 'cat', 'cup'} <= {box['class'] for box in expected}
    drawn = read_frame(bundle.path / 'golden' / 'drawn.png')
    assert str(bundle.path) in output.replace('\n', '')
    assert not np.array_equal(drawn.pixels, read_frame(Path(picture)).pixels)
    assert 'ok' in call('verify', 'mine').output


@pytest.mark.data
def test_import_without_golden_frame_says_what_is_missing(shared_data, tmp_path):
    output = call(*importing(shared_data, '--out', str(tmp_path / 'here'))).output
    assert '--golden PICTURE' in output
    assert read_bundle(tmp_path / 'here').spec.golden is None


@pytest.mark.data
def test_import_does_not_overwrite_unless_forced(shared_data):
    call(*importing(shared_data))
    assert 'exists already' in refusal(*importing(shared_data))
    call(*importing(shared_data, '--force'))


@pytest.mark.data
@pytest.mark.parametrize(
    ('words', 'decoder', 'reason'),
    [
        ((), 'fastestdet', 'known decoders'),
        ((), 'yolov99', 'unknown decoder'),
        (('--size', '320x320'), 'yolox', 'input.size_wh'),
        (('--size', 'big'), 'yolox', 'is not WxH'),
        (('--mean', '1,2'), 'yolox', 'is not three numbers'),
        (('--std', '0,1,1'), 'yolox', 'input.std'),
        (('--option', 'strides'), 'yolox', 'is not key=value'),
        (('--option', 'stride=8'), 'yolox', "no option 'stride'"),
        (('--classes', 'coco81'), 'yolox', "did you mean 'coco80'"),
    ],
)
def test_import_refuses_what_does_not_fit_and_leaves_nothing(
    shared_data, own_cache, words, decoder, reason
):
    assert reason in refusal(*importing(shared_data, *words, decoder=decoder))
    assert not (own_cache / 'models').exists()


@pytest.mark.data
def test_import_of_an_empty_picture_records_nothing(shared_data, tmp_path, own_cache):
    import cv2

    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((40, 40, 3), 114, np.uint8))
    words = importing(shared_data, '--golden', str(tmp_path / 'grey.png'))
    assert 'finds nothing' in refusal(*words)
    assert not (own_cache / 'models').exists()


@pytest.mark.data
def test_building_an_engine_here_names_the_reason(fetched, monkeypatch):
    monkeypatch.setattr('perception_nodes.inference.backends.onnx.devices._GPU_FILES', ())
    assert 'no NVIDIA GPU' in refusal('build', 'yolox_nano_sample')


def test_sizes_numbers_and_options_are_parsed():
    assert parse_size('') is None
    assert parse_size('640×480') == (640, 480)
    assert parse_three('--mean', '1, 2,3.5') == (1.0, 2.0, 3.5)
    assert parse_options(('a=[1, 2]', 'b=x', 'c=true')) == {'a': [1, 2], 'b': 'x', 'c': True}
    with pytest.raises(BundleError, match='alias'):
        parse_options(('a=[&x 1, *x]',))


def test_fetching_a_torchvision_model_brings_it_into_the_cache(tmp_path, monkeypatch):
    """The download itself is tested with the catalogue; here the file is placed by hand."""
    torch = pytest.importorskip('torch')
    from perception_nodes.inference import torchvision_models

    placed = tmp_path / 'weights.pth'
    torch.save({'weight': torch.zeros(1)}, placed)
    monkeypatch.setattr(torchvision_models, 'download', lambda *_, **__: placed)
    output = call('fetch', 'torchvision://ssdlite320_mobilenet_v3_large').output
    assert f'is ready: {placed}' in output.replace('\n', '')


@pytest.fixture
def street(tmp_path) -> Path:
    """Return a picture with a red and a blue half."""
    import cv2

    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:, :64, 2], pixels[:, 64:, 0] = 255, 255
    cv2.imwrite(str(tmp_path / 'street.png'), pixels)
    return tmp_path / 'street.png'


def test_segmentation_model_is_imported_verified_and_shown(write_mask_bundle, tmp_path, street):
    network = write_mask_bundle(tmp_path / 'source').weights_path
    (tmp_path / 'names.txt').write_text('floor\nred\nblue\n')
    words = ['import', str(network), '--name', 'streets', '--decoder', 'semantic_logits']
    options = ['--classes', str(tmp_path / 'names.txt'), '--golden', str(street)]
    output = call(*words, *options).output
    assert 'semantic_logits' not in output
    assert '50.0%' in output, 'half of the picture is red'
    bundle = resolve_model('streets')
    assert bundle.spec.task == 'segmentation'
    assert bundle.spec.golden.expected == 'golden/expected.png'
    assert (bundle.path / 'golden' / 'drawn.png').is_file()
    assert 'golden frame' in call('verify', 'streets').output
    assert 'min_agreement' in call('show', 'streets').output
    assert 'segmentation' in call('list').output


def test_exchanged_colours_of_a_segmentation_model_are_noticed(
    write_mask_bundle, tmp_path, street
):
    network = write_mask_bundle(tmp_path / 'source').weights_path
    (tmp_path / 'names.txt').write_text('floor\nred\nblue\n')
    words = ['import', str(network), '--name', 'streets', '--decoder', 'semantic_logits']
    call(*words, '--classes', str(tmp_path / 'names.txt'), '--golden', str(street))
    path = resolve_model('streets').path / 'model.yaml'
    path.write_text(path.read_text().replace('color_order: rgb', 'color_order: bgr'))
    output = call('verify', 'streets', exit_code=1).output
    assert 'red expected, blue found' in output


def test_import_of_a_picture_with_one_class_proves_nothing(write_mask_bundle, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / 'dark.png'), np.zeros((64, 128, 3), np.uint8))
    network = write_mask_bundle(tmp_path / 'source').weights_path
    (tmp_path / 'names.txt').write_text('floor\nred\nblue\n')
    words = ['import', str(network), '--name', 'dark', '--decoder', 'semantic_logits']
    options = ['--classes', str(tmp_path / 'names.txt'), '--golden', str(tmp_path / 'dark.png')]
    assert 'sees floor in it and proves little' in refusal(*words, *options)
