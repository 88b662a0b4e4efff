# The images of bahub: docs/kubernetes.md, "The images".
#
#     docker build -t bahub .                                          the program, from source
#     docker build -t backup-maker-env --target backup-maker-env .     what a side pod works with
#
# Where no registry can be reached, BASE is an image of what debootstrap makes; programs that are built already are put on
# the target `base`. scripts/images does both. A builder without BuildKit will do.
#
# The newest Debian, because pg_dump refuses servers that are newer than itself. The program must not need a newer libc
# than BASE has.
ARG BASE=debian:trixie-slim
ARG RUST=rust:1-trixie

# Programs that read and write data; bahub puts its agent in. No user is set: the files of an application belong to its
# own, and the pod's securityContext says as whom to read them.
FROM ${BASE} AS backup-maker-env
RUN apt-get -o Acquire::Retries=3 update \
    && DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y --no-install-recommends \
        ca-certificates mariadb-client postgresql-client tar \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt
CMD ["/bin/sh"]

# The same for bahub itself, which reaches databases over the network and volumes of its own pod by the transport `sh`;
# ssh for the transport of that name. libssl3 is the system's, so that rebuilding on a new base renews it.
FROM backup-maker-env AS base
RUN apt-get -o Acquire::Retries=3 update \
    && DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y --no-install-recommends libssl3 openssh-client \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt \
    && groupadd --gid 65532 bahub \
    && useradd --uid 65532 --gid bahub --create-home --home-dir /home/bahub --shell /usr/sbin/nologin bahub \
    && ln -s bahub /usr/local/bin/backup-controller
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
WORKDIR /home/bahub
ENTRYPOINT ["/usr/local/bin/bahub"]
CMD ["--help"]

FROM ${RUST} AS build
RUN apt-get -o Acquire::Retries=3 update \
    && DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y --no-install-recommends \
        gcc libc6-dev make perl pkg-config libssl-dev libclang-dev
WORKDIR /src
COPY . .
# As docs/building.md says: the agent is static and brings its OpenSSL along.
RUN target=$(uname -m)-unknown-linux-gnu \
    && RUSTFLAGS="-C target-feature=+crt-static" OPENSSL_NO_VENDOR=0 cargo build --profile agent --locked \
        -p bahub-agent --bin backup-maker --features vendored --target "$target" \
    && cargo build --profile dist --locked -p bahub-cli --bin bahub \
    && mkdir /out && cp "target/$target/agent/backup-maker" target/dist/bahub /out/

FROM base AS bahub
COPY --from=build /out/bahub /out/backup-maker /usr/local/bin/
