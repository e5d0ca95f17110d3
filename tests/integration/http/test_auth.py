"""Tokens: who is believed, and what that lets them do."""

import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jwt.utils import base64url_encode
from werkzeug.test import TestResponse

from billing.bootstrap import Billing
from billing.domain.errors import InvalidValueError
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import issue
from billing.settings import InvalidSettingError, Settings
from tests.integration.http.conftest import NOW, SECRET, Caller, SetClock
from tests.integration.http.probe import probe

PATH = "/api/v2/probe/caller/"
OTHER_SECRET = "another secret that is as long as the first"
NOW_SECONDS = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "sub": "alice",
    "exp": NOW_SECONDS + 3_600,
    "scope": "reports:read",
    "customers": [1, 2],
}
NO_CREDENTIALS = {"detail": "Authentication credentials were not provided."}
INVALID = {"detail": "Invalid token."}
EXPIRED = {"detail": "Token has expired."}


@pytest.fixture
def app(app: Flask) -> Flask:
    """Add the probe to the service."""
    app.register_blueprint(probe, url_prefix="/api/v2")
    return app


def without(name: str) -> dict[str, Any]:
    """Return good claims but one."""
    return {claim: value for claim, value in CLAIMS.items() if claim != name}


def signed(
    claims: Mapping[str, Any] = CLAIMS,
    *,
    secret: str = SECRET,
    algorithm: str = "HS256",
    headers: dict[str, Any] | None = None,
) -> str:
    """Return a token signed as the service's own would be, whatever it claims."""
    return signed_text(json.dumps(claims), secret=secret, algorithm=algorithm, headers=headers)


def signed_text(
    payload: str,
    *,
    secret: str = SECRET,
    algorithm: str = "HS256",
    headers: dict[str, Any] | None = None,
) -> str:
    """Return a signed token with any payload."""
    return jwt.PyJWS().encode(payload.encode(), secret, algorithm, headers)


def answer_to(client: FlaskClient, token: str) -> TestResponse:
    """Call the probe with a token."""
    return client.get(PATH, headers={"Authorization": f"Bearer {token}"})


def assert_invalid(response: TestResponse, body: Mapping[str, str] = INVALID) -> None:
    """Expect the one answer to a token that is not believed."""
    assert (response.status_code, response.json) == (401, body)
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_good_token_lets_its_subject_in(anonymous: FlaskClient) -> None:
    """The subject, the scopes and the customers are those that the token names."""
    response = answer_to(anonymous, signed())
    assert response.json == {"subject": "alice", "scopes": ["reports:read"], "customers": [1, 2]}


def test_the_scheme_is_read_without_regard_to_case(anonymous: FlaskClient) -> None:
    """RFC 9110: `bearer` is `Bearer`."""
    response = anonymous.get(PATH, headers={"Authorization": f"bearer  {signed()}"})
    assert response.status_code == 200


@pytest.mark.parametrize("header", [None, "", "Basic YWxpY2U6c2VjcmV0", "Bearer", "Bearer   "])
def test_without_a_token_nobody_is_let_in(anonymous: FlaskClient, header: str | None) -> None:
    """The published answer, and a challenge that names no error, for there was none."""
    headers = {} if header is None else {"Authorization": header}
    response = anonymous.get(PATH, headers=headers)
    assert (response.status_code, response.json) == (401, NO_CREDENTIALS)
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_anywhere_but_in_the_header_does_not_count(anonymous: FlaskClient) -> None:
    """Queries end up in logs, and cookies are sent by other sites' pages."""
    anonymous.set_cookie("access_token", signed())
    response = anonymous.get(PATH, query_string={"access_token": signed()})
    assert (response.status_code, response.json) == (401, NO_CREDENTIALS)


def test_two_authorization_headers_are_refused(anonymous: FlaskClient) -> None:
    """A server hands two on as one, joined by a comma; neither may win."""
    header = f"Bearer {signed()},Bearer {signed()}"
    assert_invalid(anonymous.get(PATH, headers={"Authorization": header}))


