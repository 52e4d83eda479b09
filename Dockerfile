# One image for every role: the role is the command (`topics apply`, `listen`, `work`, `deliver`). See docs/deployment.md.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
ENV PIP_CONSTRAINT=/src/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/hilferuf
# What we depend on, as a layer of its own: it changes seldom.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
      > requirements.txt \
 && pip --python /opt/hilferuf/bin/python install --requirement requirements.txt
COPY README.md LICENSE NOTICE ./
COPY records records
COPY config config
COPY lexicons lexicons
COPY listeners listeners
COPY priority priority
COPY sinks sinks
COPY streams streams
COPY hilferuf hilferuf
RUN pip --python /opt/hilferuf/bin/python install --no-deps .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="hilferuf" org.opencontainers.image.licenses="Apache-2.0"
# Nothing in the image installs anything at run time.
RUN pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip \
 && rm -rf /usr/local/lib/python3.11/ensurepip \
 && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/hilferuf --shell /usr/sbin/nologin hilferuf \
 && install -d -o hilferuf -g hilferuf -m 0750 /var/lib/hilferuf
COPY --from=build /opt/hilferuf /opt/hilferuf
ENV PATH=/opt/hilferuf/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HILFERUF_CONFIG=/etc/hilferuf/hilferuf.yaml
WORKDIR /var/lib/hilferuf
USER 10001:10001
EXPOSE 8780 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["hilferuf"]
CMD ["--help"]
