//! Other people's resources, read where they lie: every one is admitted and comes back byte for byte.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use bedside_fhir::json::{ScanLimits, minify, parse};
use bedside_fhir::resource::Resource;
use bedside_fhir::splice::splice;
use bedside_fhir::stream::{Limits, Reader, entry, entry_key};
use flate2::read::MultiGzDecoder;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(children) = std::fs::read_dir(folder) else {
        return;
    };
    for child in children.flatten() {
        let path = child.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "gz") {
            found.push(path);
        }
    }
}

#[test]
fn every_resource_of_the_corpus_comes_back_byte_for_byte() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fhir");
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    if paths.is_empty() {
        println!("corpus not present: skipped the FHIR corpus");
        return;
    }
    paths.sort();
    let mut resources = 0;
    for path in &paths {
        let reader = BufReader::new(MultiGzDecoder::new(File::open(path).unwrap()));
        for unit in Reader::new(reader, Limits::default()) {
            let unit = unit.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let entry = entry(unit.text()).unwrap();
            let small = minify(entry.resource_text);
            assert_eq!(splice(&small, None, &mut |_| None).unwrap(), small);
            assert_eq!(
                parse(small.as_bytes(), &ScanLimits::default()).unwrap(),
                entry.resource
            );
            let resource = Resource::of(&entry.resource).unwrap();
            let key = entry_key(unit.text()).unwrap();
            assert_eq!(
                (key.resource_type.as_str(), key.id.as_deref()),
                (resource.resource_type(), resource.id())
            );
            resources += 1;
        }
    }
    assert!(resources > 0);
    println!("{resources} resources of {} files", paths.len());
}
