//! `/fhir` as clients use it that nobody here wrote: npm `fhirclient`, `fhir-kit-client`, `@medplum/core`, `fhirclient` for Python, and
//! `smart-fetch`, which gets its token on its own.
//!
//! They are installed from their registries into the target directory at the first run; without Node, Python or a registry the test says
//! that it was skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::site::Site;
use crate::support::skipped;

/// Where the scripts lie.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// Where the clients are installed.
const INSTALLED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/clients");

#[test]
fn npm_clients_read_search_and_create_unchanged() {
    let Some(modules) = npm() else { return };
    let place = Place::open();
    let token = place.token("ES384");
    for script in ["fhirclient.cjs", "fhir-kit-client.mjs", "medplum.mjs"] {
        // Node looks for modules above the script.
        let copy = modules.join(script);
        fs::copy(Path::new(SCRIPTS).join(script), &copy).unwrap();
        let said = run(place.command("node", &token).arg(&copy));
        println!("{said}");
    }
    place.close();
}

#[test]
fn the_python_client_reads_and_searches_with_its_strict_models() {
    let (Some(_), Some(programs)) = (npm(), python()) else {
        return;
    };
    let place = Place::open();
    let token = place.token("RS384");
    let mut command = place.command(programs.join("python"), &token);
    let said = run(command.arg(Path::new(SCRIPTS).join("fhirclient_py.py")));
    println!("{said}");
    place.close();
}

#[test]
fn a_backend_services_client_gets_its_own_token_and_fetches() {
    let (Some(_), Some(programs)) = (npm(), python()) else {
        return;
    };
    let place = Place::open();
    let out = place.keys.path().join("out");
    let patient = place.patient();
    let said = run(place
        .command(programs.join("smart-fetch"), "")
        .arg("crawl")
        .args(["--fhir-url", &place.base])
        .args(["--smart-client-id", "clients", "--smart-key"])
        .arg(place.keys.path().join("RS384.jwks"))
        .args(["--id-list", &patient])
        .args(["--type", "Patient,Observation,Condition"])
        .args(["--no-default-filters", "--no-compression"])
        .arg(&out));
    let mut lines = 0;
    for name in ["Observation", "Condition", "Patient"] {
        let found = ndjson(&out, name);
        assert!(!found.is_empty(), "no {name} in {said}");
        lines += found.lines().count();
    }
    println!("smart-fetch: {lines} resources");
    place.close();
}

/// A running site with one application and one patient.
struct Place {
    site: Site,
    serve: crate::support::site::Serve,
    keys: tempfile::TempDir,
    base: String,
    person: String,
}

impl Place {
    fn open() -> Self {
        let keys = tempfile::tempdir().unwrap();
        run(Command::new("node")
            .arg(Path::new(SCRIPTS).join("keys.mjs"))
            .arg(keys.path()));
        let site = Site::new();
        let jwks = keys.path().join("public.jwks.json");
        site.edit(|text| {
            format!(
                "{text}\n[[application]]\nid = \"clients\"\njwks = {:?}\nscopes = \"system/Patient.rs system/Observation.crs \
                 system/Condition.rs system/AllergyIntolerance.rs system/MedicationRequest.rs system/Encounter.rs\"\n",
                jwks.to_str().unwrap()
            )
        });
        let inputs = tempfile::tempdir().unwrap();
        let file = inputs.path().join("chart.ndjson");
        fs::write(&file, chart()).unwrap();
        site.ingest(&file, "archive").expect(0);
        let serve = site.serve();
        let person = site.find("quillfeather");
        let base = format!("http://{}/fhir", serve.http);
        Self {
            site,
            serve,
            keys,
            base,
            person,
        }
    }

