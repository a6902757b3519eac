//! Compiles the protos with protox, so that nobody needs protoc, and embeds the migrations' folder as an input.

/// Messages that carry secrets: their `Debug` is written by hand in `src/proto.rs`, since generated code prints fields marked
/// `debug_redact` all the same.
const SECRET_MESSAGES: [&str; 8] = [
    "keylease.v1.Credential",
    "keylease.v1.Header",
    "keylease.v1.QueryParameter",
    "keylease.v1.Secret",
    "keylease.v1.CreateTokenResponse",
    "keylease.v1.SetRotatorResponse",
    "keylease.v1.HttpResult",
    "keylease.v1.TransportFailure",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=proto");
    let files = ["lease", "admin", "alerts", "resources", "error_reason"]
        .map(|name| format!("keylease/v1/{name}.proto"));
    let descriptors = protox::compile(&files, ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out.join("descriptor.bin"),
        prost::Message::encode_to_vec(&descriptors),
    )?;
    // Messages know their own names, so that the client can print any of them by its descriptor.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure()
        // Ordered maps: a request that is encoded again to recognise its repetition has the same bytes each time.
        .btree_map(".")
        .skip_debug(SECRET_MESSAGES)
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
