import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.zoo.state_files import StateFileError, read_state

KINDS = [torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool]


def saved(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


SHAPES = st.tuples(st.lists(st.integers(0, 4), max_size=4), st.sampled_from(KINDS))


@given(st.dictionaries(st.text(max_size=8), SHAPES, min_size=1, max_size=5))
def test_plain_tensors_come_back_as_pytorch_reads_them(shapes):
    state = {name: torch.randint(0, 2, shape).to(kind) for name, (shape, kind) in shapes.items()}
    found = read_state(saved(state), 1 << 20)
    assert found.keys() == state.keys()
    assert all(found[name].dtype == state[name].dtype and torch.equal(found[name], state[name]) for name in state)


def test_a_storage_may_be_shared():
    shared = torch.arange(6.0)
    found = read_state(saved({"a": shared, "b": shared.view(2, 3)}), 100)
    assert torch.equal(found["b"], shared.view(2, 3))


def test_no_more_than_is_expected_is_read():
    content = saved({"a": torch.zeros(10)})
    assert len(read_state(content, 40)) == 1
    with pytest.raises(StateFileError, match="larger than those of the network"):
        read_state(content, 39)


@pytest.mark.parametrize(("state", "says"), [
    ({"a": torch.zeros(3).bfloat16()}, "kind that no network"), ({"a": torch.zeros(4, 4).t()}, "one behind the other"),
    ({"a": torch.zeros(4)[1:]}, "no plain one"), ({}, "something else"), ({"a": 1}, "something else"),
    ({"a": {"b": torch.zeros(1)}}, "something else"), ([torch.zeros(1)], "something else"),
    (torch.zeros(1), "something else"), ({"a": torch.zeros(1, requires_grad=True)}, "no plain one"),
    ({"a": torch.eye(2).to_sparse()}, "plain tensors never do"),
    ({"a": torch.nn.Parameter(torch.zeros(1))}, "_rebuild_parameter"),
])
def test_what_is_no_plain_tensor_is_refused(state, says):
    with pytest.raises(StateFileError, match=says):
        read_state(saved(state), 1 << 20)
