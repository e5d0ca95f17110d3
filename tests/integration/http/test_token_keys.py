"""Token keys: public keys and key sets, and that a token never chooses among them."""

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from werkzeug.test import TestResponse

from billing.bootstrap import Billing
from billing.entrypoints.http import token_keys
from billing.entrypoints.http.app import create_app
from billing.settings import InvalidSettingError, Settings
from tests.integration.http.conftest import NOW, SECRET
from tests.integration.http.probe import probe

RSA = rsa.generate_private_key(65_537, 2_048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
CLAIMS = {"sub": "alice", "exp": int(NOW.timestamp()) + 60, "scope": "reports:read"}
URL = "https://issuer.example/jwks"
JWKS = Settings(jwks_url=URL, jwt_audience="billing")

Serve = Callable[..., None]


class Issuer:
    """An issuer whose published key set a test sets; None while it is away."""

    def __init__(self) -> None:
        self.published: object = {"keys": []}
        self.fetches = 0

    def fetch(self) -> Any:
        """Answer in place of the network."""
        self.fetches += 1
        if self.published is None:
            raise jwt.PyJWKClientConnectionError("away")
        return self.published


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Issuer:
    """Stand in for the network."""
    issuer = Issuer()
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", issuer.fetch)
    return issuer


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that lets seconds pass."""
    passed = [1_000.0]
    monkeypatch.setattr(token_keys, "monotonic", lambda: passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


def pem(key: Any) -> str:
    """Return the public half in PEM form."""
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(encoding, form).decode())


def jwk(key: Any, kid: str | None, **more: str) -> dict[str, Any]:
    """Return the public half as an entry of a key set."""
    kinds: dict[type, Any] = {
        rsa.RSAPrivateKey: RSAAlgorithm,
        ec.EllipticCurvePrivateKey: ECAlgorithm,
    }
    algorithm = next((kinds[kind] for kind in kinds if isinstance(key, kind)), OKPAlgorithm)
    entry: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    return entry | more | ({} if kid is None else {"kid": kid})


def client_of(settings: Settings, billing: Billing) -> FlaskClient:
    """Return a client of a service with these settings."""
    app = create_app(settings, billing)
    app.register_blueprint(probe, url_prefix="/api/v2")
    return app.test_client()


def ask(client: FlaskClient, key: Any, algorithm: str, kid: str | None = None) -> TestResponse:
    """Call with a token signed by a key."""
    headers = None if kid is None else {"kid": kid}
    token = jwt.encode(CLAIMS | {"aud": "billing"}, key, algorithm, headers)
    return client.get("/api/v2/probe/caller/", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")], ids=["RSA", "EC", "Ed"]
)
def test_a_public_key_verifies_its_own_kind(billing: Billing, key: Any, algorithm: str) -> None:
    """The kind of the key decides the algorithm; issuers may put an id of theirs in the header."""
    client = client_of(Settings(jwt_public_key=pem(key), jwt_audience="billing"), billing)
    assert ask(client, key, algorithm).status_code == 200
    assert ask(client, key, algorithm, kid="key-of-2023").status_code == 200
    for other, its_algorithm in ((RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")):
        if other is not key:
            assert ask(client, other, its_algorithm).status_code == 401
    assert ask(client, SECRET, "HS256").status_code == 401


@pytest.mark.parametrize("algorithm", ["RS384", "PS256"])
def test_a_public_key_is_used_with_one_algorithm(billing: Billing, algorithm: str) -> None:
    """Other algorithms of the same key are not what the settings say."""
    client = client_of(Settings(jwt_public_key=pem(RSA), jwt_audience="billing"), billing)
    assert ask(client, RSA, algorithm).status_code == 401


def test_a_public_key_is_no_shared_secret(billing: Billing) -> None:
    """The oldest trick: an HS256 token whose secret is the published PEM text."""
    client = client_of(Settings(jwt_public_key=pem(RSA), jwt_audience="billing"), billing)
    algorithm = jwt.get_algorithm_by_name("HS256")
    parts = [{"alg": "HS256", "typ": "JWT"}, CLAIMS | {"aud": "billing"}]
    signing_input = b".".join(
        jwt.utils.base64url_encode(json.dumps(part).encode()) for part in parts
    )
    signature = jwt.utils.base64url_encode(algorithm.sign(signing_input, pem(RSA).encode()))
    token = (signing_input + b"." + signature).decode()
    response = client.get("/api/v2/probe/caller/", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401


@pytest.mark.parametrize(
    "text",
    [
        pem(rsa.generate_private_key(65_537, 1_024)),
        pem(ec.generate_private_key(ec.SECP384R1())),
        "-----BEGIN PUBLIC KEY-----\nbm90IGEga2V5\n-----END PUBLIC KEY-----\n",
    ],
    ids=["short RSA", "P-384", "junk"],
)
def test_a_key_of_another_kind_stops_the_start(billing: Billing, text: str) -> None:
    """Weak or unsupported keys are refused when the service is made, not when it is asked."""
    with pytest.raises(InvalidSettingError, match="BILLING_JWT_PUBLIC_KEY"):
        create_app(Settings(jwt_public_key=text), billing)


def test_a_key_set_verifies_by_key_id(billing: Billing, issuer: Issuer) -> None:
    """Each key under its id, of any asymmetric kind."""
    issuer.published = {"keys": [jwk(RSA, "r"), jwk(EC, "e"), jwk(ED, "d")]}
    client = client_of(JWKS, billing)
    for key, algorithm, kid in ((RSA, "RS256", "r"), (EC, "ES256", "e"), (ED, "EdDSA", "d")):
        assert ask(client, key, algorithm, kid).status_code == 200
    assert ask(client, RSA, "RS256", "e").status_code == 401
    assert ask(client, RSA, "RS256").status_code == 401


def test_a_key_set_holds_no_secrets(billing: Billing, issuer: Issuer) -> None:
    """Symmetric entries and keys for encryption do not verify tokens."""
    octets = jwt.utils.base64url_encode(SECRET.encode()).decode()
    shared = {"kty": "oct", "k": octets, "kid": "s"}
    issuer.published = {"keys": [shared, jwk(RSA, "enc", use="enc"), jwk(RSA, "r")]}
    client = client_of(JWKS, billing)
    assert ask(client, SECRET, "HS256", "s").status_code == 401
    assert ask(client, RSA, "RS256", "enc").status_code == 401
    assert ask(client, RSA, "RS256", "r").status_code == 200


def test_a_header_causes_no_fetch(billing: Billing, issuer: Issuer) -> None:
    """Unknown key ids are looked up in what was fetched, and nowhere else."""
    issuer.published = {"keys": [jwk(RSA, "r")]}
    client = client_of(JWKS, billing)
    for number in range(20):
        assert ask(client, RSA, "RS256", f"unknown-{number}").status_code == 401
    assert issuer.fetches == 1


def test_keys_change_within_a_minute(
    billing: Billing, issuer: Issuer, later: Callable[[float], None]
) -> None:
    """New keys are found and dropped ones refused when the set is fetched again."""
    issuer.published = {"keys": [jwk(RSA, "r")]}
    client = client_of(JWKS, billing)
    assert ask(client, RSA, "RS256", "r").status_code == 200
    issuer.published = {"keys": [jwk(EC, "e")]}
    later(59)
    assert ask(client, RSA, "RS256", "r").status_code == 200
    later(1)
    assert ask(client, RSA, "RS256", "r").status_code == 401
    assert ask(client, EC, "ES256", "e").status_code == 200


def test_an_issuer_that_is_away_does_not_shut_anybody_out(
    billing: Billing, issuer: Issuer, later: Callable[[float], None]
) -> None:
    """The last set holds, and the issuer is asked again, but not by every request."""
    issuer.published = {"keys": [jwk(RSA, "r")]}
    client = client_of(JWKS, billing)
    assert ask(client, RSA, "RS256", "r").status_code == 200
    issuer.published = None
    later(60)
    for _ in range(3):
        assert ask(client, RSA, "RS256", "r").status_code == 200
    assert issuer.fetches == 2


@pytest.mark.parametrize("published", [None, {"keys": []}, [], {"keys": "x"}, {}], ids=str)
def test_without_any_keys_the_service_says_that_it_cannot_tell(
    billing: Billing, issuer: Issuer, published: object
) -> None:
    """503, not 401: the token may be a good one, and trying again may help."""
    issuer.published = published
    client = client_of(JWKS, billing)
    response = ask(client, RSA, "RS256", "r")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert response.json is not None
    assert response.json.keys() == {"error"}
    assert client.get("/api/v2/probe/caller/").status_code == 401
