from pathlib import Path

import pytest

from perception_nodes.evaluation import machine


@pytest.mark.parametrize(
    ('text', 'names', 'exact'),
    [
        ('flags\t\t: fpu avx2 avx512f avx512_vnni\n', ('AVX2', 'AVX-512', 'AVX512-VNNI'), True),
        ('flags\t\t: fpu avx2\n', ('AVX2',), False),
        ('flags\t\t: amx_bf16 amx_int8\n', ('AMX-INT8', 'AMX-BF16'), True),
        ('Features\t: fp asimd asimddp\n', ('Arm NEON', 'Arm dot product'), True),
        ('Features\t: half neon vfpv4\n', ('Arm NEON',), False),
        ('', (), False),
    ],
)
def test_instructions_are_told_by_their_usual_names(monkeypatch, text, names, exact):
    monkeypatch.setattr(machine, '_lines', lambda path: text.splitlines())
    assert machine.vector_instructions() == names
    assert machine.multiplies_int8() is exact


def test_machine_is_described_with_its_instructions():
    told = machine.describe_machine()['Vector instructions']
    assert told
    if 'avx2' in Path('/proc/cpuinfo').read_text():
        assert 'AVX2' in told
