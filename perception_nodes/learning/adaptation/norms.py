"""
The norms of a network, opened so that their statistics can be exchanged.

Export merges a norm into its convolution W, b. What remains computes y = W x + b, and a norm put
behind it with the mean and deviation of y as statistics, offset and factor changes nothing. With
other statistics it does to y what the merged norm would have done with them: batch norms are
linear, so the merged factor and offset only pass through. This holds for any network whose
convolutions had norms, and needs neither the recipe nor a checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from perception_nodes.learning.models.segmenter import SegmenterNet

_TRIVIAL_EPSILON = 1e-5
_SMALLEST_VARIANCE = 1e-6
_MOST_CELLS = 4096  # of a map whose every place counts


def moments(features: torch.Tensor) -> torch.Tensor:
    """
    Return (2, C) mean and variance of (B, C, H, W) over all places, of large maps over a quarter.

    Neighbours in large maps say nearly the same; ``torch.var_mean`` takes five times as long.
    """
    step = 2 if features[0, 0].numel() > _MOST_CELLS else 1
    cells = features[..., ::step, ::step].permute(0, 2, 3, 1).reshape(-1, features.shape[1])
    mean = cells.mean(0)
    return torch.stack([mean, ((cells * cells).mean(0) - mean * mean).clamp(min=0)])


class OpenNorm(nn.Module):
    """
    A norm that knows the statistics of the source and mixes them with those of its input.

    In eval mode it normalises with ``mean`` and ``variance``; in training mode with those of the
    batch, of which ``share`` counts and the source's make up the rest. ``gain`` and ``shift``
    are learnt; they count in deviations, so that one rate suits all channels.

    :param norm: whose function it takes over.
    :ivar source: (2, C) mean and variance on pictures of the source.
    :ivar share: of the statistics of the new place, 0..1.
    """

    mean: torch.Tensor
    variance: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    source: torch.Tensor

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        channels, self.epsilon, self.share = norm.num_features, norm.eps, 1.0
        ones, zeros = torch.ones(channels), torch.zeros(channels)
        weight = ones if norm.weight is None else norm.weight.detach().clone()
        bias = zeros if norm.bias is None else norm.bias.detach().clone()
        self.register_buffer('mean', norm.running_mean.clone())
        self.register_buffer('variance', norm.running_var.clone())
        self.register_buffer('source', torch.stack([self.mean, self.variance]))
        self.register_buffer('weight', weight)
        self.register_buffer('bias', bias)
        self.gain = nn.Parameter(zeros.clone())
        self.shift = nn.Parameter(zeros.clone())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, C, H, W) normalised."""
        mean, variance = self.mean, self.variance
        if self.training:
            mean, variance = self.mixed(moments(features))
        factor = self.weight * (1 + self.gain) * (variance + self.epsilon).rsqrt()
        offset = self.bias + self.weight * self.shift - factor * mean
        return torch.addcmul(offset.view(1, -1, 1, 1), features, factor.view(1, -1, 1, 1))

    def mixed(self, found: torch.Tensor) -> torch.Tensor:
        """
        Return mean and variance between those of the source and others.

        :param found: (2, C).
        """
        return self.share * found + (1 - self.share) * self.source

    def use(self, found: torch.Tensor) -> None:
        """Normalise with (2, C) mean and variance from now on, mixed with the source's."""
        mean, variance = self.mixed(found)
        self.mean, self.variance = mean.clone(), variance.clone()

    def rebase(self, measured: torch.Tensor) -> None:
        """
        Take (2, C) mean and variance for those of the source, and keep the function as it is.

        :raises ValueError: for statistics of another number of channels.
        """
        if measured.shape != self.source.shape:
            raise ValueError(
                f'source statistics of {measured.shape[-1]} channels do not fit a norm of '
                f'{self.source.shape[-1]}; measure them with the same model'
            )
        mean, variance = measured[0], measured[1].clamp(min=_SMALLEST_VARIANCE)
        factor = self.weight * (self.variance + self.epsilon).rsqrt()
        self.bias = self.bias + factor * (mean - self.mean)
        self.weight = factor * (variance + self.epsilon).sqrt()
        self.mean, self.variance = mean.clone(), variance.clone()
        self.source = torch.stack([self.mean, self.variance])

    def closed(self) -> nn.BatchNorm2d:
        """Return a plain norm that does the same."""
        norm = nn.BatchNorm2d(len(self.mean), eps=self.epsilon)
        with torch.no_grad():
            norm.running_mean.copy_(self.mean)  # type: ignore[union-attr]
            norm.running_var.copy_(self.variance)  # type: ignore[union-attr]
            norm.weight.copy_(self.weight * (1 + self.gain))
            norm.bias.copy_(self.bias + self.weight * self.shift)
        return norm.eval()


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenNetwork:
    """
    A network with its norms opened.

    :param network: with :class:`OpenNorm` in place of norms, and behind convolutions into which
        one had been merged.
    :param norms: by name, in the order of the modules.
    """

    network: nn.Module
    norms: dict[str, OpenNorm]
    _merged: tuple[str, ...]

    @property
    def knows_source(self) -> bool:
        """Whether all statistics of the source are known: no norm had been merged."""
        return not self._merged

    def by_batch(self, wanted: bool) -> None:
        """Normalise with the statistics of every batch, or with those that are kept."""
        for norm in self.norms.values():
            norm.train(wanted)

    def logits(self, batch: torch.Tensor) -> torch.Tensor:
        """Return (B, C, h, w) of (B, 3, H, W) normalised pictures."""
        found = self.network(batch)
        return found['out'] if isinstance(found, dict) else found

    def closed(self) -> nn.Module:
        """Return the network itself with plain norms, merged where they had been; it is over."""
        for name, norm in self.norms.items():
            if name in self._merged:
                conv = self.network.get_submodule(name)[0]  # type: ignore[index]
                _put(self.network, name, fuse_conv_bn_eval(conv, norm.closed()))
            else:
                _put(self.network, name, norm.closed())
        return self.network.eval()


def open_norms(network: nn.Module) -> OpenNetwork:
    """
    Open the norms of a network in eval mode, in place; its function stays as it is.

    :raises ValueError: when it has none.
    """
    norms = {
        name: OpenNorm(module)
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d)
    }
    for name, norm in norms.items():
        _put(network, name, norm)
    merged = _merged_convolutions(network)
    for name in merged:
        conv = network.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        norms[name] = OpenNorm(_trivial(conv.out_channels))
        _put(network, name, nn.Sequential(conv, norms[name]))
    if not norms:
        raise ValueError(
            f'{type(network).__name__} has no batch norms to adapt; train it on with labels '
            '(perception pseudo-label, perception train)'
        )
    network.requires_grad_(False)
    return OpenNetwork(network=network.eval(), norms=norms, _merged=merged)


def _merged_convolutions(network: nn.Module) -> tuple[str, ...]:
    """Return the names of the convolutions into which a norm was merged: some of the trunk."""
    if not isinstance(network, SegmenterNet):
        return ()
    return tuple(f'trunk.{name}' for name in network.trunk.merged_convolutions)


def _trivial(channels: int) -> nn.BatchNorm2d:
    """Return a norm that changes nothing."""
    norm = nn.BatchNorm2d(channels, eps=_TRIVIAL_EPSILON)
    nn.init.constant_(norm.running_var, 1 - norm.eps)  # type: ignore[arg-type]
    return norm


def _put(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition('.')
    setattr(network.get_submodule(parent), last, module)