@pytest.mark.parametrize(
    "token",
    ["x", "a.b", "a.b.c", "....", "ä.b.c", signed() + "x", signed()[:-4], signed().split(".")[0]],
)
def test_what_is_no_token_is_invalid(anonymous: FlaskClient, token: str) -> None:
    """Anything in the token's place gets the one answer."""
    assert_invalid(answer_to(anonymous, token))


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "HS384", "HS512", "RS256", ""])
def test_the_header_does_not_choose_the_algorithm(anonymous: FlaskClient, algorithm: str) -> None:
    """Only HS256 is verified with a secret, whatever else a token says it is signed with."""
    if algorithm in {"HS384", "HS512"}:
        token = signed(algorithm=algorithm)
    else:
        header = json.dumps({"typ": "JWT", "alg": algorithm}).encode()
        segments = [header, json.dumps(CLAIMS).encode(), b"" if algorithm == "none" else b"x"]
        token = b".".join(base64url_encode(segment) for segment in segments).decode()
    assert_invalid(answer_to(anonymous, token))


@pytest.mark.parametrize(
    "headers",
    [
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"crit": ["exp"]},
        {"zip": "DEF"},
        {"kid": "unknown"},
        {"kid": "../../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"kid": 7},
        {"typ": "secevent+jwt"},
        {"x": 1},
    ],
    ids=repr,
)
def test_a_header_that_wants_more_is_refused(
    anonymous: FlaskClient, headers: dict[str, Any]
) -> None:
    """Nothing in a header is followed, looked up or decompressed, even under a good signature."""
    header = json.dumps({"typ": "JWT", "alg": "HS256", **headers}).encode()
    signing_input = b".".join(
        base64url_encode(part) for part in (header, json.dumps(CLAIMS).encode())
    )
    algorithm = jwt.get_algorithm_by_name("HS256")
    signature = algorithm.sign(signing_input, algorithm.prepare_key(SECRET))
    token = b".".join((signing_input, base64url_encode(signature))).decode()
    assert_invalid(answer_to(anonymous, token))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", None])
def test_access_token_types_are_taken(anonymous: FlaskClient, typ: str | None) -> None:
    """`typ` may say JWT, or RFC 9068's at+jwt, or nothing."""
    assert answer_to(anonymous, signed(headers={"typ": typ})).status_code == 200


def test_another_secret_does_not_sign_for_this_service(anonymous: FlaskClient) -> None:
    """The signature is checked."""
    assert_invalid(answer_to(anonymous, signed(secret=OTHER_SECRET)))


@pytest.mark.parametrize("seconds", [30, 31, 86_400])
def test_an_expired_token_is_said_to_be_expired(anonymous: FlaskClient, seconds: int) -> None:
    """A client that is told so can fetch a new token."""
    token = signed(CLAIMS | {"exp": NOW_SECONDS - seconds})
    assert_invalid(answer_to(anonymous, token), EXPIRED)


def test_clocks_may_differ_by_half_a_minute(anonymous: FlaskClient) -> None:
    """Within 30 s neither an end in the past nor a start in the future matters."""
    for claims in ({"exp": NOW_SECONDS - 29}, {"nbf": NOW_SECONDS + 30, "iat": NOW_SECONDS + 30}):
        assert answer_to(anonymous, signed(CLAIMS | claims)).status_code == 200


