"""Addresses: every scheme leads to the same bundle, and every dead end says where it looked."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.detection.detector import Detector
from perception_nodes.inference import registry, torchvision_models
from perception_nodes.inference.bundle import BundleError, ModelBundle
from perception_nodes.inference.class_lists import (
    known_class_lists,
    load_class_list,
    read_class_list,
)
from perception_nodes.inference.registry import (
    SCHEMES,
    bundled_models,
    cached_models,
    resolve_model,
)
from perception_nodes.inference.resources import resource_path
from perception_nodes.structures import Frame

EVERYTHING = DetectionConfig(score_threshold=0.001)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's fetched models out of the tests."""
    monkeypatch.setenv('PERCEPTION_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


@pytest.fixture
def share(tmp_path: Path, small_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a share folder that holds one bundled model."""
    folder = tmp_path / 'share'
    shutil.copytree(small_bundle.path, folder / 'resource' / 'models' / 'shipped')
    monkeypatch.setattr(
        'perception_nodes.inference.resources.share_folders', lambda: iter([folder])
    )
    monkeypatch.setattr(registry, 'load_catalogue', lambda: {'public': None})
    return folder


def test_plain_path_and_file_address_lead_to_the_same(small_bundle):
    path = small_bundle.path
    assert resolve_model(str(path)) == resolve_model(path) == resolve_model(f'file://{path}')
    assert resolve_model(f'file://localhost{path}') == small_bundle


def test_file_address_with_escaped_characters(tmp_path, small_bundle):
    shutil.copytree(small_bundle.path, tmp_path / 'my model')
    assert resolve_model(f'file://{tmp_path}/my%20model').name == 'small'


def test_bundled_model_by_name_and_package(share):
    assert resolve_model('shipped').path == share / 'resource' / 'models' / 'shipped'
    address = 'package://perception_suite/resource/models/shipped'
    assert resolve_model(address) == resolve_model('shipped')
    assert list(bundled_models()) == ['shipped']


def test_fetched_model_by_name(share, own_cache, small_bundle):
    shutil.copytree(small_bundle.path, own_cache / 'models' / 'brought')
    shutil.copytree(small_bundle.path, own_cache / 'models' / '.half_written')
    assert resolve_model('brought').path == own_cache / 'models' / 'brought'
    assert list(cached_models()) == ['brought']


def test_model_of_another_ros_package(tmp_path, small_bundle, monkeypatch):
    shutil.copytree(small_bundle.path, tmp_path / 'other_share' / 'models' / 'a')
    monkeypatch.setattr(registry, 'ament_share_folder', lambda name: tmp_path / f'{name}_share')
    assert resolve_model('package://other/models/a').name == 'small'


@pytest.mark.parametrize(
    ('uri', 'words'),
    [
        ('shiped', r"no such folder and no such model \(did you mean 'shipped'"),
        ('public', 'run: perception models fetch public'),
        ('http://example.org/model', "scheme 'http' is not one of file, package, torchvision"),
        ('file://relative/path', 'three slashes'),
        ('file:///nowhere', 'no such folder'),
        ('package://perception_suite/resource/models/x', 'Bundled models: shipped'),
        ('package://perception_suite/../../etc', r'without \.\.'),
        ('package://perception_suite/%2e%2e/%2e%2e/etc', r'without \.\.'),
        ('package:///x', 'write package://'),
        ('package://no_such_package_anywhere/x', 'source the workspace'),
        ('', 'no such'),
        ('torchvision://ssdlite320', "did you mean 'ssdlite320_mobilenet_v3_large'"),
        ('torchvision://resnet18', 'no detection or segmentation model'),
        ('torchvision://ssd300_vgg16?weights=COCO_V9', "did you mean 'COCO_V1'"),
        ('torchvision://ssd300_vgg16?weights=/nowhere/x.pth', 'no such file'),
        ('torchvision://ssd300_vgg16?classes=coco80', 'add weights=<file>'),
    ],
)
def test_dead_end_says_what_to_do(share, uri, words, monkeypatch, tmp_path):
    monkeypatch.chdir(share)
    with pytest.raises(ValueError, match=words):
        resolve_model(uri)


def test_registry_is_a_dictionary_that_takes_new_schemes(small_bundle, monkeypatch):
    monkeypatch.setitem(SCHEMES, 'mine', lambda uri: small_bundle)
    assert resolve_model('mine://x') is small_bundle


def test_torchvision_weights_of_ones_own(tmp_path):
    torch = pytest.importorskip('torch')
    from torchvision.models import get_model

    from perception_nodes.inference.backends import open_backend

    builder = 'ssdlite320_mobilenet_v3_large'
    network = get_model(builder, weights=None, weights_backbone=None, num_classes=3)
    torch.save(network.state_dict(), tmp_path / 'w.pth')
    (tmp_path / 'names.txt').write_text('cat\n\n dog \n')
    uri = f'torchvision://{builder}?weights={tmp_path}/w.pth&classes={tmp_path}/names.txt'
    bundle = resolve_model(f'{uri}&score_thresh=0.25')
    assert bundle.classes == ('__background__', 'cat', 'dog')
    assert bundle.spec.architecture.options == {'score_thresh': 0.25}
    assert open_backend(bundle, device='cpu').device == 'cpu'
    bundle.verify()
    detector = Detector.load(f'{uri}&score_thresh=0.0', device='cpu')
    found = detector(Frame(pixels=np.full((60, 80, 3), 90, np.uint8)), EVERYTHING)
    assert len(found)
    assert {detector.class_names[i] for i in found.class_ids} <= {'cat', 'dog'}
    assert found.xyxy[:, 2].max() <= 80


def test_torchvision_without_network_says_where_to_place_the_file(tmp_path, monkeypatch):
    torch = pytest.importorskip('torch')
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub_home'))

    def no_network(url: str, *_: object, **__: object) -> None:
        raise torchvision_models.DownloadError(f'{url}: cannot be fetched (no network)')

    monkeypatch.setattr(torchvision_models, 'download', no_network)
    with pytest.raises(BundleError) as caught:
        resolve_model('torchvision://ssdlite320_mobilenet_v3_large')
    name = 'ssdlite320_mobilenet_v3_large_coco-a79551df.pth'
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    assert f'https://download.pytorch.org/models/{name}' in str(caught.value)
    assert f'{name} into {folder}' in str(caught.value)
    assert 'hub_home' in str(folder)


def test_torchvision_takes_a_file_placed_by_hand_when_its_hash_fits(tmp_path, monkeypatch):
    """The real names carry hashes of files that are not here, so the name is a stand-in's."""
    torch = pytest.importorskip('torch')
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    folder.mkdir(parents=True)
    torch.save({'weight': torch.zeros(2)}, folder / 'w.pth')
    digest = torchvision_models.file_sha256(folder / 'w.pth')
    placed = (folder / 'w.pth').rename(folder / f'net-{digest[:8]}.pth')
    found = torchvision_models._cached(f'file:///nowhere/{placed.name}', lambda *_: None)
    assert found == placed
    placed.write_bytes(b'damaged')
    with pytest.raises(BundleError, match='Without a network'):
        torchvision_models._cached(f'file:///nowhere/{placed.name}', lambda *_: None)


def test_every_torchvision_model_has_published_weights_with_a_hash_in_the_name():
    pytest.importorskip('torch')
    from torchvision.models import get_model_weights

    from perception_nodes.inference.backends.pytorch.architectures import known_builders

    assert len(known_builders()) >= 16
    for builder in known_builders():
        for weights in get_model_weights(builder):
            assert torchvision_models._HASH_IN_NAME.search(weights.url), weights.url


def test_coco80_has_eighty_names_in_the_order_of_coco():
    names = load_class_list('coco80')
    assert len(set(names)) == len(names) == 80
    assert (names[0], names[8], names[79]) == ('person', 'boat', 'toothbrush')


@pytest.mark.data
def test_coco80_is_the_order_of_the_annotations(shared_data):
    import json

    path = shared_data / 'coco_val_detection' / 'instances_val2017.json'
    categories = sorted(json.loads(path.read_text())['categories'], key=lambda item: item['id'])
    assert tuple(item['name'] for item in categories) == load_class_list('coco80')


def test_unknown_class_list_names_the_known_ones():
    assert 'coco80' in known_class_lists()
    with pytest.raises(BundleError, match="did you mean 'coco80'"):
        load_class_list('coco8')


def test_class_list_of_ones_own(tmp_path):
    (tmp_path / 'a.yaml').write_text('[cat, "no"]')
    assert read_class_list(tmp_path / 'a.yaml') == ('cat', 'no')
    with pytest.raises(BundleError, match='cannot be read'):
        read_class_list(tmp_path / 'missing.txt')


def test_missing_resource_names_the_places_that_were_searched(project_root):
    with pytest.raises(FileNotFoundError, match=str(project_root)):
        resource_path('config/nothing.yaml')


def test_package_address_follows_the_sourced_workspace(tmp_path, small_bundle, monkeypatch):
    pytest.importorskip('ament_index_python')
    marker = tmp_path / 'prefix' / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'mine'
    marker.parent.mkdir(parents=True)
    marker.touch()
    shutil.copytree(small_bundle.path, tmp_path / 'prefix' / 'share' / 'mine' / 'models' / 'a')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path / 'prefix'))
    assert resolve_model('package://mine/models/a').name == 'small'
    with pytest.raises(BundleError, match='no such folder'):
        resolve_model('package://mine/models/b')


def test_package_address_without_a_sourced_workspace_still_finds_the_suite(monkeypatch):
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    assert resource_path('config/classes/coco80.yaml').is_file()
    with pytest.raises(BundleError, match='source the workspace'):
        resolve_model('package://mine/models/a')
