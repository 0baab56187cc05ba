"""Entries whose cards alone are here: fetched from an address, checked, and refused with what to do."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from click.testing import CliRunner

from quantunet_hls.cli.zoo import zoo as command
from quantunet_hls.core.errors import CheckpointError, UnknownNameError
from quantunet_hls.nets import QuantUNet
from quantunet_hls.sweep.grid import _network_key
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.fetch import fetch
from quantunet_hls.zoo.folders import checkpoint_of


@pytest.fixture
def net():
    torch.manual_seed(0)
    return QuantUNet(depth=1, base_channels=2, quantized=False).eval()


@pytest.fixture
def far(tmp_path, monkeypatch, nothing_shipped, net):
    """An entry without its checkpoint: what is offered at an address, and the address on its card."""
    folder = tmp_path / "zoo"
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    zoo.save(net, "large", height=8, width=8)
    zoo.save(net, "small", height=8, width=8)
    offered = {"content": (folder / "large.pt").read_bytes()}
    (folder / "large.pt").unlink()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path == "/large.pt"
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(offered["content"]) if known else 0))
            self.end_headers()
            self.wfile.write(offered["content"][:offered.get("bytes")] if known else b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def address(url):
        card = folder / "large.json"
        card.write_text(json.dumps(json.loads(card.read_text()) | {"url": url}))

    offered["address"] = address
    address(f"http://127.0.0.1:{server.server_port}/large.pt")
    yield offered
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_entry_is_fetched_once_and_then_loads_by_its_name(far, net, tmp_path):
    counts = []
    where = fetch("large", counts.append)
    assert where == tmp_path / "data" / "quantunet-hls" / "fetched" / "large.pt"
    assert counts[-1] == len(far["content"])
    image = torch.rand(1, 1, 8, 8)
    assert torch.equal(zoo.load("large")[0](image), net(image))
    assert [verdict.problem for verdict in zoo.verify()] == [None, None]
    assert _network_key("large", None)[0] == zoo.card_of("large").sha256
    # Nothing is asked of the address again.
    far["content"] = b""
    assert fetch("large") == where


def test_before_that_it_says_how_and_the_rest_of_the_zoo_is_sound(far, tmp_path):
    with pytest.raises(CheckpointError, match=r"fetch it: quantunet-hls zoo --fetch large\."):
        zoo.load("large")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes((tmp_path / "zoo" / "large.json").read_bytes())
    with pytest.raises(CheckpointError, match=r"fetch it from http://127"):
        zoo.load(elsewhere.with_suffix(".pt"))
    assert {verdict.name: verdict.problem for verdict in zoo.verify()} == {"small": None}
    listed = CliRunner().invoke(command, ["--verify"])
    assert listed.exit_code == 0
    assert "To be fetched first, with --fetch NAME: large." in listed.output
    assert "not here" in next(line for line in listed.output.splitlines() if "large" in line)
    fetched = CliRunner().invoke(command, ["--fetch", "large", "--fetch", "small"])
    assert fetched.exit_code == 0, fetched.exception
    assert f"small is at {tmp_path / 'zoo' / 'small.pt'}." in fetched.output
    assert "To be fetched" not in CliRunner().invoke(command, []).output


def test_a_file_that_was_put_there_by_hand_does_as_well(far):
    far["address"]("http://127.0.0.1:9/large.pt")
    with pytest.raises(CheckpointError, match="fetch it where there is a network, and put it at") as refused:
        fetch("large")
    place = checkpoint_of("small").parents[1] / "data" / "quantunet-hls" / "fetched" / "large.pt"
    assert str(place) in str(refused.value)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(far["content"])
    assert zoo.load("large")[1].name == "large"
    assert fetch("large") == place


@pytest.mark.parametrize(("change", "says"), [
    ({"content": b"something else"}, "its SHA-256 is another"), ({"bytes": 1000}, "its SHA-256 is another"),
    ({"content": bytes(9_000_000)}, "more than the"),
])
def test_what_is_something_else_is_not_kept(far, change, says, tmp_path):
    far |= change
    with pytest.raises(CheckpointError, match=says):
        fetch("large")
    assert list((tmp_path / "data" / "quantunet-hls" / "fetched").iterdir()) == []


@pytest.mark.parametrize(("url", "says"), [
    ("file:///etc/passwd", "none of https:// and http://"), ("http://[", "gives no checkpoint"),
    ("http://127.0.0.1:99999/x", "gives no checkpoint"),
])
def test_addresses_that_lead_nowhere(far, url, says):
    far["address"](url)
    with pytest.raises(CheckpointError, match=says):
        fetch("large")


def test_an_address_that_has_nothing(far):
    far["address"](zoo.card_of("large").url.replace("large.pt", "gone.pt"))
    with pytest.raises(CheckpointError, match=r"gone.pt gives no checkpoint \(Not Found\)"):
        fetch("large")


def test_files_in_the_way_and_cards_without_an_address(far, tmp_path):
    (tmp_path / "zoo" / "large.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="delete it, then fetch again"):
        fetch("large")
    (tmp_path / "zoo" / "small.pt").unlink()
    with pytest.raises(CheckpointError, match="says no address"):
        fetch("small")
    with pytest.raises(UnknownNameError, match="large"):
        fetch("larg")
