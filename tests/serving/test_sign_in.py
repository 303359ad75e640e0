"""Sign-in by OpenID Connect: off by default; where it is set up, nobody else sees the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from provider import CLIENT, SECRET, Provider, provided
from served_dashboard import PATIENCE_S, Dashboard
from streamlit import config
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.secrets import secrets_singleton

from app.outside.serving import free_port, served
from app.outside.visitor import Visitor
from app.server.sign_in import check_secrets
from hydranet.errors import InputError


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with provided() as one:
        yield one


@pytest.fixture(scope="module")
def address(
    provider: Provider, checkpoints: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Of a dashboard with sign-in."""
    port = free_port()
    file = tmp_path_factory.mktemp("secrets") / "secrets.toml"
    file.write_text(
        f"""
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "{"0123456789abcdef" * 4}"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
server_metadata_url = "{provider.address}/.well-known/openid-configuration"
"""
    )
    environment = {
        "HYDRANET_CHECKPOINTS": str(checkpoints), "OMP_NUM_THREADS": "1",
        "STREAMLIT_SECRETS_FILES": str(file),
    }  # fmt: skip
    with served(patience_s=PATIENCE_S, port=port, environment=environment) as at:
        yield at.address


def shows_the_dashboard(visitor: Visitor) -> bool:
    return bool(visitor.tree.get("file_uploader"))


def press(visitor: Visitor, label: str) -> None:
    (button,) = [one for one in visitor.tree.button if one.label == label]
    visitor.run(WidgetState(id=button.proto.id, trigger_value=True))


def test_it_is_off_by_default(dashboard: Dashboard) -> None:
    with Visitor(dashboard.address) as visitor:
        assert shows_the_dashboard(visitor)
        assert not [button for button in visitor.tree.button if "Sign" in button.label]


def test_who_signs_in_sees_the_dashboard_until_signing_out(address: str) -> None:
    with Visitor(address) as stranger:
        assert not shows_the_dashboard(stranger)
        press(stranger, "Sign in")
        assert stranger.go(address + stranger.sent_to).startswith(address)
    with Visitor(address, like=stranger) as ada:
        assert shows_the_dashboard(ada)
        press(ada, "Sign out")
        ada.go(address + ada.sent_to)
    with Visitor(address, like=ada) as again:
        assert not shows_the_dashboard(again)


@pytest.mark.parametrize("page", ["batch", "compare", "specialise"])
def test_no_page_is_shown_to_a_stranger(address: str, page: str) -> None:
    with Visitor(address, page) as stranger:
        assert [one.label for one in stranger.tree.button] == ["Sign in"]
        assert not stranger.tree.get("plotly_chart")


def test_a_forged_token_signs_nobody_in(address: str, provider: Provider) -> None:
    provider.forges = True
    try:
        with Visitor(address) as stranger:
            press(stranger, "Sign in")
            stranger.go(address + stranger.sent_to)
        with Visitor(address, like=stranger) as again:
            assert not shows_the_dashboard(again)
    finally:
        provider.forges = False


# What is not set up as meant


@pytest.fixture
def secrets_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "secrets.toml"
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(path)])
    secrets_singleton._reset()
    yield path
    config.set_option("secrets.files", before)
    secrets_singleton._reset()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[auth", "cannot be read as TOML"),
        ('[auth]\nredirect_uri = "x"\n', "needs cookie_secret under"),
        ("[auth]\nclient_id = 'x'\n", "needs redirect_uri and cookie_secret under"),
    ],
)
def test_a_slip_in_the_secrets_does_not_open_the_dashboard(
    secrets_file: Path, text: str, said: str
) -> None:
    secrets_file.write_text(text)
    with pytest.raises(InputError, match=said):
        check_secrets()


def test_no_secrets_and_other_secrets_are_fine(secrets_file: Path) -> None:
    check_secrets()
    secrets_file.write_text("[database]\npassword = 'x'\n")
    check_secrets()


def test_the_server_does_not_start_with_secrets_that_cannot_be_read(tmp_path: Path) -> None:
    path, log = tmp_path / "secrets.toml", tmp_path / "lines"
    path.write_text("[auth")
    environment = {"STREAMLIT_SECRETS_FILES": str(path)}
    with (
        pytest.raises(RuntimeError, match="ended with code"),
        served(patience_s=PATIENCE_S, environment=environment, log=log),
    ):
        pass
    assert "cannot be read as TOML" in log.read_text()
