# Intake on Cloud Run. It listens at $PORT, which Cloud Run sets; gunicorn is started from Python (shared/web/server.py)
# with one worker, 8 threads, no time-out and no control socket. Cloud Run kills 10 s after SIGTERM: requests get 8.
FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1 AS builder
COPY infra/docker/requirements/intake.txt /tmp/requirements.txt
# Hashes hold every file to the lock; wheels only, so that nothing is compiled and no compiler is needed.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary=:all: \
        --requirement /tmp/requirements.txt

FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1
LABEL org.opencontainers.image.title="convtailor-intake" \
      org.opencontainers.image.description="Takes jobs and archives; the public API of convtailor." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin convtailor
COPY --from=builder /opt/venv /opt/venv
COPY shared/ /app/shared/
COPY services/__init__.py /app/services/
COPY services/intake/ /app/services/intake/
WORKDIR /app
# Compiled once here, because a cold start would compile everything again.
RUN ["/opt/venv/bin/python", "-m", "compileall", "-q", "/app"]
ENV PATH="/opt/venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    CONVTAILOR_HOST=0.0.0.0 \
    CONVTAILOR_STOP_GRACE_S=8
USER 10001:10001
CMD ["python", "-m", "services.intake"]
