"""Who may call: this machine's names, and pages from elsewhere."""

import json

import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.serving import ServerOptions
from keras_dldl.serving.origins import foreign
from tests.serving.conftest import ask, client_of, counters, encoded, error_of, picture_file
from tests.serving.fakes import FakeNetwork


def test_other_origins_are_let_in_on_demand_only(client):
    origin = {"Origin": "https://example.org"}
    ask_first = {**origin, "Access-Control-Request-Method": "POST"}
    error_of(client.options("/v1/models/age:predict", headers=ask_first), 403)
    with client_of({"age": FakeNetwork()}, cors=("https://example.org",)) as open_client:
        answer = open_client.options("/v1/models/age:predict", headers=ask_first)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
        answer = open_client.get("/v1/models/age", headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
        answer = open_client.get("/v1/models/age", headers={"Origin": "https://other.org"})
        error_of(answer, 403)
        assert "access-control-allow-origin" not in answer.headers
    with client_of({"age": FakeNetwork()}, cors=("*",)) as open_client:
        assert open_client.get("/v1/models/age", headers={"Origin": "null"}).status_code == 200


def test_a_page_from_elsewhere_cannot_use_the_server(client):
    """Neither by a form, which a browser sends without asking, nor by any other request."""
    own = str(client.base_url)
    for origin in ("https://example.org", "null", own + "1", "http://localhost", f"{own}.org", ""):
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        body = json.dumps({"instances": encoded(51)})
        answer = client.post("/v1/models/age:predict", content=body, headers=headers)
        assert "--cors" in error_of(answer, 403)
        error_of(client.post("/api/faces", files={"image": picture_file(1)}, headers=headers), 403)
        error_of(client.get("/api/models", headers=headers), 403)
    headers = {"Origin": own}
    assert ask(client, {"instances": encoded(51)}).status_code == 200  # as programs do
    assert client.get("/api/models", headers=headers).status_code == 200


def test_a_page_of_another_scheme_is_from_elsewhere_unless_a_proxy_speaks_tls(client):
    """`Host` alone does not tell; a proxy's header, or a name given for it, does."""
    local = {"Host": "localhost:8501", "Origin": "https://localhost:8501"}
    message = error_of(client.get("/api/models", headers=local), 403)
    assert "http://localhost:8501" in message and "X-Forwarded-Proto" in message
    assert "--allow-host" in message and "Received: https://localhost:8501" in message
    through = {**local, "X-Forwarded-Proto": "https"}
    assert client.get("/api/models", headers=through).status_code == 200
    for names, host, status in [
        (("*",), "localhost:8501", 403),
        (("*",), "faces.org", 200),
        (("faces.org", "127.0.0.1"), "faces.org", 200),
        (("faces.org", "127.0.0.1"), "127.0.0.1", 403),  # `serve` adds where it listens
    ]:
        headers = [(b"host", host.encode()), (b"origin", f"https://{host}".encode())]
        scope = {"server": ("127.0.0.1", 80), "scheme": "http", "path": "/", "headers": headers}
        answer = foreign(scope, ServerOptions(allow_hosts=names))
        assert (200 if answer is None else answer.status) == status, (names, host)
    secure = [(b"host", b"localhost"), (b"origin", b"https://localhost")]
    assert foreign({"scheme": "https", "path": "/", "headers": secure}, ServerOptions()) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_from_elsewhere_embeds_is_refused_and_a_link_is_followed(client, site):
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    body = json.dumps({"instances": encoded(51)})
    answers = [
        client.post("/v1/models/age:predict", content=body, headers=headers),
        client.post("/api/faces", files={"image": picture_file(1)}, headers=headers),
        client.get("/api/models", headers=headers),
        client.post("/api/faces", content=b"", headers={**headers, "Sec-Fetch-Mode": "navigate"}),
    ]
    for answer in answers:
        error = error_of(answer, 403)
        assert "--cors" in error and f"Received: {site}" in error
    link = {**headers, "Sec-Fetch-Mode": "navigate"}
    for path in ("/", "/docs", "/api/models"):
        assert client.get(path, headers=link).status_code == 200
    for own in ("same-origin", "none"):
        assert client.get("/api/models", headers={"Sec-Fetch-Site": own}).status_code == 200
    with client_of({"age": FakeNetwork()}, cors=("*",)) as open_client:
        assert open_client.get("/api/models", headers=headers).status_code == 200


OWN = "127.0.0.1 127.0.0.1:80 127.1.2.3 localhost LocalHost.:8501 a.localhost [::1]"
FOREIGN = ["evil.org", "evil.org:8501", "127.0.0.1.evil.org", "localhost.evil.org", "192.0.2.1",
           "[2001:db8::1]", "0.0.0.0", "", "[", "localhost@evil.org", "a b"]  # fmt: skip


def test_the_names_of_this_machine_are_answered(client):
    for host in OWN.split():
        assert client.get("/healthz", headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_of_elsewhere_that_stands_for_this_machine_is_refused(client, host):
    for path in ("/", "/api/models", "/metrics", "/v1/models/age"):
        answer = client.get(path, headers={"Host": host})
        assert "--allow-host" in error_of(answer, 403)
    before = counters(client)
    error_of(client.post("/api/faces", content=picture_file(1), headers={"Host": host}), 403)
    forbidden = 'keras_dldl_refused_total{reason="forbidden"}'
    assert counters(client)[forbidden] == before[forbidden] + 1


def test_other_names_are_allowed_on_demand(client):
    headers = {"Host": "Faces.example.org", "Origin": "https://faces.example.org"}
    with client_of({"age": FakeNetwork()}, allow_hosts=("faces.Example.org",)) as named:
        assert named.get("/api/models", headers=headers).status_code == 200
        error_of(named.get("/api/models", headers={"Host": "example.org"}), 403)
    with client_of({"age": FakeNetwork()}, allow_hosts=("*",)) as named:
        assert named.get("/api/models", headers={"Host": "example.org"}).status_code == 200
        error_of(named.get("/api/models", headers={"Origin": "https://example.org"}), 403)
    for name in ("http://a.org", "a.org:80", ""):
        with pytest.raises(ConfigError, match="allow_hosts"):
            ServerOptions(allow_hosts=(name,))


@pytest.mark.parametrize(("server", "status"), [("10.0.0.7", 200), ("127.0.0.1", 403)])
def test_numbers_pass_where_requests_come_from_a_network(client, server, status):
    """As behind a router or in a container, where `Host` has the number of another machine."""
    scope = {"server": (server, 80), "headers": [(b"host", b"192.0.2.1:8501")]}
    refused = foreign(scope, ServerOptions())
    assert (refused.status if refused else 200) == status
