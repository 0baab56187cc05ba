import pytest

from quantunet_hls.core.files import read_json
from quantunet_hls.core.open_tools import run_yosys
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.generate.verilog import contents_apart
from tests.rtl.graphs import PIXEL, convolution


@pytest.fixture(scope="module")
def graph():
    return fold(StreamGraph("two", (
        Input("image", (), Shape(6, 8, 2), PIXEL),
        convolution("first", "image", 2, 4, (6, 8), PIXEL, seed=1),
        convolution("second", "first", 4, 2, (6, 8), convolution("x", "y", 1, 1, (3, 3), PIXEL).type, seed=2),
    )), 900)


def test_a_layer_is_the_same_text_whichever_others_were_written_with_it(graph, tmp_path):
    together = {name: path.read_bytes() for name, path in generate(graph, tmp_path / "together").files.items()}
    generate(graph, tmp_path / "alone")
    for name, text in together.items():
        path = tmp_path / "alone" / f"{name}.v"
        path.unlink()
        assert generate(graph, tmp_path / "alone").files[name].read_bytes() == text
    probed = generate(graph, tmp_path / "probed", probes=True).files
    assert all(probed[name].read_bytes() == text for name, text in together.items() if name in probed)


def test_a_long_content_in_a_file_of_its_own_is_the_same_content(graph, tmp_path):
    path = generate(graph, tmp_path / "verilog").files["two_first"]
    text = path.read_text()
    assert contents_apart(text, "m") == (text, {})
    apart, files = contents_apart(text, "m", longest=4)
    assert files
    assert apart.count("$readmemh") == len(files)

    def memories(name, content):
        (tmp_path / f"{name}.v").write_text(content)
        (tmp_path / f"{name}.ys").write_text(f"read_verilog {name}.v\nhierarchy -top two_first\nproc\nflatten\n"
                                             f"memory -nomap\nwrite_json {name}.json\n")
        run_yosys(tmp_path / f"{name}.ys", tmp_path / "log")
        cells = read_json(tmp_path / f"{name}.json")["modules"]["two_first"]["cells"].values()
        return sorted(cell["parameters"]["INIT"] for cell in cells if cell["type"] == "$mem_v2")

    for name, content in files.items():
        (tmp_path / name).write_text(content)
    found = memories("apart", apart)
    assert len({init for init in found if "1" in init}) >= len(files)
    assert found == memories("whole", text)


def test_only_whole_contents_in_order_are_put_apart():
    rows = "".join(f"    rom[{n}] = 8'h{n:02x};\n" for n in range(5))
    whole = f"  initial begin\n{rows}  end\n"
    assert contents_apart(whole, "m", longest=4) == ('  initial $readmemh("m.0.hex", rom);\n',
                                                     {"m.0.hex": "00\n01\n02\n03\n04\n"})
    for other in (whole.replace("rom[3]", "rom[4]"), whole.replace("rom[3]", "ram[3]"),
                  whole.replace("8'h03", "8'bx0000011")):
        assert contents_apart(other, "m", longest=4) == (other, {})
