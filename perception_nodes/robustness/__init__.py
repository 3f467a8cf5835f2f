"""How a model copes with worse pictures: a suite of corruptions, and what they cost."""

from perception_nodes.robustness.suite import CORRUPTIONS, SEVERITIES, Corruption, corrupt

__all__ = ['CORRUPTIONS', 'SEVERITIES', 'Corruption', 'corrupt']
