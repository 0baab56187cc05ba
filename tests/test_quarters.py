"""The option that runs a quarter of the tests."""

from collections import Counter

from tests.conftest import pytest_collection_modifyitems, quarter_of


class _Item:
    def __init__(self, number: int):
        self.nodeid = f"tests/test_some.py::test_{number}"


class _Config:
    """As much of pytest's configuration as the option's hook asks."""

    def __init__(self, quarter):
        self._quarter = quarter
        self.hook = self
        self.left = []

    def getoption(self, name):
        assert name == "quarter"
        return self._quarter

    def pytest_deselected(self, items):
        self.left += items


def test_each_test_is_in_one_quarter_and_four_commits_in_a_row_run_all():
    everything = [_Item(number) for number in range(200)]
    ran = Counter()
    for commit in range(37, 41):
        items, config = list(everything), _Config(commit)
        pytest_collection_modifyitems(config, items)
        assert 30 < len(items) < 70
        assert len(items) + len(config.left) == 200
        ran.update(item.nodeid for item in items)
    assert ran == Counter(item.nodeid for item in everything)


def test_without_the_option_all_tests_run():
    items = [_Item(number) for number in range(3)]
    pytest_collection_modifyitems(_Config(None), items)
    assert len(items) == 3


def test_a_name_says_the_quarter_on_every_machine():
    # The standard's own example: SHA-256 of "abc" begins with the byte 0xba.
    assert quarter_of("abc") == 0xBA % 4
