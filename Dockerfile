# The image of KeyLease: one binary, the server and its command line, as an unprivileged user on a base without a shell.
#
#   docker build -t keylease:dev .            CARGO_BUILD_JOBS (a build argument) bounds the compiler's processes

# Dependencies alone, so that a change to our sources compiles only our sources. The layer is keyed by the manifests and the lock.
FROM rust:1.95-bookworm AS dependencies
ARG CARGO_BUILD_JOBS
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY stand-in/Cargo.toml stand-in/
# Empty crates stand in for ours while the dependencies compile. What cargo made of them is then deleted: COPY keeps the times of
# files, so sources older than this layer would count as unchanged, and the image would ship the empty binary.
RUN mkdir -p src stand-in/src tests/chaos benches/lease \
 && touch src/lib.rs stand-in/src/lib.rs tests/chaos/main.rs benches/lease/main.rs \
 && echo 'fn main() {}' | tee build.rs src/main.rs > stand-in/src/main.rs \
 && cargo build --release --locked --bin keylease \
 && cargo clean --release --package keylease

# Our own sources. The protos are compiled by the build script without protoc, and queries are checked against .sqlx.
FROM dependencies AS build
COPY . .
RUN SQLX_OFFLINE=true cargo build --release --locked --bin keylease

# glibc, libgcc and certificate authorities, nothing else. The user is a number, since a kubelet cannot see that a name is not root.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="keylease" \
      org.opencontainers.image.description="A gRPC key vault that leases third-party API keys within their limits" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /build/target/release/keylease /usr/local/bin/keylease
USER 65532:65532
# gRPC, metrics, and health for probes that cannot do TLS
EXPOSE 7600 7601 7602
ENTRYPOINT ["/usr/local/bin/keylease"]
CMD ["serve"]
