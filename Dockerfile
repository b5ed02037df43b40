# telebridge: the bridge in a container. Build: docker build -t telebridge .
# Run: docker run -p 8080:8080 -e RIME_API_KEY -e TWILIO_AUTH_TOKEN -e TELEBRIDGE_PUBLIC_URL=https://… telebridge
FROM python:3.13-slim AS build
WORKDIR /build
COPY scripts/requirements.lock scripts/requirements.lock
RUN python -m venv /opt/telebridge \
    && /opt/telebridge/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r scripts/requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY telebridge telebridge
COPY config config
RUN /opt/telebridge/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --home-dir /var/lib/telebridge telebridge
COPY --from=build /opt/telebridge /opt/telebridge
COPY config /etc/telebridge
ENV PATH=/opt/telebridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TELEBRIDGE_FLOWS_DIR=/etc/telebridge/flows \
    TELEBRIDGE_STATE_DIR=/var/lib/telebridge/var
USER telebridge
WORKDIR /var/lib/telebridge
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["telebridge", "serve", "--workers", "1", "--config", "/etc/telebridge/telebridge.toml", "--host", "0.0.0.0"]
