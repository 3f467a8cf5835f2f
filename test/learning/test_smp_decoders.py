"""Decoders of segmentation-models-pytorch on the trunks of this suite."""

import sys

import pytest
import torch
from torch import nn

from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.inference.bundle import placeholder_weights, write_bundle
from perception_nodes.inference.bundle_spec import DecoderSpec, ModelSpec
from perception_nodes.learning.data.batches import input_of
from perception_nodes.learning.export import SEGMENTER_OUTPUTS, check_parity, export_onnx
from perception_nodes.learning.models.segmenter import segmenter_of
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.segmentation import DECODERS, SegmentationRecipe
from perception_nodes.learning.segmenter_bundling import SegmenterBundler
from perception_nodes.learning.warm_start import load_exported, trunk_from

pytest.importorskip('segmentation_models_pytorch')
SMP = [decoder for decoder in DECODERS if decoder != 'ours']
SIZE_WH = (96, 64)


def recipe_of(decoder: str, stride: int = 4, **values: object) -> SegmentationRecipe:
    model = {
        'trunk': 'mobilenetv3_small_100', 'pretrained': False, 'decoder': decoder,
        'channels': 32, 'output_stride': stride,
    }  # fmt: skip
    base = {'name': 'smp', 'classes': ['a', 'b', 'c'], 'input_wh': list(SIZE_WH)}
    return recipe_from_dict({**base, 'model': model, **values}, SegmentationRecipe)


def network(recipe: SegmentationRecipe) -> nn.Module:
    torch.manual_seed(0)
    return segmenter_of(recipe, learns_norms=True)


@pytest.mark.parametrize(
    ('decoder', 'stride'), [(decoder, 4) for decoder in SMP] + [('smp/Unet', 2)]
)
def test_learn_and_are_exported_as_they_are(decoder, stride, tmp_path):
    recipe = recipe_of(decoder, stride)
    model, image = network(recipe), torch.randn(2, 3, *SIZE_WH[::-1])
    model(image).square().mean().backward()
    assert all(weight.grad is not None for weight in model.parameters())
    model.eval()
    assert model(image).shape == (2, 3, SIZE_WH[1] // stride, SIZE_WH[0] // stride)
    path = export_onnx(
        model, tmp_path / 'model.onnx', size_wh=SIZE_WH, output_names=SEGMENTER_OUTPUTS
    )
    check_parity(model, path, [image.numpy()], lambda outputs: outputs['logits'].argmax(1))
    other = trunk_from(segmenter_of(recipe, learns_norms=False).eval(), path)
    with torch.no_grad():
        for mine, theirs in zip(other.trunk(image), model.trunk(image), strict=True):
            assert torch.allclose(mine, theirs, atol=1e-4)
        if decoder != 'smp/FPN':
            started = load_exported(other, path, [image]).eval()
            assert torch.allclose(started(image), model(image), atol=1e-4)


def test_their_bundles_keep_no_statistics_of_the_source(masks_folder, tmp_path):
    labelled = open_masked_set(f'masks:{masks_folder}')
    recipe = recipe_of('smp/Unet', classes=list(labelled.classes))
    model = network(recipe).eval()
    weights = export_onnx(
        model, tmp_path / 'model.onnx', size_wh=SIZE_WH, output_names=SEGMENTER_OUTPUTS
    )
    spec = ModelSpec(
        name='smp', task='segmentation', weights=placeholder_weights('model.onnx'),
        input=input_of(recipe), decoder=DecoderSpec(name='semantic_logits'),
        classes=labelled.classes,
    )  # fmt: skip
    bundle = write_bundle(tmp_path / 'bundle', spec, weights)
    bundler = SegmenterBundler(recipe=recipe, validation=labelled)
    assert bundler.source_statistics(model, bundle, tmp_path) is None


def test_group_norms_are_not_started_from_a_file(tmp_path):
    model = network(recipe_of('smp/FPN')).eval()
    with pytest.raises(ValueError, match=r'GroupNorm of the model are not; .* \(--trunk\)'):
        load_exported(model, tmp_path / 'model.onnx', [torch.zeros(1, 3, *SIZE_WH[::-1])])


@pytest.mark.parametrize(
    ('decoder', 'stride', 'values', 'words'),
    [
        ('smp/Linknet', 4, {}, 'smp/Unet, smp/FPN, smp/DeepLabV3Plus'),
        ('smp/FPN', 2, {}, 'output_stride: smp/FPN ends at 4, not 2'),
        ('smp/Unet', 4, {'input_wh': [96, 60]}, 'multiples of 32 for smp/Unet'),
        ('smp/Unet', 4, {'pruning': {'macs': 0.5}}, 'neither pruned nor trained in int8'),
        ('smp/Unet', 4, {'quantised': {'form': 'int8'}}, 'neither pruned nor trained in int8'),
    ],
)
def test_what_they_cannot_do_is_refused(decoder, stride, values, words):
    with pytest.raises(ValueError, match=words):
        recipe_of(decoder, stride, **values)


def test_groups_of_channels_are_needed_by_fpn():
    with pytest.raises(ValueError, match=r'channels: 40 of smp/FPN is no multiple of 32'):
        recipe_of('smp/FPN', model={'decoder': 'smp/FPN', 'output_stride': 4, 'channels': 40})


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    module = 'perception_nodes.learning.models.smp_segmenter'
    monkeypatch.setitem(sys.modules, module, None)  # importing it fails
    with pytest.raises(RuntimeError, match=r'smp/Unet needs segmentation-models-pytorch: pip'):
        network(recipe_of('smp/Unet'))
