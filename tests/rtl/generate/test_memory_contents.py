import pytest
from amaranth.back import rtlil
from amaranth.back.rtlil import ModuleEmitter
from amaranth.hdl import Module, _nir, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from quantunet_hls.rtl.generate import memory_contents


class Memories(wiring.Component):
    """A ROM, and a RAM that begins with what it is given."""

    def __init__(self, width, init, begin=()):
        self.width, self.init, self.begin = width, init, begin
        super().__init__({"at": In(range(len(init))), "new": In(width), "rom": Out(width), "ram": Out(width)})

    def elaborate(self, platform):
        m = Module()
        for name, init in (("rom", self.init), ("ram", self.begin)):
            memory = Memory(shape=unsigned(self.width), depth=len(self.init), init=init)
            m.submodules[f"{name}_memory"] = memory
            port = memory.read_port()
            m.d.comb += [port.addr.eq(self.at), getattr(self, name).eq(port.data)]
            if name == "ram":
                write = memory.write_port()
                m.d.comb += [write.addr.eq(self.at), write.data.eq(self.new), write.en.eq(1)]
        return m


def text(*args):
    return rtlil.convert(Memories(*args), emit_src=False)


def test_plain_amaranth_goes_bit_by_bit(monkeypatch):
    """When this fails, the mend is no longer needed."""
    asked = []
    theirs = _nir.Net.from_const
    monkeypatch.setattr(_nir.Net, "from_const", lambda value: asked.append(value) or theirs(value))
    text(8, [1, 2, 3, 200])
    assert len(asked) > 2 * 4 * 8
    plain = len(asked)
    with memory_contents.applied():
        text(8, [1, 2, 3, 200])
    assert len(asked) - plain < plain - 2 * 4 * 8 + 1


@pytest.mark.parametrize(("width", "init", "begin"), [
    (8, [1, 2, 3, 200], ()), (1, [1, 0], [0, 1]), (70, [(1 << 70) - 1, 5, 1 << 69], [7]), (3, [0] * 9, ()),
])
def test_the_text_is_the_same(width, init, begin):
    theirs = text(width, init, begin)
    with memory_contents.applied():
        assert text(width, init, begin) == theirs


def test_amaranths_own_way_comes_back_even_after_an_error():
    theirs = ModuleEmitter.emit_memory
    with memory_contents.applied():
        assert ModuleEmitter.emit_memory is not theirs
    with pytest.raises(KeyError), memory_contents.applied():
        raise KeyError
    assert ModuleEmitter.emit_memory is theirs
