from click.testing import CliRunner

from quantunet_hls.cli.check import check
from tests.builders import Net


def run(net, folder):
    path = folder / "net.onnx"
    path.write_bytes(net.proto(net.nodes[-1].output[0]).SerializeToString())
    return CliRunner().invoke(check, [str(path)])


def test_a_network_that_can_be_built(tmp_path):
    net = Net()
    net.conv(net.quant("x"), 2)
    result = run(net, tmp_path)
    assert (result.exit_code, result.output) == (0, "net can be built.\n")


def test_every_rule_has_a_line_of_its_own(tmp_path):
    net = Net()
    image = net.quant("x")
    for place in range(30):
        image = net.quant(net.conv(image, 2), rounding="CEIL", name=f"rounds{place}")
    net.add("Softmax", [image], net.shapes[image], name="last", axis=1)
    result = run(net, tmp_path)
    assert result.exit_code == 2
    lines = result.output.splitlines()
    assert len(lines) == 31
    assert lines[29].startswith("Node 'rounds29': rounding mode CEIL")
    assert lines[30].startswith("Node 'last': operator Softmax")
