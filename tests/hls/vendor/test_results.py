import pytest

from quantunet_hls.hls.vendor.results import compare_logs


@pytest.mark.parametrize(
    ("reference", "candidate", "expected"),
    [
        ("1 2\n3 4\n", "1 2\n3 4\n", (4, 0)),
        ("1 2 3", "1 2.0\n3e0", (3, 0)),
        ("1 2 3", "1 2 4", (3, 1)),
        ("1 2 3", "1 2", (3, 1)),
        ("", "1", (1, 1)),
        ("x 1", "y 1", (2, 1)),
        ("", "", (0, 0)),
    ],
)
def test_logs_are_compared_value_by_value(reference, candidate, expected):
    assert compare_logs(reference, candidate) == expected
