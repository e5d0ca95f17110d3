# The service, its workers and its command line: the arguments of `billing` say which.
#
#   docker build --tag billing .
#   docker run --init --publish 127.0.0.1:8000:8000 --volume billing:/var/lib/billing \
#       --env BILLING_JWT_SECRET="$(openssl rand -hex 32)" billing

FROM python:3.13-slim-trixie AS base


FROM base AS build

# What is installed beside the library; pyproject.toml has all extras.
ARG EXTRAS=celery,metrics,postgres,redis,server

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /src
COPY LICENSE README.md constraints.txt pyproject.toml ./
COPY src src

# With the versions that the tests ran with, and without a compiler. What runs needs no pip.
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip wheel --no-deps --wheel-dir /wheels . \
    && python -m venv /opt/billing \
    && /opt/billing/bin/python -m pip install --constraint constraints.txt \
        --only-binary :all: "$(echo /wheels/billing-*.whl)[$EXTRAS]" \
    && /opt/billing/bin/python -m pip uninstall --yes pip


FROM base

# A number, so that an orchestrator can see that it is not root's; nobody on the host has it.
RUN groupadd --gid 10001 billing \
    && useradd --uid 10001 --gid billing --no-create-home --home-dir /var/lib/billing \
        --shell /usr/sbin/nologin billing \
    && install --directory --owner billing --group billing --mode 0750 /var/lib/billing

COPY --from=build /opt/billing /opt/billing

ENV PATH=/opt/billing/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BILLING_DATABASE_URL=sqlite:////var/lib/billing/billing.db

# The database of a small installation: the only place that it writes to, beside /tmp.
WORKDIR /var/lib/billing
USER 10001:10001

# The API, and metrics where BILLING_METRICS_PORT says so.
EXPOSE 8000 9464

# It lets requests under way end, for up to 30 s: give it longer than that.
STOPSIGNAL SIGTERM

# Alive, not ready: a service whose database is away gains nothing from a restart. No proxy is asked.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/healthz', timeout=4)"]

ENTRYPOINT ["billing"]
CMD ["serve", "--host", "0.0.0.0"]
