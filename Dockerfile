# Two stages: build on Debian 12 with the same script as everywhere, run on a slim image as a user of its own,
# without a shell's help and with a read-only root file system: only /var/lib/auditferry (state) and where
# file exporters write need a volume. docs/install.md tells how to run it.
ARG BUILD_IMAGE=debian:12
ARG RUN_IMAGE=debian:12-slim

FROM ${BUILD_IMAGE} AS build
COPY . /src
WORKDIR /src
# A compiler cache may be mounted at /root/.cache/ccache; it then serves other checkouts' files, too.
RUN export CCACHE_BASEDIR=/src CCACHE_NOHASHDIR=1 \
 && scripts/install-dependencies \
 && cmake --preset release -DAUDITFERRY_TESTS=OFF -DAUDITFERRY_BENCH=OFF \
 && cmake --build --preset release --target auditferry \
 && strip build/release/daemon/auditferry

FROM ${RUN_IMAGE}
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates libfmt9 libprometheus-cpp-core1.0 libsqlite3-0 libssl3 libsystemd0 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10640 auditferry \
 && useradd --system --uid 10640 --gid 10640 --home-dir /var/lib/auditferry --no-create-home auditferry \
 && install -d -o auditferry -g auditferry -m 0700 /var/lib/auditferry \
 && install -d -o auditferry -g auditferry -m 0750 /var/log/auditferry
COPY --from=build /src/build/release/daemon/auditferry /usr/bin/auditferry
COPY --from=build /src/config/example.toml /etc/auditferry/auditferry.toml.example
# By number, so that Kubernetes can see that it is not root.
USER 10640:10640
ENV STATE_DIRECTORY=/var/lib/auditferry
VOLUME ["/var/lib/auditferry", "/var/log/auditferry"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["/usr/bin/auditferry", "health", "--config", "/etc/auditferry/auditferry.toml"]
ENTRYPOINT ["/usr/bin/auditferry"]
CMD ["run", "--config", "/etc/auditferry/auditferry.toml"]
