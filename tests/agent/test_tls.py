"""TLS towards real archives: what is refused has its own reason, and nothing goes in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from delivery_support import sent
from passerelle.children.child import PEER, Child
from passerelle.errors import Unavailable
from passerelle.tls import client_context
from peers_support import Orthanc, Server, Storescp, instance, large_instance
from tls_support import Authority, Pair, orthanc_settings, storescp_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Trust:
    """Who trusts whom."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.stranger = Authority(folder, "stranger")
        self.server = self.authority.signed("server")
        self.client = self.authority.signed("client")

    def ours(self, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - a setting's own type
        known = {
            "ca": str(self.authority.certificate),
            "cert": str(self.client.certificate),
            "key": str(self.client.key),
            "verify": True,
        }
        return {**known, **changed}


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust(tmp_path_factory.mktemp("trust"))


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child(PEER)
    yield child
    child.close()


def storescp(folder: Path, trust: Trust, server: Pair | None = None) -> Storescp:
    return Storescp(folder, *storescp_options(trust.authority, server or trust.server))


def echo(child: Child, archive: Server, tls: dict[str, Any] | None) -> None:
    child.request("echo", {"node": archive.node(tls=tls)}, deadline_s=30)


def test_objects_of_all_sizes_reach_archives_that_want_our_certificate(
    tmp_path: Path, child: Child, trust: Trust
) -> None:
    settings = orthanc_settings(trust.authority, trust.server)
    with Orthanc(tmp_path / "orthanc", **settings) as archive:
        node = archive.node(tls=trust.ours())
        for number in range(5):
            assert sent(child, node, instance(tmp_path, number))["status"] == 0
        assert archive.count() == 5
    with storescp(tmp_path / "storescp", trust) as scp:
        body = large_instance(tmp_path, 20)
        assert sent(child, scp.node(tls=trust.ours()), body)["status"] == 0
        (received,) = scp.received()
        assert received.stat().st_size > 20 << 20


def test_an_archive_of_an_unknown_authority_is_refused(
    tmp_path: Path, child: Child, trust: Trust
) -> None:
    with storescp(tmp_path, trust) as archive:
        tls = trust.ours(ca=str(trust.stranger.certificate))
        with pytest.raises(Unavailable, match="certificate is refused"):
            echo(child, archive, tls)


def test_a_certificate_of_another_host_is_refused_unless_it_is_not_checked(
    tmp_path: Path, child: Child, trust: Trust
) -> None:
    server = trust.authority.signed("elsewhere", "DNS:pacs.example")
    with storescp(tmp_path, trust, server) as archive:
        with pytest.raises(Unavailable, match="certificate is refused: IP address mismatch"):
            echo(child, archive, trust.ours())
        echo(child, archive, trust.ours(verify=False))


def test_an_archive_that_wants_our_certificate_says_so(
    tmp_path: Path, child: Child, trust: Trust
) -> None:
    with storescp(tmp_path, trust) as archive, pytest.raises(Unavailable, match="TLS: the peer"):
        echo(child, archive, trust.ours(cert="", key=""))


def test_an_archive_that_does_not_trust_our_authority_says_so(
    tmp_path: Path, child: Child, trust: Trust
) -> None:
    ours = trust.stranger.signed("unknown")
    tls = trust.ours(cert=str(ours.certificate), key=str(ours.key))
    known = "TLS: the peer does not know who signed"
    with storescp(tmp_path, trust) as archive, pytest.raises(Unavailable, match=known):
        echo(child, archive, tls)


def test_an_archive_in_clear_never_gets_anything_in_clear(
    tmp_path: Path, child: Child, trust: Trust
) -> None:
    with Storescp(tmp_path / "clear") as archive, pytest.raises(Unavailable, match="TLS"):
        sent(child, archive.node(tls=trust.ours()), instance(tmp_path))
    assert archive.received() == []


def test_an_archive_of_tls_is_named_when_we_are_set_to_clear(
    tmp_path: Path, child: Child, trust: Trust
) -> None:
    with storescp(tmp_path, trust) as archive, pytest.raises(Unavailable) as told:
        echo(child, archive, None)
    assert "no association" in str(told.value)


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, trust: Trust, name: str) -> None:
    missing = str(tmp_path / "absent.pem")
    with pytest.raises(Unavailable, match=r"tls: there is no file .*absent\.pem"):
        client_context(**trust.ours(**{name: missing}))


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, trust: Trust) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("hello")
    for name in ("ca", "cert", "key"):
        with pytest.raises(Unavailable, match=r"wrong\.pem.*: cannot be used"):
            client_context(**trust.ours(**{name: str(wrong)}))


def test_nothing_older_than_tls_1_2_is_offered(trust: Trust) -> None:
    context = client_context(**trust.ours())
    assert context.minimum_version.name == "TLSv1_2"