def test_a_token_ends_while_the_service_runs(anonymous: FlaskClient, clock: SetClock) -> None:
    """What was good a moment ago is judged anew on each call."""
    token = signed(CLAIMS | {"exp": NOW_SECONDS})
    assert answer_to(anonymous, token).status_code == 200
    clock.instant = clock.instant.replace(minute=1)
    assert_invalid(answer_to(anonymous, token), EXPIRED)


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(without("exp")),
        json.dumps(CLAIMS | {"exp": str(NOW_SECONDS + 60)}),
        json.dumps(CLAIMS | {"exp": True}),
        json.dumps(CLAIMS | {"exp": None}),
        json.dumps(CLAIMS | {"exp": NOW_SECONDS + 60.5}),
        json.dumps(CLAIMS | {"exp": [NOW_SECONDS + 60]}),
        json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "1e400"),
        json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "NaN"),
        json.dumps(CLAIMS | {"nbf": NOW_SECONDS + 31}),
        json.dumps(CLAIMS | {"iat": NOW_SECONDS + 31}),
        json.dumps(CLAIMS | {"nbf": "soon"}),
        json.dumps(CLAIMS | {"nbf": None}),
        json.dumps(CLAIMS | {"iat": True}),
    ],
)
def test_times_must_be_plain_numbers_of_seconds(anonymous: FlaskClient, payload: str) -> None:
    """`exp` is required and a JSON integer; nothing is converted, and nothing starts early."""
    assert_invalid(answer_to(anonymous, signed_text(payload)))


@pytest.mark.parametrize("sub", [None, "", " ", " alice", 7, True, ["alice"], "x" * 256, "a\nb"])
def test_the_subject_must_be_a_plain_text(anonymous: FlaskClient, sub: object) -> None:
    """It names the user in limits and logs, so it is required, short and printable."""
    assert_invalid(answer_to(anonymous, signed(CLAIMS | {"sub": sub})))


def test_the_subject_is_required(anonymous: FlaskClient) -> None:
    """A token that speaks for nobody is not believed."""
    assert_invalid(answer_to(anonymous, signed(without("sub"))))


def test_a_subject_in_any_script_is_a_subject(anonymous: FlaskClient) -> None:
    """Names are not only ASCII, and may be 255 characters long."""
    for subject in ("Łucja@例え.jp", "x" * 255):
        response = answer_to(anonymous, signed(CLAIMS | {"sub": subject}))
        assert response.json == {
            "subject": subject,
            "scopes": ["reports:read"],
            "customers": [1, 2],
        }


@pytest.mark.parametrize(
    "payload",
    [
        "[" * 3_000 + "]" * 3_000,
        '{"sub": "alice", "exp": ' + "9" * 5_000 + "}",
        json.dumps(CLAIMS)[:-1] + ', "sub": "bob"}',
        "[]",
        '"alice"',
        "",
        json.dumps(CLAIMS) + "{}",
        "\ufeff" + json.dumps(CLAIMS),
    ],
    ids=["nested", "endless", "twice", "array", "text", "empty", "junk after", "byte order mark"],
)
def test_a_payload_that_is_no_plain_object_is_invalid(anonymous: FlaskClient, payload: str) -> None:
    """Nesting, endless numbers, a claim given twice and junk are all met calmly."""
    assert_invalid(answer_to(anonymous, signed_text(payload)))


def test_a_token_over_8_kilobytes_is_invalid(anonymous: FlaskClient) -> None:
    """The limit holds whatever is in the token; below it size does not matter."""
    large = signed(CLAIMS | {"padding": "x" * 5_800})
    assert len(large) < 8_192
    assert answer_to(anonymous, large).status_code == 200
    too_large = signed(CLAIMS | {"padding": "x" * 6_000})
    assert len(too_large) > 8_192
    assert_invalid(answer_to(anonymous, too_large))
    assert_invalid(answer_to(anonymous, "x" * 1_000_000))


def test_a_token_of_exactly_8_kilobytes_is_read(anonymous: FlaskClient) -> None:
    """The limit itself is within it."""
    tokens = [signed(CLAIMS | {"padding": "x" * size}) for size in range(5_850, 6_050)]
    (exact,) = [token for token in tokens if len(token) == 8_192]
    assert answer_to(anonymous, exact).status_code == 200


