"""Adapting a segmenter without labels: norms, statistics, entropy, the limits."""

import copy
import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from perception_nodes.inference.bundle_sections import InputSpec
from perception_nodes.learning.adaptation.confidence import (
    check_confidence,
    temperature_for,
)
from perception_nodes.learning.adaptation.config import AdaptationConfig
from perception_nodes.learning.adaptation.entropy import entropy_of, lower_entropy
from perception_nodes.learning.adaptation.norms import OpenNorm, moments, open_norms
from perception_nodes.learning.adaptation.pictures import PictureBatches, digest_of
from perception_nodes.learning.adaptation.statistics import (
    know_source,
    measured,
    read_statistics,
    take_statistics,
    write_statistics,
)
from perception_nodes.learning.adaptation.watch import AdaptationRefused, Watch
from perception_nodes.learning.models.segmenter import SegmenterNet
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.segmentation import SegmentationRecipe
from perception_nodes.structures import Frame

INPUT = InputSpec(size_wh=(64, 64), scale=1 / 255)
CLASSES = ('dark', 'light')


class Light(nn.Module):
    """Tells light from dark squares by a norm: right where pictures are as bright as before."""

    def __init__(self) -> None:
        super().__init__()
        self.grey = nn.Conv2d(3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(1)
        self.classify = nn.Conv2d(1, 2, 1, bias=False)
        nn.init.constant_(self.grey.weight, 1 / 3)
        with torch.no_grad():
            self.classify.weight.copy_(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.classify(self.norm(self.grey(image)))


def squares(count: int, brightness: float = 1.0, seed: int = 0) -> tuple[list[Frame], np.ndarray]:
    """Return pictures and (N, H, W) labels: a grid of dark and light squares, with noise."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 2, (count, 4, 4)), np.ones((16, 16), np.int64))
    grey = brightness * (80 + 120 * labels + rng.normal(0, 8, labels.shape))
    pixels = np.repeat(grey[..., None], 3, -1).clip(0, 255).astype(np.uint8)
    return [Frame(pixels=item) for item in pixels], labels


def batches(frames, size=4, seed=0):
    return PictureBatches(frames=frames, wanted=INPUT, size=size, seed=seed)


def accuracy(opened, frames, labels) -> float:
    with torch.inference_mode():
        x = torch.stack([torch.from_numpy(f.pixels.copy()).permute(2, 0, 1) / 255 for f in frames])
        return float((opened.logits(x).argmax(1).numpy() == labels).mean())


@pytest.fixture
def opened():
    """Return the network with the statistics of bright squares."""
    network = open_norms(Light().eval())
    take_statistics(network, batches(squares(8)[0]), prior_pictures=0)
    norm = network.norms['norm']
    norm.source = torch.stack([norm.mean, norm.variance])
    return network


@pytest.fixture
def small():
    """Return a segmenter as it comes out of training: norms in the decoder, none in the trunk."""
    recipe = recipe_from_dict(
        {'name': 'small', 'classes': list(CLASSES), 'input_wh': [64, 64],
         'model': {'pretrained': False, 'channels': 8, 'output_stride': 4}},
        SegmentationRecipe,
    )  # fmt: skip
    torch.manual_seed(3)
    model = SegmenterNet(recipe).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2.0)
            nn.init.normal_(module.running_mean)
    return model


def test_moments_are_those_of_a_batch_norm():
    x = torch.randn(3, 5, 16, 20) * 3 + 1
    norm = nn.BatchNorm2d(5, momentum=1.0)
    norm(x)
    mean, variance = moments(x)
    count = x.numel() / 5
    assert torch.allclose(mean, norm.running_mean, atol=1e-5)
    assert torch.allclose(variance * count / (count - 1), norm.running_var, rtol=1e-4)


def test_opening_measuring_and_closing_leave_the_function_and_the_tensors_alone(small):
    pictures = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        expected, names = small(pictures), list(small.state_dict())
        count = sum(isinstance(module, nn.Conv2d) for module in small.modules())
        opened = open_norms(small)
        assert not opened.knows_source
        assert len(opened.norms) == count - len(('context.gate', 'classify'))
        know_source(opened, measured(opened, [pictures]))
        assert torch.allclose(opened.logits(pictures), expected, atol=1e-4)
        closed = opened.closed()
        assert torch.allclose(closed(pictures), expected, atol=1e-4)
    assert list(closed.state_dict()) == names, 'the exported file would have another network'


def test_a_merged_norm_is_adapted_as_it_would_have_been_before_merging():
    torch.manual_seed(0)
    source, target = torch.randn(8, 3, 16, 16), 0.3 * torch.randn(8, 3, 16, 16) + 2
    conv, norm = nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6, momentum=1.0)
    nn.init.uniform_(norm.weight, -2, 2)
    nn.init.normal_(norm.bias)
    with torch.no_grad():
        norm(conv(source))  # now its statistics are those of the source
        merged = fuse_conv_bn_eval(conv.eval(), norm.eval())
        opened = OpenNorm(nn.BatchNorm2d(6))
        opened.rebase(moments(merged(source)))
        opened.use(moments(merged(target)))
        norm.train()(conv(target))
        expected = norm.eval()(conv(target))
        assert torch.allclose(opened(merged(target)), expected, atol=0.02)
        assert not torch.allclose(merged(target), expected, atol=0.5)


@pytest.mark.parametrize(('prior', 'share'), [(0, 1.0), (8, 0.5), (1e9, 0.0)])
def test_source_statistics_weigh_as_their_number_of_pictures(opened, prior, share):
    norm = opened.norms['norm']
    source = norm.source.clone()
    dark = batches(squares(8, 0.3, seed=1)[0])
    found = measured(opened, dark)['norm']
    take_statistics(opened, dark, prior_pictures=prior)
    expected = share * found + (1 - share) * source
    assert torch.allclose(torch.stack([norm.mean, norm.variance]), expected, rtol=1e-3)


def test_statistics_of_a_dark_place_make_answers_right_again(opened):
    frames, labels = squares(8, 0.3, seed=1)
    assert accuracy(opened, frames, labels) < 0.6
    take_statistics(opened, batches(frames), prior_pictures=1)
    assert accuracy(opened, frames, labels) > 0.95


def test_later_passes_see_what_the_adapted_network_sees():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4))
    opened = open_norms(network.eval())
    pictures = batches(squares(6, 0.5)[0] + squares(6, 1.2)[0], size=2)
    take_statistics(opened, pictures, prior_pictures=0, passes=2)
    found = measured(opened, pictures)
    for name, norm in opened.norms.items():
        assert torch.allclose(torch.stack([norm.mean, norm.variance]), found[name], atol=1e-4)


def test_a_network_without_norms_is_refused():
    with pytest.raises(ValueError, match='no batch norms'):
        open_norms(nn.Conv2d(3, 2, 1))


def test_no_picture_is_refused():
    with pytest.raises(ValueError, match='not one picture'):
        batches([])
    with pytest.raises(ValueError, match='not one picture'):
        measured(open_norms(Light().eval()), [])


def test_pictures_come_in_the_same_order_and_epochs_in_others():
    frames, _ = squares(5)
    one, two = ([batch.clone() for batch in batches(frames, size=2)] for _ in range(2))
    assert [len(batch) for batch in one] == [2, 2, 1]
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    first, second, third = itertools.islice(batches(frames).epochs(5), 3)
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert digest_of(frames) != digest_of(frames[:4])


def test_statistics_are_kept_for_the_very_weights(opened, tmp_path):
    found = measured(opened, batches(squares(4)[0]))
    path = tmp_path / 'deep' / 'source.safetensors'
    write_statistics(found, path, 'a' * 64)
    again = read_statistics(path, 'a' * 64)
    assert all(torch.equal(again[name], value) for name, value in found.items())
    with pytest.raises(ValueError, match='measure them again'):
        read_statistics(path, 'b' * 64)
    path.write_bytes(b'nothing of the kind')
    with pytest.raises(ValueError, match='holds no statistics'):
        read_statistics(path, 'a' * 64)
    with pytest.raises(ValueError, match='do not fit'):
        know_source(opened, {**again, 'another': again['norm']})


def test_entropy_runs_from_none_to_one():
    assert float(entropy_of(torch.zeros(1, 4, 2, 2))) == pytest.approx(1)
    assert float(entropy_of(torch.tensor([50.0, 0, 0]).view(1, 3, 1, 1))) == pytest.approx(0)


def watched(opened, frames, **changes):
    config = AdaptationConfig(
        **{'learning_rate': 0.05, 'steps': 8, 'watch_every': 2, 'step_batch': 4, **changes}
    )
    return config, Watch(opened, batches(frames), CLASSES, 1.0, config)


def test_entropy_falls_and_only_norms_learn(opened):
    frames, _ = squares(8)
    config, watch = watched(opened, frames)
    before = copy.deepcopy(opened.network.state_dict())
    steps = lower_entropy(opened, batches(frames), config, watch)
    assert steps.taken == 8
    assert not steps.stopped_by
    assert steps.entropy[-1] < steps.entropy[0]
    after = opened.network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {'norm.gain', 'norm.shift'}
    assert not any(weight.requires_grad for weight in opened.network.parameters())
    assert not opened.norms['norm'].training


def test_steps_end_at_a_limit_with_the_last_state_within_it(opened, monkeypatch):
    frames, _ = squares(8)
    twin = copy.deepcopy(opened)
    config, watch = watched(opened, frames)
    faults = iter(['', '', 'class dark vanishes'])
    monkeypatch.setattr(watch, 'fault', lambda _look: next(faults))
    steps = lower_entropy(opened, batches(frames), config, watch)
    assert steps.stopped_by == 'class dark vanishes'
    assert (steps.taken, len(steps.entropy)) == (4, 6)
    shorter, other = watched(twin, frames, steps=4)
    lower_entropy(twin, batches(frames), shorter, other)
    for name in ('gain', 'shift'):
        found, expected = (getattr(net.norms['norm'], name) for net in (opened, twin))
        assert torch.equal(found, expected)
        assert found.any()


def test_a_class_that_vanishes_is_refused_and_one_that_shrinks_is_not(opened):
    frames, _ = squares(8)
    _, watch = watched(opened, frames, gone_class_share=0.01)
    norm = opened.norms['norm']
    norm.bias = norm.bias + 1.2  # most of the dark squares are light now
    shrunk = watch.look(opened)
    assert 0.01 < shrunk.shares['dark'] < 0.5 * watch.source.shares['dark']
    watch.check(shrunk)
    norm.bias = norm.bias + 5.0
    with pytest.raises(AdaptationRefused, match='class dark vanishes'):
        watch.check(watch.look(opened))


def test_confidence_that_grows_without_agreement_is_refused(opened):
    frames, _ = squares(8)
    _, watch = watched(opened, frames, least_agreement=0.8)
    watch.check(watch.source)
    norm = opened.norms['norm']
    norm.weight = -3 * norm.weight  # everything the other way round, and surer
    look = watch.look(opened)
    assert look.confidence > watch.source.confidence
    assert look.agreement < 0.1
    with pytest.raises(AdaptationRefused, match='confidence grows'):
        watch.check(look)


def test_shares_are_told_by_class(opened):
    frames, labels = squares(8)
    _, watch = watched(opened, frames)
    assert watch.source.shares['light'] == pytest.approx(labels.mean(), abs=0.01)
    assert watch.source.agreement == 1.0


def test_temperature_takes_back_confidence_and_never_adds_any():
    logits = torch.randn(500, 3) * 4
    sure = float(logits.softmax(1).amax(1).mean())
    found = temperature_for(logits, sure - 0.1, lowest=1.0)
    assert float((logits / found).softmax(1).amax(1).mean()) == pytest.approx(sure - 0.1, abs=1e-3)
    assert temperature_for(logits, 0.999, lowest=1.0) == 1.0


def test_mirrored_pictures_bound_the_error(opened):
    frames, _ = squares(4)
    check = check_confidence(opened, batches(frames), 1.0)
    assert check.least_error == 0, 'this network looks at single pixels'
    assert not check.is_too_sure
    side = torch.linspace(-9, 9, 64).view(1, 1, 1, 64)
    opened.network.forward = lambda x: torch.cat([side, -side], 1).expand(len(x), 2, 64, 64)
    check = check_confidence(opened, batches(frames), 0.01)
    assert check.least_error == 0.5, 'answers that depend on the side alone are half wrong'
    assert check.is_too_sure


def test_settings_out_of_bounds_are_refused():
    with pytest.raises(ValueError, match='method'):
        AdaptationConfig(method='magic')
    with pytest.raises(ValueError, match='prior_pictures'):
        AdaptationConfig(prior_pictures=-1.0)
