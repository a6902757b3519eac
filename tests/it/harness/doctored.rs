//! `keylease doctor` on the database of a cluster.

use serde_json::Value;

use super::cluster::Cluster;
use super::process::texts;

/// What it said.
pub(crate) struct Diagnosis {
    pub(crate) code: Option<i32>,
    pub(crate) report: Value,
}

impl Cluster {
    /// Runs it with these arguments besides.
    pub(crate) fn doctor(&self, arguments: &[&str]) -> Diagnosis {
        self.doctor_with(&self.master_key(), arguments)
    }

    /// The same, with the master keys of this file.
    pub(crate) fn doctor_with(&self, master_key: &str, arguments: &[&str]) -> Diagnosis {
        let mut command = self.command("doctor");
        command
            .arg("--json")
            .args(arguments)
            .env("KEYLEASE_MASTER_KEY_FILE", master_key);
        let output = command.output().unwrap();
        let (out, error) = texts(&output);
        let report = serde_json::from_str(&out);
        Diagnosis {
            code: output.status.code(),
            report: report.unwrap_or_else(|_| panic!("no JSON: {out}{error}")),
        }
    }
}

impl Diagnosis {
    /// Nothing is wrong.
    pub(crate) fn is_well(&self) -> bool {
        self.code == Some(0)
            && self.report["well"] == true
            && self.report["findings"] == serde_json::json!([])
    }

    /// How many findings there are of a kind; something is wrong where there are any.
    pub(crate) fn count(&self, kind: &str) -> u64 {
        let count = self.report["counts"][kind].as_u64().unwrap_or(0);
        if count > 0 {
            assert_eq!(
                (self.code, &self.report["well"]),
                (Some(4), &Value::Bool(false))
            );
        }
        count
    }

    /// Everything it said.
    pub(crate) fn text(&self) -> String {
        self.report.to_string()
    }
}