@pytest.mark.parametrize(
    "scope",
    [None, "*", "", [], ["reports:read"], {"reports:read": True}, "reports:readx", "REPORTS:READ"],
)
def test_a_missing_or_strange_scope_allows_nothing(anonymous: FlaskClient, scope: object) -> None:
    """Denied by default: only the very words in one text count."""
    response = answer_to(anonymous, signed(CLAIMS | {"scope": scope}))
    assert response.status_code == 403
    assert response.json == {"detail": "You do not have permission to perform this action."}


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("reports:read", 200),
        ("reports:write reports:read", 200),
        ("reports:read  reports:write", 200),
        ("x\treports:read", 403),
        ("x\nreports:read", 403),
        ("x,reports:read", 403),
        ("Reports:Read", 403),
        ("reports:reader", 403),
    ],
)
def test_scopes_are_separated_by_spaces_alone(
    anonymous: FlaskClient, scope: str, status: int
) -> None:
    """And each is taken whole, letter by letter."""
    response = answer_to(anonymous, signed({**CLAIMS, "scope": scope}))
    assert response.status_code == status


@pytest.mark.parametrize(
    ("instant", "status"),
    [("-0.5", 200), ("1675252799.25", 200), ("NaN", 401), ("-Infinity", 401), ("Infinity", 401)],
)
@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_start_may_have_a_fraction_but_must_be_a_number(
    anonymous: FlaskClient, caplog: pytest.LogCaptureFixture, name: str, instant: str, status: int
) -> None:
    """What is none is an invalid token, not a failure."""
    payload = json.dumps(CLAIMS)[:-1] + f', "{name}": {instant}}}'
    assert answer_to(anonymous, signed_text(payload)).status_code == status
    assert "could not be read" not in caplog.text


def test_no_scope_claim_allows_nothing(anonymous: FlaskClient) -> None:
    """A token without `scope` is a good token that may do nothing."""
    assert answer_to(anonymous, signed(without("scope"))).status_code == 403


def test_reading_does_not_allow_writing(caller: Caller) -> None:
    """The challenge names the scope that is missing."""
    response = caller(scopes=["reports:read"]).post("/api/v2/probe/json/", json={})
    assert response.status_code == 403
    challenge = response.headers["WWW-Authenticate"]
    assert challenge == 'Bearer error="insufficient_scope", scope="reports:write"'


@pytest.mark.parametrize(
    ("customers", "seen"),
    [
        ("*", "*"),
        ([2, 1, 2], [1, 2]),
        ([], []),
        (None, []),
        ("1", []),
        ("all", []),
        (1, []),
        (["*"], []),
        (["1"], []),
        ([1, True], []),
        ([1, 2.0], []),
        ([0], []),
        ({"1": True}, []),
    ],
    ids=repr,
)
def test_a_token_reaches_the_customers_it_plainly_names(
    anonymous: FlaskClient, customers: object, seen: object
) -> None:
    """`"*"` is everyone; what is not a list of ids is nobody, never everyone."""
    response = answer_to(anonymous, signed(CLAIMS | {"customers": customers}))
    assert response.json is not None
    assert response.json["customers"] == seen


def test_no_customers_claim_reaches_nobody(anonymous: FlaskClient) -> None:
    """A token that names no customer sees none."""
    response = answer_to(anonymous, signed(without("customers")))
    assert response.json is not None
    assert response.json["customers"] == []


