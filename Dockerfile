# syntax=docker/dockerfile:1

# The packages and their versions: changes only when Package.swift does.
FROM swift:6.3-bookworm AS resolve
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libsqlite3-dev libsodium-dev libcurl4-openssl-dev libjpeg-dev libpng-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
RUN swift package resolve

# The server, with Swift's libraries inside it.
FROM resolve AS build
COPY Sources Sources
COPY Tests Tests
COPY scripts scripts
# Which commit this is, for --version: docker build --build-arg COMMIT=$(git rev-parse --short=12 HEAD) .
ARG COMMIT=
ENV SATCHEL_COMMIT=$COMMIT
RUN swift build -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked --product satcheld \
 && built="$(swift build -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked --show-bin-path)/satcheld" \
 && install -s -D "$built" /out/satcheld \
 && scripts/contents "$built" > /out/contents

# Package versions are the distribution's own, so that its security updates arrive.
# What runs: Debian, SQLite, the roots of certificates, one program, one user without rights.
FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates libpq5 libsqlite3-0 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 satchel \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin satchel \
 && install -d -o satchel -g satchel -m 0700 /var/lib/satchel
COPY --from=build /out/satcheld /usr/local/bin/satcheld
COPY --from=build /out/contents /usr/local/share/doc/satchel/contents
USER 10001:10001
ENV SATCHELD_LISTEN=0.0.0.0:8080 \
    SATCHELD_STORAGE=/var/lib/satchel \
    SATCHELD_CACHE=/var/lib/satchel
VOLUME /var/lib/satchel
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s \
    CMD ["satcheld", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["satcheld"]
CMD ["serve"]
