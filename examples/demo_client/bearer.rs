//! A caller's token, added to every call.

use std::path::Path;

use anyhow::Context;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// `authorization: Bearer kl_…`.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(AsciiMetadataValue);

impl Bearer {
    /// Reads the token from a file: never from arguments, which every user of the machine can list.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let token = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the token file {}", file.display()))?;
        let mut value: AsciiMetadataValue = format!("Bearer {}", token.trim())
            .parse()
            .context("the token is not plain ASCII")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.0.clone());
        Ok(request)
    }
}
