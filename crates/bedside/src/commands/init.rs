//! `bedside init`.

use std::path::Path;

use bedside_store::seal::KeyFile;

use crate::boot::Place;
use crate::config::TEMPLATE;
use crate::fault::Fault;
use crate::out::Out;

pub(super) async fn run(dir: &Path, out: &Out) -> Result<u8, Fault> {
    let failed = |path: &Path, error: std::io::Error| {
        Fault::environment(format!("can't write {}: {error}", path.display()))
    };
    std::fs::create_dir_all(dir).map_err(|error| failed(dir, error))?;
    let config = dir.join("bedside.toml");
    let wrote = if config.exists() {
        false
    } else {
        std::fs::write(&config, TEMPLATE).map_err(|error| failed(&config, error))?;
        true
    };
    let scope = dir.join("scope.yaml");
    let drew = if scope.exists() {
        false
    } else {
        std::fs::write(&scope, bedside_core::scope::TEMPLATE)
            .map_err(|error| failed(&scope, error))?;
        true
    };
    let place = Place::find(Some(&config), None)?;
    let made = if KeyFile::load(&place.key())?.is_some() {
        false
    } else if std::fs::read_dir(&place.data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(bedside_store::Error::KeyMissing { path: place.key() }.into());
    } else {
        KeyFile::create(&place.key())?;
        true
    };
    if out.json() {
        out.document(&serde_json::json!({ "config": config, "config_written": wrote, "scope": scope, "scope_written": drew, "key": place.key(), "key_written": made })).await;
        return Ok(0);
    }
    let kept = |new: bool| {
        if new {
            "written"
        } else {
            "was there, left as it is"
        }
    };
    out.line(format!("{}  {}", config.display(), kept(wrote)))
        .await;
    out.line(format!("{}  {}", scope.display(), kept(drew)))
        .await;
    out.line(format!("{}  {}", place.key().display(), kept(made)))
        .await;
    out.line("Keep a copy of the key somewhere else: without it the data can't be read.")
        .await;
    out.line(format!("Next: bedside serve --config {}", config.display()))
        .await;
    Ok(0)
}
