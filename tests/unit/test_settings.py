"""Settings: read from an environment, checked, and never shown with their secrets."""

import dataclasses
from pathlib import Path

import pytest

from billing.settings import InvalidSettingError, Settings

SECRET = "correct horse battery staple, quite"
PEM = "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n"


def test_an_empty_environment_means_the_defaults() -> None:
    """Nothing needs to be set, and what is not ours is ignored."""
    settings = Settings.from_environ({"PATH": "/bin", "BILLING_SOMETHING_ELSE": "1"})
    assert settings == Settings()
    assert settings.database_url == "sqlite:///var/billing.db"
    assert settings.rate_limit == "100 per minute"
    assert settings.rate_limit_storage == "memory://"
    assert settings.trusted_proxies == 0
    assert settings.max_body_bytes == 64 * 1024 * 1024
    assert settings.letterhead == "Billing"
    assert settings.threads == 8
    assert settings.run_workers is None
    assert settings.metrics_port is None
    assert settings.metrics_host == "127.0.0.1"
    assert settings.queue_url is None


def test_every_setting_is_read() -> None:
    """Each variable of the contract reaches its field, numbers as numbers, texts trimmed."""
    settings = Settings.from_environ(
        {
            "BILLING_DATABASE_URL": "postgresql+psycopg://u:p@localhost/billing",
            "BILLING_JWT_SECRET": SECRET,
            "BILLING_JWT_SECRET_PREVIOUS": SECRET.upper(),
            "BILLING_JWT_ISSUER": "https://issuer.example/",
            "BILLING_JWT_AUDIENCE": "billing",
            "BILLING_RATE_LIMIT": "5/second",
            "BILLING_RATE_LIMIT_STORAGE": "redis://localhost:6379/0",
            "BILLING_TRUSTED_PROXIES": "2",
            "BILLING_MAX_BODY_MB": "1",
            "BILLING_LETTERHEAD": "  Łódź Fulfilment  ",
            "BILLING_THREADS": "2",
            "BILLING_RUN_WORKERS": "0",
            "BILLING_METRICS_PORT": "9464",
            "BILLING_METRICS_HOST": "::1",
            "BILLING_QUEUE_URL": " amqps://billing:p@broker.internal:5671/billing ",
        }
    )
    assert settings == Settings(
        database_url="postgresql+psycopg://u:p@localhost/billing",
        jwt_secret=SECRET,
        jwt_secret_previous=SECRET.upper(),
        jwt_issuer="https://issuer.example/",
        jwt_audience="billing",
        rate_limit="5/second",
        rate_limit_storage="redis://localhost:6379/0",
        trusted_proxies=2,
        max_body_mb=1,
        letterhead="Łódź Fulfilment",
        threads=2,
        run_workers=0,
        metrics_port=9464,
        metrics_host="::1",
        queue_url="amqps://billing:p@broker.internal:5671/billing",
    )


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_setting_counts_as_not_set(empty: str) -> None:
    """Compose files pass unset variables on as empty ones."""
    names = [f"BILLING_{field.name.upper()}" for field in dataclasses.fields(Settings)]
    assert Settings.from_environ(dict.fromkeys(names, empty)) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BILLING_DATABASE_URL", "mysql://localhost/x"),
        ("BILLING_DATABASE_URL", "sqlite://"),
        ("BILLING_DATABASE_URL", "memory://x"),
        ("BILLING_JWT_SECRET", "x" * 31),
        ("BILLING_METRICS_PORT", "65536"),
        ("BILLING_METRICS_HOST", "http://localhost"),
        ("BILLING_JWT_SECRET", "\udcff" * 40),
        ("BILLING_JWT_SECRET", "x" * 64),
        ("BILLING_JWT_SECRET", "abcabcab" * 8),
        ("BILLING_JWT_SECRET", "passwordpasswordpasswordpassword"),
        ("BILLING_JWT_SECRET", "Change-Me: this is 32 bytes and more"),
        ("BILLING_JWT_SECRET_PREVIOUS", "an example of a secret of 32 bytes"),
        ("BILLING_JWT_PUBLIC_KEY", "/no/such/file.pem"),
        ("BILLING_JWT_PUBLIC_KEY", "\0"),
        ("BILLING_JWT_PUBLIC_KEY", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"),
        ("BILLING_JWKS_URL", "file:///etc/passwd"),
        ("BILLING_JWKS_URL", "https://"),
        ("BILLING_JWKS_URL", "http://[x"),
        ("BILLING_JWT_ISSUER", "x" * 256),
        ("BILLING_JWT_AUDIENCE", "a\nb"),
        ("BILLING_RATE_LIMIT", "a lot"),
        ("BILLING_RATE_LIMIT", "0 per minute"),
        ("BILLING_RATE_LIMIT", "100 per minute; 5 per second"),
        ("BILLING_RATE_LIMIT", "١٠٠ per minute"),
        ("BILLING_RATE_LIMIT_STORAGE", "mongodb://localhost"),
        ("BILLING_TRUSTED_PROXIES", "-1"),
        ("BILLING_TRUSTED_PROXIES", "yes"),
        ("BILLING_THREADS", "0"),
        ("BILLING_THREADS", "257"),
        ("BILLING_RUN_WORKERS", "-1"),
        ("BILLING_RUN_WORKERS", "257"),
        ("BILLING_QUEUE_URL", "broker.internal"),
        ("BILLING_QUEUE_URL", "redis://"),
        ("BILLING_QUEUE_URL", "redis+unix://"),
        ("BILLING_QUEUE_URL", "redis://broker.internal:port"),
        ("BILLING_QUEUE_URL", "amqp://[broker"),
        ("BILLING_QUEUE_URL", "sqs://queue"),
        ("BILLING_MAX_BODY_MB", "0"),
        ("BILLING_MAX_BODY_MB", "1.5"),
        ("BILLING_MAX_BODY_MB", "9" * 5_000),
        ("BILLING_LETTERHEAD", "x" * 256),
        ("BILLING_LETTERHEAD", "a\nb"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_takes(name: str, value: str) -> None:
    """The start stops with one line that tells how to mend it."""
    with pytest.raises(InvalidSettingError) as caught:
        Settings.from_environ({name: value})
    assert str(caught.value).startswith(f"{name} takes ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "BILLING_JWT_SECRET",
        "BILLING_JWT_SECRET_PREVIOUS",
        "BILLING_DATABASE_URL",
        "BILLING_QUEUE_URL",
    ],
)
def test_a_wrong_value_is_not_repeated(name: str) -> None:
    """A secret must not reach a log, not even a secret that is too short."""
    with pytest.raises(InvalidSettingError) as caught:
        Settings.from_environ({name: "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"BILLING_JWT_SECRET": SECRET, "BILLING_JWT_PUBLIC_KEY": PEM}, "BILLING_JWT_SECRET"),
        (
            {
                "BILLING_JWT_SECRET": SECRET,
                "BILLING_JWKS_URL": "https://x.example/jwks",
                "BILLING_JWT_AUDIENCE": "billing",
            },
            "BILLING_JWT_SECRET",
        ),
        (
            {
                "BILLING_JWT_PUBLIC_KEY": PEM,
                "BILLING_JWKS_URL": "https://x.example/jwks",
                "BILLING_JWT_AUDIENCE": "billing",
            },
            "BILLING_JWT_PUBLIC_KEY",
        ),
        ({"BILLING_JWT_SECRET_PREVIOUS": SECRET}, "BILLING_JWT_SECRET_PREVIOUS"),
        ({"BILLING_JWKS_URL": "https://x.example/jwks"}, "BILLING_JWT_AUDIENCE"),
        ({"BILLING_QUEUE_URL": "redis://broker.internal"}, "BILLING_DATABASE_URL"),
        (
            {
                "BILLING_QUEUE_URL": "redis+unix:///run/broker.sock",
                "BILLING_DATABASE_URL": "memory://",
            },
            "BILLING_DATABASE_URL",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    environ: dict[str, str], named: str
) -> None:
    """Tokens are of one kind, a key set needs an audience, and a queue a shared database."""
    with pytest.raises(InvalidSettingError) as caught:
        Settings.from_environ(environ)
    assert caught.value.name == named


def test_a_public_key_may_be_a_text_or_a_file(tmp_path: Path) -> None:
    """Both ways of giving it end in the PEM text."""
    path = tmp_path / "key.pem"
    path.write_text(PEM)
    for value in (PEM, str(path)):
        assert Settings.from_environ({"BILLING_JWT_PUBLIC_KEY": value}).jwt_public_key == PEM


def test_a_private_key_is_refused_as_such() -> None:
    """Whoever pastes the wrong half is told so, without seeing it repeated."""
    private = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----"
    with pytest.raises(InvalidSettingError, match="private key") as caught:
        Settings.from_environ({"BILLING_JWT_PUBLIC_KEY": private})
    assert "MC4C" not in str(caught.value)


def test_secrets_and_passwords_do_not_show() -> None:
    """A settings object may be printed or logged."""
    settings = Settings(
        jwt_secret=SECRET,
        jwt_secret_previous=SECRET.upper(),
        database_url="postgresql+psycopg://billing:hunter2@db/billing?password=hunter2",
        rate_limit_storage="redis://:hunter2@cache:6379",
    )
    for shown in (repr(settings), str(settings)):
        assert SECRET not in shown
        assert SECRET.upper() not in shown
        assert "hunter2" not in shown
        assert "cache:6379" in shown


@pytest.mark.parametrize("password", ["hun@ter2", "hun/ter2", "hunt:er2", "hun%2Fter2"])
def test_no_part_of_a_password_shows(password: str) -> None:
    """Whatever is in it: databases and brokers take such passwords as they are."""
    for name in ("database_url", "queue_url", "rate_limit_storage"):
        shown = repr(Settings(**{name: f"scheme://me:{password}@somewhere:1/0"}))  # type: ignore[arg-type]
        assert "hun" not in shown
        assert "er2" not in shown
        assert "somewhere:1/0" in shown


def test_settings_are_frozen() -> None:
    """What was checked at the start stays as it is."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().max_body_mb = 1  # type: ignore[misc]
