# The whole service in one container, on the embedded back-ends:
# docker run -p 8080:8080 -v convtailor:/data -e CONVTAILOR_PUBLIC_URL=http://$(hostname):8080 IMAGE
# Links in mails and answers begin with that address; a container cannot know under which one people reach its host.
FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1 AS builder
COPY infra/docker/requirements/build.txt infra/docker/requirements/onebox.txt /tmp/
# Hashes hold every file to the lock; wheels only, so that nothing is compiled and no compiler is needed.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary=:all: \
        --requirement /tmp/build.txt \
    && python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary=:all: \
        --requirement /tmp/onebox.txt
COPY pyproject.toml README.md /source/
COPY shared/ /source/shared/
COPY services/ /source/services/
# Dependencies change seldom and the sources often, so the sources come last; nothing more may be fetched for them.
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --no-index --wheel-dir /tmp/wheel /source \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-index /tmp/wheel/*.whl

FROM python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1
LABEL org.opencontainers.image.title="convtailor-onebox" \
      org.opencontainers.image.description="convtailor on one machine: intake, trainer and reporter." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin convtailor \
    && install --directory --owner=10001 --group=10001 /data
COPY --from=builder /opt/venv /opt/venv
ENV PATH="/opt/venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
# Any answer of the web server will do: it stops answering when the service is gone.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
USER 10001:10001
CMD ["convtailor", "serve", "--host", "0.0.0.0", "--data", "/data"]
