# Two stages: build on Debian 12 with the same script as everywhere, run on a slim image as nobody in particular.
FROM debian:12 AS build
COPY . /src
WORKDIR /src
RUN scripts/install-dependencies \
 && cmake --preset release -DAUDITFERRY_TESTS=OFF -DAUDITFERRY_BENCH=OFF \
 && cmake --build --preset release --target auditferry

FROM debian:12-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates libfmt9 libprometheus-cpp-core1.0 libsqlite3-0 libssl3 libsystemd0 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10640 --home-dir /var/lib/auditferry --create-home auditferry
COPY --from=build /src/build/release/daemon/auditferry /usr/bin/auditferry
USER auditferry
ENV STATE_DIRECTORY=/var/lib/auditferry
VOLUME /var/lib/auditferry
ENTRYPOINT ["/usr/bin/auditferry"]
CMD ["run", "--config", "/etc/auditferry/auditferry.toml"]
