import pytest

from perception_nodes.evaluation.addresses import part_of


@pytest.mark.parametrize(
    ('address', 'expected'),
    [
        ('camvid:set@train', ('camvid:set@train', slice(None))),
        ('camvid:set@train[::10]', ('camvid:set@train', slice(None, None, 10))),
        ('masks:a[1]/b[5:90]', ('masks:a[1]/b', slice(5, 90))),
    ],
)
def test_part_follows_the_address(address, expected):
    assert part_of(address) == expected


def test_step_of_nothing_is_refused_with_an_example():
    with pytest.raises(ValueError, match=r'\[::10\]'):
        part_of('masks:set[::0]')