def test_the_previous_secret_verifies_while_keys_are_changed(billing: Billing) -> None:
    """Tokens of both secrets are good until the previous one is taken out of the settings."""
    changing = Settings(jwt_secret=OTHER_SECRET, jwt_secret_previous=SECRET)
    changed = Settings(jwt_secret=OTHER_SECRET)
    for settings, status in ((changing, 200), (changed, 401)):
        app = create_app(settings, billing)
        app.register_blueprint(probe, url_prefix="/api/v2")
        client = app.test_client()
        assert answer_to(client, signed(secret=OTHER_SECRET)).status_code == 200
        assert answer_to(client, signed()).status_code == status


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"iss": "https://issuer.example/", "aud": "billing"}, 200),
        ({"iss": "https://issuer.example/", "aud": ["other", "billing"]}, 200),
        ({"iss": "https://issuer.example", "aud": "billing"}, 401),
        ({"iss": ["https://issuer.example/"], "aud": "billing"}, 401),
        ({"iss": "https://issuer.example/", "aud": "billing-2"}, 401),
        ({"iss": "https://issuer.example/", "aud": "bill"}, 401),
        ({"iss": "https://issuer.example/", "aud": []}, 401),
        ({"iss": "https://issuer.example/", "aud": {"billing": 1}}, 401),
        ({"iss": "https://issuer.example/"}, 401),
        ({"aud": "billing"}, 401),
        ({}, 401),
    ],
    ids=repr,
)
def test_issuer_and_audience_must_be_those_of_the_settings(
    billing: Billing, claims: dict[str, Any], status: int
) -> None:
    """Both are compared whole, and a token without them is for somebody else."""
    settings = Settings(
        jwt_secret=SECRET, jwt_issuer="https://issuer.example/", jwt_audience="billing"
    )
    app = create_app(settings, billing)
    app.register_blueprint(probe, url_prefix="/api/v2")
    assert answer_to(app.test_client(), signed(CLAIMS | claims)).status_code == status


def test_a_token_for_an_audience_is_not_for_a_service_without_one(anonymous: FlaskClient) -> None:
    """RFC 7519: whoever is not named in `aud` must refuse."""
    assert_invalid(answer_to(anonymous, signed(CLAIMS | {"aud": "somebody-else"})))


def test_a_service_without_a_key_does_not_start(billing: Billing) -> None:
    """The refusal names the settings that would give it one."""
    with pytest.raises(InvalidSettingError, match="BILLING_JWKS_URL"):
        create_app(Settings(), billing)


def test_an_issued_token_says_what_was_asked_for() -> None:
    """The command line's tokens carry the settings' issuer and audience, and an id each."""
    settings = Settings(jwt_secret=SECRET, jwt_issuer="here", jwt_audience="billing")
    tokens = [issue(settings, "bob", ["reports:read"], [2, 1], 30, NOW) for _ in range(2)]
    claims = [
        jwt.decode(token, SECRET, ["HS256"], options={"verify_exp": False}, audience="billing")
        for token in tokens
    ]
    assert claims[0].pop("jti") != claims[1].pop("jti")
    assert claims[0] == {
        "sub": "bob",
        "scope": "reports:read",
        "customers": [1, 2],
        "iat": NOW_SECONDS,
        "exp": NOW_SECONDS + 30 * 86_400,
        "iss": "here",
        "aud": "billing",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"scopes": ["everything"]}, "scope"),
        ({"customers": [0]}, "customers"),
        ({"customers": range(1, 10_000)}, "customers"),
        ({"days": 0}, "days"),
        ({"days": 100_000}, "days"),
    ],
)
def test_a_token_that_could_not_be_used_is_not_issued(change: dict[str, Any], field: str) -> None:
    """Whoever asks for one is told which part of it is wrong."""
    wanted: dict[str, Any] = {
        "subject": "bob",
        "scopes": ["reports:read"],
        "customers": None,
        "days": 1,
    }
    with pytest.raises(InvalidValueError) as caught:
        issue(Settings(jwt_secret=SECRET), now=NOW, **(wanted | change))
    assert caught.value.field == field


def test_without_a_secret_no_token_is_issued() -> None:
    """Where an issuer holds the private key, this service cannot speak for it."""
    with pytest.raises(InvalidSettingError, match="BILLING_JWT_SECRET"):
        issue(Settings(jwt_public_key="…"), "bob", [], None, 1, NOW)
