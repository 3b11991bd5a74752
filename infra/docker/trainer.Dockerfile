# The trainer on a GPU machine. NVIDIA's smallest base refuses a driver that is too old for it before anything starts, and
# brings what lets somewhat older drivers run newer CUDA. The libraries themselves come as wheels with tensorflow[and-cuda],
# locked with hashes like everything else and of the versions that this TensorFlow asks for; a larger base would bring a
# second set of gigabytes. The driver belongs to the host, whose container toolkit hands it in.
FROM nvidia/cuda:12.9.1-base-ubuntu24.04@sha256:29e5e3425e2e0f5a4e97c9fb4695ba4887cd78210a43cf94c3bcafc6ab01c5e6 AS builder
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3.12 python3.12-venv \
    && rm -rf /var/lib/apt/lists/*
COPY infra/docker/requirements/trainer.txt /tmp/requirements.txt
# Hashes hold every file to the lock; wheels only, so that nothing is compiled and no compiler is needed.
RUN python3.12 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary=:all: \
        --requirement /tmp/requirements.txt

FROM nvidia/cuda:12.9.1-base-ubuntu24.04@sha256:29e5e3425e2e0f5a4e97c9fb4695ba4887cd78210a43cf94c3bcafc6ab01c5e6
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3.12 \
    && rm -rf /var/lib/apt/lists/*
LABEL org.opencontainers.image.title="convtailor-trainer" \
      org.opencontainers.image.description="Fits networks to photographs; needs an NVIDIA driver on the host, or runs on the CPU." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin convtailor
COPY --from=builder /opt/venv /opt/venv
COPY shared/ /app/shared/
COPY services/__init__.py /app/services/
COPY services/trainer/ /app/services/trainer/
WORKDIR /app
# Compiled once here, because a cold start would compile everything again.
RUN ["/opt/venv/bin/python", "-m", "compileall", "-q", "/app"]
# /data is the volume: decoded images, weights, and how fast this machine was with earlier jobs.
ENV PATH="/opt/venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    CONVTAILOR_DATA_DIR=/data \
    CONVTAILOR_WEIGHTS_CACHE_DIR=/data/weights \
    CONVTAILOR_CALIBRATION_FILE=/data/calibration.json
RUN ["install", "--directory", "--owner=10001", "--group=10001", "/data"]
VOLUME ["/data"]
USER 10001:10001
CMD ["python", "-m", "services.trainer"]