    /// A command that finds the server by its environment.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>, token: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("B", &self.base)
            .env("P", &self.person)
            .env("T", token)
            .env("CLIENT", "clients");
        command
    }

    fn token(&self, alg: &str) -> String {
        run(self
            .command("node", "")
            .env("KEY", self.keys.path().join(format!("{alg}.jwks")))
            .arg(Path::new(SCRIPTS).join("token.mjs")))
    }

    /// The source's own patient, as a client finds it.
    fn patient(&self) -> String {
        let token = self.token("ES384");
        let text = run(self.command("node", &token).arg("-e").arg(
            "fetch(`${process.env.B}/Patient?family=quillfeather`,{headers:{authorization:`Bearer ${process.env.T}`}})\
             .then(a=>a.json()).then(b=>process.stdout.write(b.entry[0].resource.id))",
        ));
        assert!(!text.is_empty());
        text
    }

    fn close(self) {
        let (status, _) = self.serve.stop();
        assert_eq!(status, Some(0));
        self.site.verify().expect(0);
    }
}

/// One patient with five results and a diagnosis; about her allergies nothing was ever asked.
fn chart() -> String {
    let mut lines = vec![
        r#"{"resourceType":"Patient","id":"p1","identifier":[{"system":"urn:mrn","value":"7734001"}],"name":[{"family":"Quillfeather","given":["Ada"]}],"gender":"female","birthDate":"1957-03-02"}"#.to_owned(),
        r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/p1"},"code":{"text":"Chronic kidney disease"},"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}}"#.to_owned(),
    ];
    for n in 0..5 {
        lines.push(format!(
            r#"{{"resourceType":"Observation","id":"o{n}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"2823-3"}}]}},"subject":{{"reference":"Patient/p1"}},"effectiveDateTime":"2026-11-2{n}T08:00:00Z","valueQuantity":{{"value":4.{n}0,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}}}}"#
        ));
    }
    lines.join("\n")
}

/// The npm clients; `None` when they can't be had.
fn npm() -> Option<PathBuf> {
    // Once for all tests here: two at a time would get into each other's way.
    static DONE: OnceLock<Option<PathBuf>> = OnceLock::new();
    DONE.get_or_init(install_npm).clone()
}

fn install_npm() -> Option<PathBuf> {
    let folder = Path::new(INSTALLED).join("npm");
    if folder.join("node_modules/@medplum/core").exists() {
        return Some(folder);
    }
    fs::create_dir_all(&folder).unwrap();
    fs::copy(
        Path::new(SCRIPTS).join("package.json"),
        folder.join("package.json"),
    )
    .unwrap();
    let mut command = Command::new("npm");
    command
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(&folder);
    installed(&mut command, "npm").then_some(folder)
}

/// The Python clients' programs; `None` when they can't be had.
fn python() -> Option<PathBuf> {
    static DONE: OnceLock<Option<PathBuf>> = OnceLock::new();
    DONE.get_or_init(install_python).clone()
}

fn install_python() -> Option<PathBuf> {
    let folder = Path::new(INSTALLED).join("py");
    let programs = folder.join("bin");
    if programs.join("smart-fetch").exists() {
        return Some(programs);
    }
    let mut made = Command::new("python3");
    made.args(["-m", "venv"]).arg(&folder);
    let mut filled = Command::new(programs.join("pip"));
    filled
        .args(["install", "-q", "--disable-pip-version-check", "-r"])
        .arg(Path::new(SCRIPTS).join("requirements.txt"));
    (installed(&mut made, "python3") && installed(&mut filled, "pip")).then_some(programs)
}

fn installed(command: &mut Command, name: &str) -> bool {
    let done = command.output().is_ok_and(|output| output.status.success());
    if !done {
        skipped(&format!(
            "{name} is not here or its registry does not answer"
        ));
    }
    done
}

/// Runs to the end, and yields what it printed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// All lines of the files of a type below a folder.
fn ndjson(folder: &Path, kind: &str) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            text += &ndjson(&path, kind);
        } else if entry.file_name().to_string_lossy().starts_with(kind) {
            text += &fs::read_to_string(&path).unwrap();
        }
    }
    text
}
